//! Errors of a tokenizer.

/// Why a tokenizer could not be trained, loaded or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// Not a tokenizer.json.
    #[error(
        "this is not a readable tokenizer.json ({0}); use the one that lies beside the checkpoint, or train a new one"
    )]
    Parse(String),
    /// Another kind of tokenizer than byte-level BPE.
    #[error(
        "the tokenizer is not byte-level BPE ({0}); train one here, or with the Python library's ByteLevel pre-tokenizer and decoder"
    )]
    NotByteLevel(String),
    /// Something in the file that this program does not do.
    #[error("the tokenizer's `{field}` is not supported ({why}); train one here, or without it")]
    Unsupported {
        /// Where it stands in the file.
        field: String,
        /// Why it is not supported.
        why: String,
    },
    /// There is no mask token.
    #[error("the tokenizer has no [MASK] token, which masked diffusion needs; train a new one")]
    NoMask,
    /// The token for unknown bytes is not in the vocabulary.
    #[error(
        "the tokenizer writes unknown bytes as `{0}`, which is not in its vocabulary; train it again with `{0}` among the special tokens"
    )]
    NoUnknown(String),
    /// Ids must be rows of the embedding.
    #[error(
        "the tokenizer's ids are not contiguous: it has {size} tokens but none with id {missing}; train it again without gaps"
    )]
    Gap {
        /// Number of tokens.
        size: u32,
        /// Smallest id below `size` that no token has.
        missing: u32,
    },
    /// Tokenizer and model have different sizes.
    #[error(
        "the tokenizer has {tokenizer} tokens and the model {model}; use the tokenizer.json that the model was trained with (it lies in the checkpoint's folder)"
    )]
    OtherSize {
        /// Tokens of the tokenizer.
        tokenizer: u32,
        /// Rows of the model's embedding.
        model: u32,
    },
    /// Tokenizer and model have different mask ids.
    #[error(
        "[MASK] is id {tokenizer} in the tokenizer and id {model} in the model; use the tokenizer.json that the model was trained with (it lies in the checkpoint's folder)"
    )]
    OtherMask {
        /// Id of the tokenizer.
        tokenizer: u32,
        /// Id of the model.
        model: u32,
    },
    /// Tokenizer and model do not belong together: the end of a text.
    #[error(
        "the token that ends a text is {} in the tokenizer and id {model} in the model; use the tokenizer.json that the model was trained with (it lies in the checkpoint's folder)",
        .tokenizer.map_or("not".to_owned(), |id| format!("id {id}"))
    )]
    OtherEnd {
        /// Id of the tokenizer, if it has such a token.
        tokenizer: Option<u32>,
        /// Id of the model.
        model: u32,
    },
    /// No training text.
    #[error("there is no text to train a tokenizer on; give a file with stories in it")]
    NoText,
    /// Special tokens and single bytes alone exceed the requested size.
    #[error(
        "a vocabulary of {asked} is too small: special tokens and single bytes alone are {needed}; ask for at least {needed}"
    )]
    VocabTooSmall {
        /// What was asked for.
        asked: u32,
        /// What is needed.
        needed: u32,
    },
    /// The BPE library refused.
    #[error("the tokenizer could not be trained: {0}")]
    Train(String),
    /// An invalid gap in a prompt.
    #[error(
        "`{written}` is not a gap; write `[MASK]` for one token or `[MASK:12]` for 12, `[MASK:4-12]` for 4 to 12 (1 to {max})"
    )]
    BadGap {
        /// As it stands in the prompt.
        written: String,
        /// Longest gap.
        max: usize,
    },
    /// Gaps whose lengths are open in too many ways.
    #[error(
        "the gaps leave {count} combinations of lengths to try, at most {max} are tried; give narrower ones"
    )]
    ManyChoices {
        /// Combinations.
        count: usize,
        /// Most that are tried.
        max: usize,
    },
}
