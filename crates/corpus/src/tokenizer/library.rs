//! The `tokenizers` library: what trains, reads and encodes natively.

use tokenizers::{DecoderWrapper, ModelWrapper, PreTokenizerWrapper};

use super::TokenizerError;

/// A byte-level BPE of the library.
#[derive(Clone, Debug)]
pub(super) struct Engine(tokenizers::Tokenizer);

impl Engine {
    /// Reads a tokenizer.json.
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenizerError> {
        let inner = tokenizers::Tokenizer::from_bytes(json)
            .map_err(|e| TokenizerError::Parse(e.to_string()))?;
        Self::new(inner)
    }

    /// Checks that it is a byte-level BPE.
    pub(super) fn new(mut inner: tokenizers::Tokenizer) -> Result<Self, TokenizerError> {
        let ModelWrapper::BPE(bpe) = inner.get_model() else {
            return Err(TokenizerError::NotByteLevel("its model is not BPE".into()));
        };
        super::check_unknown(bpe)?;
        if !matches!(inner.get_pre_tokenizer(), Some(PreTokenizerWrapper::ByteLevel(_))) {
            return Err(TokenizerError::NotByteLevel("its pre-tokenizer is not ByteLevel".into()));
        }
        if !matches!(inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_))) {
            return Err(TokenizerError::NotByteLevel("its decoder is not ByteLevel".into()));
        }
        // Ignores truncation and padding of the file: the caller decides.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| TokenizerError::Parse(e.to_string()))?;
        Ok(Self(inner))
    }

    /// Number of tokens.
    pub(super) fn size(&self) -> u32 {
        self.0.get_vocab_size(true) as u32
    }

    /// Id of a token by its written form.
    pub(super) fn id(&self, written: &str) -> Option<u32> {
        self.0.token_to_id(written)
    }

    /// Written form of a token.
    pub(super) fn written(&self, id: u32) -> Option<String> {
        self.0.id_to_token(id)
    }

    /// Whether a token that was added to those of the BPE is special; `None` for the others.
    pub(super) fn added(&self, id: u32) -> Option<bool> {
        Some(self.0.get_added_tokens_decoder().get(&id)?.special)
    }

    /// Token ids of a text.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        // Cannot fail: `new` has checked the pipeline.
        let encoding = self.0.encode_fast(text, false).expect("byte-level BPE takes any text");
        encoding.get_ids().to_vec()
    }

    /// The tokenizer.json, pretty-printed.
    pub(super) fn json(&self) -> String {
        self.0.to_string(true).expect("a tokenizer has only strings and numbers to write")
    }
}
