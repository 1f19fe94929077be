//! Byte-level BPE: text to token ids and back.
//!
//! A thin form around the `tokenizers` library. Its regular expressions run on the same pure-Rust
//! engine natively and in wasm, so both give the same ids; tokenizer.json files are those of the
//! Python library.

mod byte_level;
mod error;
mod prompt;
mod train;

use tokenizers::{DecoderWrapper, ModelWrapper, PreTokenizerWrapper};

pub use error::TokenizerError;
pub use prompt::{MAX_GAP, Prompt};
pub use train::{TrainOptions, TrainProgress};

/// Name of the token that fills up a row.
pub const PAD: &str = "[PAD]";
/// Name of the token for bytes that are not in the vocabulary.
pub const UNK: &str = "[UNK]";
/// Name of the token that hides another one.
pub const MASK: &str = "[MASK]";
/// Name of the token between two stories.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// A byte-level BPE with a `[MASK]` token and contiguous ids.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Per id: the bytes that the token stands for; for specials, the bytes of their name.
    bytes: Vec<Vec<u8>>,
    /// Per id: whether it is a special token.
    special: Vec<bool>,
    mask_id: u32,
}

impl Tokenizer {
    /// Loads a tokenizer.json, of this program or of the Python library.
    ///
    /// # Errors
    /// It does not parse; it is no byte-level BPE; it lacks `[MASK]`; its ids have gaps.
    pub fn from_bytes(json: &[u8]) -> Result<Self, TokenizerError> {
        let inner = tokenizers::Tokenizer::from_bytes(json)
            .map_err(|e| TokenizerError::Parse(e.to_string()))?;
        Self::new(inner)
    }

    /// Checks what [`Self::from_bytes`] promises and tabulates the bytes of the tokens.
    fn new(mut inner: tokenizers::Tokenizer) -> Result<Self, TokenizerError> {
        let ModelWrapper::BPE(bpe) = inner.get_model() else {
            return Err(TokenizerError::NotByteLevel("its model is not BPE".into()));
        };
        if let Some(unk) = bpe.get_unk_token()
            && inner.token_to_id(unk).is_none()
        {
            return Err(TokenizerError::NoUnknown(unk.clone()));
        }
        if !matches!(inner.get_pre_tokenizer(), Some(PreTokenizerWrapper::ByteLevel(_))) {
            return Err(TokenizerError::NotByteLevel("its pre-tokenizer is not ByteLevel".into()));
        }
        if !matches!(inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_))) {
            return Err(TokenizerError::NotByteLevel("its decoder is not ByteLevel".into()));
        }
        let mask_id = inner.token_to_id(MASK).ok_or(TokenizerError::NoMask)?;
        let added = inner.get_added_tokens_decoder();
        let size = inner.get_vocab_size(true) as u32;
        let mut bytes = Vec::with_capacity(size as usize);
        let mut special = Vec::with_capacity(size as usize);
        for id in 0..size {
            let Some(written) = inner.id_to_token(id) else {
                return Err(TokenizerError::Gap { size, missing: id });
            };
            let added = added.get(&id);
            special.push(added.is_some_and(|token| token.special));
            // Added tokens stand in the file as they are, the others in the byte-level alphabet.
            bytes.push(match added {
                Some(_) => written.into_bytes(),
                None => byte_level::to_bytes(&written).ok_or_else(|| {
                    TokenizerError::NotByteLevel(format!("token {id}, `{written}`, is not bytes"))
                })?,
            });
        }
        // Cutting and padding are the caller's affair, whatever the file says.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| TokenizerError::Parse(e.to_string()))?;
        Ok(Self { inner, bytes, special, mask_id })
    }

    /// The tokenizer.json, pretty-printed as the Python library prints it.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.inner.to_string(true).expect("a tokenizer has only strings and numbers to write")
    }

    /// Token ids of `text`. Names of special tokens in the text become those tokens.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        // `new` has checked the parts that the library could complain about.
        let encoding = self.inner.encode_fast(text, false).expect("byte-level BPE takes any text");
        encoding.get_ids().to_vec()
    }

    /// Text of `ids`, specials by their name. Bytes that are no UTF-8 (a character cut in half)
    /// become U+FFFD; ids past the vocabulary give nothing.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Like [`Self::decode`], without the special tokens.
    #[must_use]
    pub fn decode_without_specials(&self, ids: &[u32]) -> String {
        let plain: Vec<u32> = ids.iter().copied().filter(|&id| !self.is_special(id)).collect();
        self.decode(&plain)
    }

    /// The bytes that a token stands for (not always UTF-8: a token may be a part of a character);
    /// of a special token, its name. Empty for ids past the vocabulary.
    #[must_use]
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether this id is a special token.
    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        self.special.get(id as usize).copied().unwrap_or(false)
    }

    /// Number of tokens; ids are 0 up to it.
    #[must_use]
    pub fn vocab_size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Id of `[MASK]`.
    #[must_use]
    pub fn mask_id(&self) -> u32 {
        self.mask_id
    }

    /// Id of `[PAD]`, if there is one.
    #[must_use]
    pub fn pad_id(&self) -> Option<u32> {
        self.inner.token_to_id(PAD)
    }

    /// Id of `[UNK]`, if there is one.
    #[must_use]
    pub fn unk_id(&self) -> Option<u32> {
        self.inner.token_to_id(UNK)
    }

    /// Id of `<|endoftext|>`, if there is one.
    #[must_use]
    pub fn end_of_text_id(&self) -> Option<u32> {
        self.inner.token_to_id(END_OF_TEXT)
    }

    /// Checks that this tokenizer belongs to a model of `vocab_size` tokens with this `mask_id`.
    ///
    /// # Errors
    /// [`TokenizerError::OtherSize`] or [`TokenizerError::OtherMask`].
    pub fn check_model(&self, vocab_size: u32, mask_id: u32) -> Result<(), TokenizerError> {
        if self.vocab_size() != vocab_size {
            let tokenizer = self.vocab_size();
            return Err(TokenizerError::OtherSize { tokenizer, model: vocab_size });
        }
        if self.mask_id != mask_id {
            return Err(TokenizerError::OtherMask { tokenizer: self.mask_id, model: mask_id });
        }
        Ok(())
    }
}
