//! Prompts with gaps: `[MASK]` is one token to be filled in, `[MASK:12]` is twelve, `[MASK:4-12]` as many
//! from four to twelve as read best.

use super::{Tokenizer, TokenizerError};

/// Longest gap that can be written, in tokens: far above every block size, and small enough that a
/// typing error cannot exhaust the memory.
pub const MAX_GAP: usize = 65_536;

/// Most combinations of lengths that gaps may have.
pub const MAX_CHOICES: usize = 64;

/// How every gap of a prompt begins.
pub const GAP_OPENS: &str = "[MASK";

/// A prompt, encoded, with gaps of certain lengths. Both vectors have one entry per token.
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
    /// Shortest and longest length.
    Gap(usize, usize),
}

/// The lengths of a gap: `12` or `4-12`.
fn lengths(written: &str) -> Option<(usize, usize)> {
    let (least, most) = written.split_once('-').unwrap_or((written, written));
    let (least, most) = (least.trim().parse().ok()?, most.trim().parse().ok()?);
    (1 <= least && least <= most && most <= MAX_GAP).then_some((least, most))
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
        let ((least, most), end) = match prompt.as_bytes().get(after) {
            Some(b']') => ((1, 1), after + 1),
            Some(b':') => {
                let close = prompt[after..].find(']').map(|i| after + i);
                let found = close.and_then(|close| lengths(&prompt[after + 1..close]));
                match (found, close) {
                    (Some(lengths), Some(close)) => (lengths, close + 1),
                    _ => {
                        let end = close.map_or(prompt.len(), |close| close + 1);
                        // What is no letter would not be seen where it is shown.
                        let written = prompt[start..end].chars().take(24);
                        let written = written.flat_map(char::escape_debug).collect();
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
        out.push(Piece::Gap(least, most));
        (text_from, at) = (end, end);
    }
    if text_from < prompt.len() {
        out.push(Piece::Text(&prompt[text_from..]));
    }
    Ok(out)
}

/// Every combination of lengths for the gaps of a prompt, shorter ones first.
fn choices(pieces: &[Piece<'_>]) -> Result<Vec<Vec<usize>>, TokenizerError> {
    let gaps = || {
        pieces.iter().filter_map(|piece| match *piece {
            Piece::Gap(least, most) => Some(least..=most),
            Piece::Text(_) => None,
        })
    };
    let count = gaps().map(|gap| gap.end() - gap.start() + 1);
    let count = count.fold(1usize, usize::saturating_mul);
    if count > MAX_CHOICES {
        return Err(TokenizerError::ManyChoices { count, max: MAX_CHOICES });
    }
    let mut all = vec![vec![]];
    for gap in gaps() {
        let longer = |lengths: &Vec<usize>| -> Vec<Vec<usize>> {
            gap.clone().map(|length| [&lengths[..], &[length]].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Ok(all)
}

impl Tokenizer {
    /// Encodes a prompt; `[MASK]` and `[MASK:12]` anywhere become gaps of one and of twelve tokens.
    /// With `[MASK:4-12]` there is one encoding for each length, and for each combination of lengths
    /// where there are several such gaps. A space before a gap is left out: tokens of words bring
    /// their own, and a space by itself is a token that no corpus has before a word.
    ///
    /// # Errors
    /// [`TokenizerError::BadGap`] for `[MASK:0]`, `[MASK:many]`, `[MASK:9-3]`, or more than [`MAX_GAP`];
    /// [`TokenizerError::ManyChoices`] for more combinations than [`MAX_CHOICES`].
    pub fn encode_prompt(&self, prompt: &str) -> Result<Vec<Prompt>, TokenizerError> {
        let pieces = pieces(prompt)?;
        let choices = choices(&pieces)?;
        Ok(choices.into_iter().map(|lengths| self.encode_pieces(&pieces, &lengths)).collect())
    }

    fn encode_pieces(&self, pieces: &[Piece<'_>], lengths: &[usize]) -> Prompt {
        let mut out = Prompt::default();
        let mut lengths = lengths.iter();
        let mut pieces = pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let is_gap = match piece {
                Piece::Text(text) => {
                    let before_gap = pieces.peek().is_some();
                    let text = if before_gap { text.trim_end_matches(' ') } else { text };
                    out.ids.extend(self.encode(text));
                    false
                }
                Piece::Gap(..) => {
                    let length = *lengths.next().expect("a length for each gap");
                    out.ids.extend(std::iter::repeat_n(self.mask_id(), length));
                    true
                }
            };
            out.gaps.resize(out.ids.len(), is_gap);
        }
        out
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
        assert_eq!(pieces("[MASK]").unwrap(), [Gap(1, 1)]);
        assert_eq!(
            pieces("[MASK:12] a [MASK][MASK: 3 ]é[MASK:4-12]").unwrap(),
            [Gap(12, 12), Text(" a "), Gap(1, 1), Gap(3, 3), Text("é"), Gap(4, 12)]
        );
        assert_eq!(pieces("[MASKS] [MASK").unwrap(), [Text("[MASKS] [MASK")]);
    }

    #[test]
    fn bad_gaps_are_named() {
        for bad in [
            "[MASK:0]",
            "[MASK:x]",
            "[MASK:]",
            "[MASK:-1]",
            "[MASK:65537]",
            "[MASK:4",
            "[MASK:9-3]",
            "[MASK:0-3]",
            "[MASK:3-]",
            "[MASK:1-2-3]",
        ] {
            let error = pieces(&format!("a {bad}")).unwrap_err();
            assert_eq!(error, TokenizerError::BadGap { written: bad.into(), max: MAX_GAP });
        }
        let error = pieces("[MASK:\n\0x]").unwrap_err().to_string();
        assert!(error.starts_with("`[MASK:\\n\\0x]` is not a gap"), "{error}");
        assert_eq!(
            pieces("[MASK:x]").unwrap_err().to_string(),
            "`[MASK:x]` is not a gap; write `[MASK]` for one token or `[MASK:12]` for 12, `[MASK:4-12]` for 4 to 12 (1 to 65536)"
        );
    }

    #[test]
    fn lengths_are_combined() {
        let all = |prompt| choices(&pieces(prompt).unwrap());
        assert_eq!(all("a cat"), Ok(vec![vec![]]));
        assert_eq!(all("[MASK:3] a [MASK]"), Ok(vec![vec![3, 1]]));
        let combined = vec![vec![1, 4], vec![1, 5], vec![2, 4], vec![2, 5]];
        assert_eq!(all("[MASK:1-2] a [MASK:4-5]"), Ok(combined));
        assert_eq!(all("[MASK:1-64]").map(|all| all.len()), Ok(64));
        let error = all("[MASK:1-9][MASK:1-9]").unwrap_err().to_string();
        assert_eq!(
            error,
            "the gaps leave 81 combinations of lengths to try, at most 64 are tried; give narrower ones"
        );
        assert!(all("[MASK:1-65536][MASK:1-65536][MASK:1-65536][MASK:1-65536]").is_err());
    }
}
