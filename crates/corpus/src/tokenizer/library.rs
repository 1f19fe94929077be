//! The `tokenizers` library: what trains, reads and encodes natively.

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use super::TokenizerError;
use super::file::{self, File};

/// Cuts texts into words, as GPT-2 does.
fn cuts() -> ByteLevel {
    ByteLevel::new(false, true, true)
}

/// The words of a text, written in the byte-level alphabet.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut text = PreTokenizedString::from(text);
    // Cannot fail: its expression matches any text.
    cuts().pre_tokenize(&mut text).expect("any text has words");
    let splits = text.get_splits(OffsetReferential::Original, OffsetType::Byte);
    splits.into_iter().map(|(word, ..)| word.to_owned()).collect()
}

/// A byte-level BPE of the library.
#[derive(Clone, Debug)]
pub(super) struct Engine(tokenizers::Tokenizer);

impl Engine {
    /// Reads a tokenizer.json.
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenizerError> {
        let file = File::parse(json)?;
        let part = |part: file::ByteLevel| {
            ByteLevel::new(part.add_prefix_space, part.trim_offsets, part.use_regex)
        };
        let added = file.added.iter().map(|token| {
            AddedToken::from(token.content.clone(), token.special).normalized(token.normalized)
        });
        Self::new(file.bpe()?, part(file.pre_tokenizer), part(file.decoder), added.collect())
    }

    /// What was trained, with its special tokens.
    pub(super) fn trained(bpe: BPE, specials: Vec<AddedToken>) -> Result<Self, TokenizerError> {
        Self::new(bpe, cuts(), ByteLevel::default(), specials)
    }

    /// A byte-level BPE of these parts.
    fn new(
        bpe: BPE,
        pre_tokenizer: ByteLevel,
        decoder: ByteLevel,
        added: Vec<AddedToken>,
    ) -> Result<Self, TokenizerError> {
        let mut inner = tokenizers::Tokenizer::new(bpe);
        inner.with_pre_tokenizer(Some(pre_tokenizer));
        inner.with_decoder(Some(decoder));
        inner.add_tokens(added).map_err(|e| TokenizerError::Parse(e.to_string()))?;
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
        // Cannot fail: every character of the byte-level alphabet is a token or unknown.
        let encoding = self.0.encode_fast(text, false).expect("byte-level BPE takes any text");
        encoding.get_ids().to_vec()
    }

    /// The tokenizer.json, pretty-printed.
    pub(super) fn json(&self) -> String {
        self.0.to_string(true).expect("a tokenizer has only strings and numbers to write")
    }
}
