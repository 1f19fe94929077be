//! Prompts with gaps: `[MASK]` is one token to be filled in, `[MASK:12]` is twelve.

use super::{Tokenizer, TokenizerError};

/// Longest gap that can be written, in tokens: far above every block size, and small enough that a
/// typing error cannot exhaust the memory.
pub const MAX_GAP: usize = 65_536;

/// How every gap of a prompt begins.
pub const GAP_OPENS: &str = "[MASK";

/// An encoded prompt. Both vectors have one entry per token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Token ids; the mask's id in the gaps.
    pub ids: Vec<u32>,
    /// Whether the position is a gap, to be filled in by the model.
    pub gaps: Vec<bool>,
}

/// A stretch of the prompt as it was written.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Gap(usize),
}

/// Splits a prompt at its gaps.
fn pieces(prompt: &str) -> Result<Vec<Piece<'_>>, TokenizerError> {
    let open = GAP_OPENS;
    let mut out = Vec::new();
    let mut text_from = 0;
    let mut at = 0;
    while let Some(found) = prompt[at..].find(open) {
        let start = at + found;
        let after = start + open.len();
        let (length, end) = match prompt.as_bytes().get(after) {
            Some(b']') => (1, after + 1),
            Some(b':') => {
                let close = prompt[after..].find(']').map(|i| after + i);
                let length = close
                    .and_then(|close| prompt[after + 1..close].trim().parse().ok())
                    .filter(|n| (1..=MAX_GAP).contains(n));
                match (length, close) {
                    (Some(length), Some(close)) => (length, close + 1),
                    _ => {
                        let end = close.map_or(prompt.len(), |close| close + 1);
                        let written = prompt[start..end].chars().take(24).collect();
                        return Err(TokenizerError::BadGap { written, max: MAX_GAP });
                    }
                }
            }
            // Other words that begin like that are text, for example `[MASKS`.
            _ => {
                at = after;
                continue;
            }
        };
        if start > text_from {
            out.push(Piece::Text(&prompt[text_from..start]));
        }
        out.push(Piece::Gap(length));
        (text_from, at) = (end, end);
    }
    if text_from < prompt.len() {
        out.push(Piece::Text(&prompt[text_from..]));
    }
    Ok(out)
}

impl Tokenizer {
    /// Encodes a prompt; `[MASK]` and `[MASK:12]` anywhere become gaps of one and of twelve tokens.
    /// A space before a gap is left out: tokens of words bring their own, and a space by itself is a
    /// token that no corpus has before a word.
    ///
    /// # Errors
    /// [`TokenizerError::BadGap`] for `[MASK:0]`, `[MASK:many]`, or more than [`MAX_GAP`].
    pub fn encode_prompt(&self, prompt: &str) -> Result<Prompt, TokenizerError> {
        let mut out = Prompt::default();
        let mut pieces = pieces(prompt)?.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Text(text) => {
                    let before_gap = pieces.peek().is_some();
                    let text = if before_gap { text.trim_end_matches(' ') } else { text };
                    out.ids.extend(self.encode(text));
                }
                Piece::Gap(n) => out.ids.extend(std::iter::repeat_n(self.mask_id(), n)),
            }
            out.gaps.resize(out.ids.len(), matches!(piece, Piece::Gap(_)));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::Piece::{Gap, Text};
    use super::*;

    #[test]
    fn gaps_anywhere() {
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(pieces("a cat").unwrap(), [Text("a cat")]);
        assert_eq!(pieces("[MASK]").unwrap(), [Gap(1)]);
        assert_eq!(
            pieces("[MASK:12] a [MASK][MASK: 3 ]é[MASK]").unwrap(),
            [Gap(12), Text(" a "), Gap(1), Gap(3), Text("é"), Gap(1)]
        );
        assert_eq!(pieces("[MASKS] [MASK").unwrap(), [Text("[MASKS] [MASK")]);
    }

    #[test]
    fn bad_gaps_are_named() {
        for bad in ["[MASK:0]", "[MASK:x]", "[MASK:]", "[MASK:-1]", "[MASK:65537]", "[MASK:4"] {
            let error = pieces(&format!("a {bad}")).unwrap_err();
            assert_eq!(error, TokenizerError::BadGap { written: bad.into(), max: MAX_GAP });
        }
        assert_eq!(
            pieces("[MASK:x]").unwrap_err().to_string(),
            "`[MASK:x]` is not a gap; write `[MASK]` for one token or `[MASK:12]` for 12 (1 to 65536)"
        );
    }
}
