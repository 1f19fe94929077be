//! Prompts, cut at their gaps.

use crate::protocol::GAP_OPENS;

/// The words before the first gap; then every gap, as it is written between `[MASK` and `]`, with the
/// words behind it.
pub fn cut(prompt: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (first, rest) = prompt.split_once(GAP_OPENS).map_or((prompt, None), |(a, b)| (a, Some(b)));
    let gaps = rest.into_iter().flat_map(|rest| rest.split(GAP_OPENS));
    (first, gaps.map(|gap| gap.split_once(']').unwrap_or((gap, ""))))
}

/// Whether the model has something to write inside a prompt.
pub fn any(prompt: &str) -> bool {
    prompt.contains(GAP_OPENS)
}

/// Tokens in the gaps of a prompt, at most. What is no gap counts as one token.
pub fn tokens(prompt: &str) -> u32 {
    let size = |gap: &str| gap.strip_prefix(':')?.rsplit('-').next()?.parse().ok();
    cut(prompt).1.map(|(gap, _)| size(gap).unwrap_or(1)).sum()
}

/// Whether words are given behind a gap, which a model cannot fill that writes from left to right.
pub fn before_words(prompt: &str) -> bool {
    cut(prompt).1.any(|(_, words)| !words.trim().is_empty())
}

/// The beginning of a prompt, at most `most` letters of whole words; a gap is an ellipsis.
pub fn shortened(prompt: &str, most: usize) -> String {
    let (first, gaps) = cut(prompt);
    let text = gaps.fold(first.to_owned(), |text, (_, words)| format!("{text}…{words}"));
    if text.chars().count() <= most {
        return text;
    }
    let cut: String = text.chars().take(most).collect();
    let whole = cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words);
    format!("{}…", whole.trim_end_matches(|c: char| c.is_ascii_punctuation()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_come_with_the_words_behind_them() {
        let parts = |prompt| {
            let (first, gaps) = cut(prompt);
            (first, gaps.collect::<Vec<_>>())
        };
        assert_eq!(parts(""), ("", vec![]));
        assert_eq!(parts("A cat."), ("A cat.", vec![]));
        assert_eq!(parts("[MASK] ran [MASK:4-12]"), ("", vec![("", " ran "), (":4-12", "")]));
        assert_eq!(parts("A [MASK:3"), ("A ", vec![(":3", "")]), "it is not closed");
    }

    #[test]
    fn tokens_are_the_most_that_fit() {
        for (prompt, most) in [("A cat", 0), ("[MASK] [MASK:3].", 4), ("[MASK:4-12]", 12)] {
            assert_eq!(tokens(prompt), most, "{prompt}");
        }
    }

    #[test]
    fn gaps_at_the_end_can_be_filled_from_left_to_right() {
        for (prompt, before) in [
            ("", false),
            ("A cat", false),
            ("A cat [MASK:12]", false),
            ("A cat [MASK] [MASK:3]\n", false),
            ("A cat [MASK:12] home.", true),
            ("[MASK] cat [MASK]", true),
        ] {
            assert_eq!(before_words(prompt), before, "{prompt}");
        }
    }

    #[test]
    fn prompts_are_shortened_at_words_and_gaps() {
        for (prompt, short) in [
            ("A cat.", "A cat."),
            ("A [MASK:12] home.", "A … home."),
            ("[MASK] ran [MASK:4-12]", "… ran …"),
            ("Once upon a time, there was", "Once upon a time…"),
        ] {
            assert_eq!(shortened(prompt, 20), short);
        }
    }
}
