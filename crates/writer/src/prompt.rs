//! Prompt to positions.

use corpus::tokenizer::{Prompt, Tokenizer, TokenizerError};

/// Tokens written after a prompt without gaps by [`Length::Auto`].
pub const DEFAULT_LENGTH: usize = 128;

/// How many tokens are written after the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// None if the prompt has gaps, else at most [`DEFAULT_LENGTH`].
    #[default]
    Auto,
    /// This many; refused if the block is too short.
    Exactly(usize),
    /// This many, or as many as the block has room for.
    AtMost(usize),
}

/// Why nothing can be written from a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A gap that cannot be read.
    #[error(transparent)]
    Gap(#[from] TokenizerError),
    /// The prompt alone is longer than the block.
    #[error("the prompt has {tokens} tokens, the model's block holds {block}; shorten the prompt")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens of the model's block.
        block: usize,
    },
    /// Prompt and requested tokens together are longer than the block.
    #[error(
        "the prompt has {tokens} tokens and {wanted} more are requested, but the model's block \
         holds {block}; shorten the prompt or request at most {}", block - tokens
    )]
    NoRoom {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens requested after it.
        wanted: usize,
        /// Tokens of the model's block.
        block: usize,
    },
    /// The prompt has no gap and fills the block.
    #[error(
        "the prompt fills the model's block of {0} tokens; shorten the prompt to leave room for text"
    )]
    Full(usize),
    /// The prompt has no gap and no tokens are requested after it.
    #[error(
        "there is nothing to write: the prompt has no gap and no tokens are requested after it; \
         request some, or put `[MASK:12]` into the prompt"
    )]
    Nothing,
}

/// The positions of a text: one entry per token, `None` where one is to be written. Where a gap's length
/// is open there is a list for each length, shorter ones first; [`Writer::fit`](crate::Writer::fit)
/// chooses.
///
/// `[MASK]`, `[MASK:12]` and `[MASK:4-12]` in the prompt are gaps. Spaces before text to be written are
/// dropped, because the next word's token brings its own.
///
/// # Errors
/// If the prompt does not fit `block_size` tokens or leaves nothing to write.
pub fn choices(
    tokenizer: &Tokenizer,
    prompt: &str,
    length: Length,
    block_size: usize,
) -> Result<Vec<Vec<Option<u32>>>, PromptError> {
    let continued = !matches!(length, Length::Exactly(0) | Length::AtMost(0));
    let prompt = if continued { prompt.trim_end_matches(' ') } else { prompt };
    let encoded = tokenizer.encode_prompt(prompt)?;
    encoded.into_iter().map(|prompt| positions(prompt, length, block_size)).collect()
}

fn positions(
    prompt: Prompt,
    length: Length,
    block: usize,
) -> Result<Vec<Option<u32>>, PromptError> {
    let Prompt { ids, gaps } = prompt;
    let tokens = ids.len();
    let has_gaps = gaps.contains(&true);
    let Some(room) = block.checked_sub(tokens) else {
        return Err(PromptError::TooLong { tokens, block });
    };
    let wanted = match length {
        Length::Auto if has_gaps => 0,
        Length::Auto => DEFAULT_LENGTH.min(room),
        Length::AtMost(wanted) => wanted.min(room),
        Length::Exactly(wanted) if wanted > room => {
            return Err(PromptError::NoRoom { tokens, wanted, block });
        }
        Length::Exactly(wanted) => wanted,
    };
    if wanted == 0 && !has_gaps {
        return Err(if room == 0 { PromptError::Full(block) } else { PromptError::Nothing });
    }
    let given = ids.into_iter().zip(gaps).map(|(id, gap)| (!gap).then_some(id));
    Ok(given.chain(std::iter::repeat_n(None, wanted)).collect())
}

#[cfg(test)]
mod tests {
    use super::Length::{AtMost, Auto, Exactly};
    use super::*;
    use corpus::tokenizer::TrainOptions;

    fn tokenizer() -> Tokenizer {
        let options = TrainOptions { vocab_size: 270, ..TrainOptions::default() };
        Tokenizer::train(["Tom had a cat."].into_iter(), &options, |_| ()).expect("a tokenizer")
    }

    /// `.` for a given token, `_` for one to be written.
    fn shape(prompt: &str, length: Length) -> String {
        let found = choices(&tokenizer(), prompt, length, 16).expect("positions");
        found[0].iter().map(|token| if token.is_some() { '.' } else { '_' }).collect()
    }

    #[test]
    fn prompts_and_gaps() {
        assert_eq!(shape("", Auto), "_".repeat(16));
        assert_eq!(shape("", Exactly(3)), "___");
        assert_eq!(shape("xy", Exactly(3)), "..___");
        assert_eq!(shape("xy", Auto), format!("..{}", "_".repeat(14)));
        assert_eq!(shape("xy", AtMost(3)), "..___");
        assert_eq!(shape("xy", AtMost(300)), format!("..{}", "_".repeat(14)));
        assert_eq!(shape("[MASK:2]x[MASK]y", Auto), "__._.");
        assert_eq!(shape("[MASK:2]x[MASK]y", AtMost(0)), "__._.");
        assert_eq!(shape("x[MASK]", Exactly(2)), ".___");
    }

    #[test]
    fn an_open_length_is_a_list_of_positions() {
        let found = choices(&tokenizer(), "x[MASK:2-4]y", Auto, 16).expect("positions");
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(found.iter().all(|one| one[0].is_some() && one[1].is_none()));
        let error = choices(&tokenizer(), "x[MASK:2-20]y", Auto, 16).unwrap_err().to_string();
        assert!(error.contains("the prompt has 17 tokens"), "{error}");
    }

    #[test]
    fn spaces_before_text_to_be_written_are_dropped() {
        for length in [Exactly(2), AtMost(2)] {
            assert_eq!(shape("x ", length), ".__");
            assert_eq!(shape("x  ", length), ".__");
        }
        assert_eq!(shape("x [MASK:2]y", Auto), ".__.");
        assert_eq!(shape("[MASK]x ", Exactly(0)), "_..", "a space at the end of the text stays");
    }

    #[test]
    fn impossible_prompts_get_a_sentence() {
        let error = |prompt: &str, length| {
            choices(&tokenizer(), prompt, length, 16).unwrap_err().to_string()
        };
        let long = "z".repeat(17);
        for length in [Auto, AtMost(3), Exactly(3)] {
            let error = error(&long, length);
            assert!(error.contains("the prompt has 17 tokens, the model's block holds 16"));
        }
        for wanted in [15, usize::MAX] {
            let error = error("xy", Exactly(wanted));
            assert!(error.contains("has 2 tokens and") && error.contains("request at most 14"));
        }
        for length in [Auto, AtMost(3), AtMost(0)] {
            assert!(error(&long[..16], length).contains("fills the model's block of 16 tokens"));
        }
        for length in [AtMost(0), Exactly(0)] {
            assert!(error("", length).contains("there is nothing to write"));
            assert!(error("xy", length).contains("there is nothing to write"));
        }
        assert!(error("x[MASK:0]", Auto).contains("`[MASK:0]` is not a gap"));
    }
}
