//! Byte-level BPE: text to token ids and back.
//!
//! A thin wrapper around the `tokenizers` library; it reads the tokenizer.json files of the Python
//! library. In a browser the whole library would be half of the download, so there only its BPE is
//! used, with a small reader and writer for the same files; tests check that both give the same ids, and
//! learn the same.

#[cfg(any(test, target_arch = "wasm32"))]
mod bpe;
mod byte_level;
#[cfg(any(test, target_arch = "wasm32"))]
mod class;
mod error;
mod file;
#[cfg(not(target_arch = "wasm32"))]
mod library;
mod prompt;
mod train;

#[cfg(target_arch = "wasm32")]
use bpe::{Engine, words};
#[cfg(not(target_arch = "wasm32"))]
use library::{Engine, words};

pub use error::TokenizerError;
pub use prompt::{GAP_OPENS, MAX_CHOICES, MAX_GAP, Prompt};
pub use train::{TrainOptions, TrainProgress};

/// Name of the padding token.
pub const PAD: &str = "[PAD]";
/// Name of the token for bytes that are not in the vocabulary.
pub const UNK: &str = "[UNK]";
/// Name of the mask token.
pub const MASK: &str = "[MASK]";
/// Name of the token between two stories.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// A byte-level BPE with a `[MASK]` token and contiguous ids.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    engine: Engine,
    /// Per id: the bytes that the token stands for; for specials, the bytes of their name.
    bytes: Vec<Vec<u8>>,
    /// Per id: whether it is a special token.
    special: Vec<bool>,
    /// Names of the special tokens.
    names: Vec<String>,
    mask_id: u32,
}

impl Tokenizer {
    /// Loads a tokenizer.json, of this program or of the Python library.
    ///
    /// # Errors
    /// It does not parse; it is no byte-level BPE; it has a field that this program does not support;
    /// it lacks `[MASK]`; its ids have gaps.
    pub fn from_bytes(json: &[u8]) -> Result<Self, TokenizerError> {
        Self::new(Engine::read(json)?)
    }

    /// Checks what [`Self::from_bytes`] promises and tabulates the bytes of the tokens.
    fn new(engine: Engine) -> Result<Self, TokenizerError> {
        let mask_id = engine.id(MASK).ok_or(TokenizerError::NoMask)?;
        let size = engine.size();
        let mut bytes = Vec::with_capacity(size as usize);
        let mut special = Vec::with_capacity(size as usize);
        let mut names = Vec::new();
        for id in 0..size {
            let Some(written) = engine.written(id) else {
                return Err(TokenizerError::Gap { size, missing: id });
            };
            let added = engine.added(id);
            special.push(added == Some(true));
            if added == Some(true) {
                names.push(written.clone());
            }
            // Added tokens stand in the file as they are, the others in the byte-level alphabet.
            bytes.push(match added {
                Some(_) => written.into_bytes(),
                None => byte_level::to_bytes(&written).ok_or_else(|| {
                    TokenizerError::NotByteLevel(format!("token {id}, `{written}`, is not bytes"))
                })?,
            });
        }
        Ok(Self { engine, bytes, special, names, mask_id })
    }

    /// The tokenizer.json, pretty-printed as the Python library prints it.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.engine.json()
    }

    /// Token ids of `text`. Names of special tokens in the text become those tokens.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.engine.encode(text)
    }

    /// Token ids of `text` without special tokens: their names in it are text like any other.
    #[must_use]
    pub fn encode_plain(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        // A name that is cut in two is none.
        let first = |text: &str| {
            let found = self.names.iter().filter_map(|name| Some((text.find(name)?, name)));
            let (at, name) = found.min_by_key(|&(at, _)| at)?;
            Some(at + name.chars().next()?.len_utf8())
        };
        while let Some(cut) = first(rest) {
            ids.extend(self.encode(&rest[..cut]));
            rest = &rest[cut..];
        }
        ids.extend(self.encode(rest));
        ids
    }

    /// Text of `ids`, specials by their name. Bytes that are no UTF-8 (a character cut in half)
    /// become U+FFFD; ids past the vocabulary give nothing.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.token_bytes(id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The bytes that a token stands for (not always UTF-8: a token may be a part of a character);
    /// of a special token, its name. Empty for ids past the vocabulary.
    #[must_use]
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// Bytes of text that the tokens stand for: an unknown byte is one byte, other special tokens are
    /// none.
    #[must_use]
    pub fn text_bytes(&self, ids: &[u32]) -> usize {
        let bytes = |&id: &u32| match id {
            id if Some(id) == self.unk_id() => 1,
            id if self.is_special(id) => 0,
            id => self.token_bytes(id).len(),
        };
        ids.iter().map(bytes).sum()
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

    /// Id of `[UNK]`, if there is one.
    #[must_use]
    pub fn unk_id(&self) -> Option<u32> {
        self.engine.id(UNK)
    }

    /// Id of `<|endoftext|>`, if there is one.
    #[must_use]
    pub fn end_of_text_id(&self) -> Option<u32> {
        self.engine.id(END_OF_TEXT)
    }

    /// Checks that this tokenizer belongs to a model of `vocab_size` tokens with this `mask_id`,
    /// and with this token at the end of texts if that is known.
    ///
    /// # Errors
    /// [`TokenizerError::OtherSize`], [`TokenizerError::OtherMask`] or
    /// [`TokenizerError::OtherEnd`].
    pub fn check_model(
        &self,
        vocab_size: u32,
        mask_id: u32,
        end_of_text: Option<u32>,
    ) -> Result<(), TokenizerError> {
        if self.vocab_size() != vocab_size {
            let tokenizer = self.vocab_size();
            return Err(TokenizerError::OtherSize { tokenizer, model: vocab_size });
        }
        if self.mask_id != mask_id {
            return Err(TokenizerError::OtherMask { tokenizer: self.mask_id, model: mask_id });
        }
        let tokenizer = self.end_of_text_id();
        if let Some(model) = end_of_text.filter(|&id| tokenizer != Some(id)) {
            return Err(TokenizerError::OtherEnd { tokenizer, model });
        }
        Ok(())
    }
}
