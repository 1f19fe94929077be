//! Cleaning of stories: mojibake, spaces, and names of special tokens.
//!
//! Mojibake here is UTF-8 that somebody read as Windows code page 1252 and wrote as UTF-8 again:
//! `’` became `â€™`, `é` became `Ã©`. TinyStories holds some thousands of such stories.

use std::borrow::Cow;

/// Characters of code page 1252 at bytes 0x80 to 0x9F; the five unused bytes stand for the C1
/// controls of the same number, as web browsers read them.
const CP1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Most passes; text that was misread several times needs one for each.
const MAX_PASSES: usize = 3;

/// Repairs mojibake, makes one space of each run of spaces (tabs and no-break spaces are spaces),
/// ends lines with `\n` alone, and trims. Gives the text itself, borrowed, where nothing changes.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_PASSES {
        match repair(&text) {
            Some(repaired) => text = Cow::Owned(repaired),
            None => break,
        }
    }
    match tidy(&text) {
        Some(tidied) => Cow::Owned(tidied),
        None => text,
    }
}

/// `text` with a space for each `marker` in it, such as the name of a special token: a story that
/// holds the end-of-text marker would otherwise be two.
#[must_use]
pub fn without_marker<'a>(text: &'a str, marker: &str) -> Cow<'a, str> {
    // A space, not nothing: what stands on its two sides must not form a marker again.
    if !marker.is_empty() && text.contains(marker) {
        Cow::Owned(text.replace(marker, " "))
    } else {
        Cow::Borrowed(text)
    }
}

/// `text` without the lines that are `line`, spaces at their ends aside.
#[must_use]
pub fn without_line<'a>(text: &'a str, line: &str) -> Cow<'a, str> {
    let line = line.trim();
    if line.is_empty() || !text.lines().any(|found| found.trim() == line) {
        return Cow::Borrowed(text);
    }
    let kept: Vec<_> = text.lines().filter(|found| found.trim() != line).collect();
    Cow::Owned(kept.join("\n"))
}

/// One pass over the mojibake; `None` if there is none.
fn repair(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(first) = rest.chars().next() {
        if let Some((meant, bytes)) = misread(rest) {
            found = true;
            // A byte-order mark says nothing inside a text.
            if meant != '\u{feff}' {
                repaired.push(meant);
            }
            rest = &rest[bytes..];
        } else {
            repaired.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    found.then_some(repaired)
}

/// The character that the first characters of `text` are a misreading of, and their length in
/// bytes.
fn misread(text: &str) -> Option<(char, usize)> {
    let mut chars = text.chars();
    let lead = byte(chars.next()?)?;
    // Only the lead bytes of Latin letters, of punctuation and symbols, and of emoji: others, read
    // as code page 1252, are letters that do stand before such signs (`É»` in French). Those of
    // the code page's own letters come up where text was misread twice.
    let length = match lead {
        0xC2 | 0xC3 | 0xC5 | 0xC6 | 0xCB => 2,
        0xE2 | 0xEF => 3,
        0xF0 => 4,
        _ => return None,
    };
    let mut sequence = [lead, 0, 0, 0];
    let mut read = 1;
    let rest = chars.as_str();
    for (slot, next) in sequence[1..length].iter_mut().zip(chars) {
        match byte(next).filter(|byte| (0x80..0xC0).contains(byte)) {
            Some(byte) => *slot = byte,
            None => break,
        }
        read += 1;
    }
    if read == length {
        let meant = str::from_utf8(&sequence[..length]).ok()?.chars().next()?;
        let bytes = text.chars().take(length).map(char::len_utf8).sum();
        let plausible = !matches!(lead, 0xC5 | 0xC6 | 0xCB) || CP1252.contains(&meant);
        return plausible.then_some((meant, bytes));
    }
    // `”` ends in the unused byte 0x9D, which many a program drops: `â€` and nothing.
    (sequence[..read] == [0xE2, 0x80]).then(|| ('”', text.len() - rest.len() + '€'.len_utf8()))
}

/// The byte of `character` in code page 1252, if that is no ASCII.
fn byte(character: char) -> Option<u8> {
    match character {
        '\u{a0}'..='\u{ff}' => Some(character as u8),
        _ => Some(0x80 + CP1252.iter().position(|&known| known == character)? as u8),
    }
}

/// Spaces and line ends in order; `None` if they are.
fn tidy(text: &str) -> Option<String> {
    let mut tidied = String::with_capacity(text.len());
    let mut chars = text.trim().chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' if chars.peek() == Some(&'\n') => {}
            ' ' | '\t' | '\u{a0}' => {
                if !tidied.ends_with(' ') {
                    tidied.push(' ');
                }
            }
            _ => tidied.push(char),
        }
    }
    (tidied != text).then_some(tidied)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program makes of `text` that reads its UTF-8 as code page 1252.
    fn misread_as_cp1252(text: &str) -> String {
        let char = |byte: u8| match byte {
            0x80..0xA0 => CP1252[usize::from(byte - 0x80)],
            _ => char::from(byte),
        };
        text.bytes().map(char).collect()
    }

    #[test]
    fn known_sequences_are_repaired() {
        for (broken, right) in [
            ("Itâ€™s", "It’s"),
            ("â€˜aâ€™", "‘a’"),
            ("â€œHi,â€\u{9d} he said", "“Hi,” he said"),
            ("â€œHi,â€ he said", "“Hi,” he said"),
            ("â€œHiâ€", "“Hi”"),
            ("one â€“ two â€” three", "one – two — three"),
            ("wellâ€¦", "well…"),
            ("aÂ\u{a0}b", "a b"),
            ("cafÃ©, Ã¼ber, piÃ±ata", "café, über, piñata"),
            ("Ã\u{a0} la", "à la"),
            ("ï»¿Once", "Once"),
            ("ðŸ˜€", "😀"),
            ("Itâ‚¬", "It€"),
            ("ItÃ¢â‚¬â„¢s", "It’s"),
        ] {
            assert_eq!(clean(broken), right, "{broken:?}");
        }
    }

    #[test]
    fn what_was_misread_comes_back() {
        let text = "“Où est l’été?” – «Là», dit—elle… • ½ ñ ß ™ 🐉 ÿ ‰";
        assert_eq!(clean(&misread_as_cp1252(text)), text);
        assert_eq!(clean(&misread_as_cp1252(&misread_as_cp1252(text))), text);
    }

    #[test]
    fn right_text_stays_as_it_is() {
        for text in ["It’s “fine” – café «CAFÉ» naïve ÂME pâté €5 … 你好", "", "a\n\nb", "Ã", "â"]
        {
            assert!(matches!(clean(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn spaces_are_tidied() {
        assert_eq!(clean("  a  b\t c\u{a0}\u{a0}d \n"), "a b c d");
        assert_eq!(clean("a\r\n\r\nb"), "a\n\nb");
        assert_eq!(clean(" \u{a0}\t"), "");
    }

    #[test]
    fn markers_inside_a_story_go() {
        assert_eq!(without_marker("a<|end|>b", "<|end|>"), "a b");
        // Where one falls out of another, none arises.
        assert_eq!(without_marker("<|e<|end|>nd|>", "<|end|>"), "<|e nd|>");
        assert!(matches!(without_marker("ab", ""), Cow::Borrowed("ab")));
        assert_eq!(without_line("a\n --- \nb---", "---"), "a\nb---");
        assert!(matches!(without_line("a\n\nb", ""), Cow::Borrowed("a\n\nb")));
    }
}
