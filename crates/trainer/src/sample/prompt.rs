//! From what was typed to the positions of a text.

use anyhow::{Result, bail, ensure};
use corpus::tokenizer::Tokenizer;

/// Tokens that are written behind a prompt when nobody says how many.
const USUAL: usize = 128;

/// One entry per position of the text: the token, or `None` where one is to be written.
///
/// `gen_len` is how many follow the prompt; `None` leaves it to the prompt: none if it has gaps,
/// else [`USUAL`], or as many as a block of `block_size` tokens holds.
pub(super) fn positions(
    tokenizer: &Tokenizer,
    prompt: &str,
    gen_len: Option<usize>,
    block_size: usize,
) -> Result<Vec<Option<u32>>> {
    // As before a gap: the next word brings its space.
    let goes_on = gen_len != Some(0);
    let prompt = if goes_on { prompt.trim_end_matches(' ') } else { prompt };
    let encoded = tokenizer.encode_prompt(prompt)?;
    let tokens = encoded.ids.len();
    let gaps = encoded.gaps.contains(&true);
    let room = block_size.saturating_sub(tokens);
    let wanted = gen_len.unwrap_or(if gaps { 0 } else { USUAL.min(room) });
    ensure!(
        tokens <= block_size,
        "the prompt has {tokens} tokens, the model's block holds {block_size}; shorten the prompt"
    );
    ensure!(
        wanted <= room,
        "the prompt has {tokens} tokens and `--gen-len` asks for {wanted} more, but the model's block holds {block_size}; shorten the prompt or ask for at most {room}"
    );
    if wanted == 0 && !gaps {
        if room == 0 {
            bail!(
                "the prompt fills the model's block of {block_size} tokens; shorten it, so that there is room to write"
            );
        }
        bail!(
            "there is nothing to write: `--gen-len` is 0 and the prompt has no gap; ask for tokens, or put `[MASK:12]` into the prompt"
        );
    }
    let given = encoded.ids.iter().zip(encoded.gaps).map(|(&id, gap)| (!gap).then_some(id));
    Ok(given.chain(std::iter::repeat_n(None, wanted)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpus::tokenizer::TrainOptions;

    fn tokenizer() -> Tokenizer {
        let options = TrainOptions { vocab_size: 270, ..TrainOptions::default() };
        Tokenizer::train(["Tom had a cat."].into_iter(), &options, |_| ()).expect("a tokenizer")
    }

    /// `.` for a given token, `_` for one to be written.
    fn shape(prompt: &str, gen_len: Option<usize>) -> String {
        let found = positions(&tokenizer(), prompt, gen_len, 16).expect("positions");
        found.iter().map(|token| if token.is_some() { '.' } else { '_' }).collect()
    }

    #[test]
    fn prompts_and_gaps() {
        assert_eq!(shape("", None), "_".repeat(16));
        assert_eq!(shape("", Some(3)), "___");
        assert_eq!(shape("xy", Some(3)), "..___");
        assert_eq!(shape("xy", None), format!("..{}", "_".repeat(14)));
        assert_eq!(shape("[MASK:2]x[MASK]y", None), "__._.");
        assert_eq!(shape("x[MASK]", Some(2)), ".___");
        // Spaces before what is to be written are not given.
        assert_eq!(shape("x ", Some(2)), ".__");
        assert_eq!(shape("x [MASK:2]y", None), ".__.");
    }

    #[test]
    fn impossible_prompts_get_a_sentence() {
        let error = |prompt: &str, gen_len| {
            positions(&tokenizer(), prompt, gen_len, 16).unwrap_err().to_string()
        };
        let long = "z".repeat(17);
        assert!(
            error(&long, None).contains("the prompt has 17 tokens, the model's block holds 16")
        );
        assert!(error("xy", Some(15)).contains("ask for at most 14"));
        assert!(error("xy", Some(usize::MAX)).contains("ask for at most 14"));
        assert!(error(&long[..16], None).contains("the prompt fills the model's block"));
        assert!(error("", Some(0)).contains("there is nothing to write"));
        assert!(error("xy", Some(0)).contains("there is nothing to write"));
        assert!(error("x[MASK:0]", None).contains("`[MASK:0]` is not a gap"));
    }
}
