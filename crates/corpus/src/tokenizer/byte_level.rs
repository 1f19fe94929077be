//! The byte-level alphabet of GPT-2: every byte has a printable character that stands for it.
//!
//! Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2,
//! and the `bytes_to_unicode` table of its code. Printable Latin-1 bytes stand for themselves; the
//! other 68 follow from U+0100 on, in the order of their values.

use std::collections::HashMap;
use std::sync::LazyLock;

static CHARS: LazyLock<[char; 256]> = LazyLock::new(|| {
    let mut next = 0x100;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) {
            return char::from(byte);
        }
        let stand_in = char::from_u32(next).expect("U+0100..=U+0143 are characters");
        next += 1;
        stand_in
    })
});

static BYTES: LazyLock<HashMap<char, u8>> =
    LazyLock::new(|| (0..=255).map(|byte| (CHARS[usize::from(byte)], byte)).collect());

/// The character that stands for a byte.
#[cfg(any(test, target_arch = "wasm32"))]
pub(super) fn stand_in(byte: u8) -> char {
    CHARS[usize::from(byte)]
}

/// The 256 characters, in the order of the bytes they stand for.
pub(super) fn alphabet() -> impl Iterator<Item = char> {
    CHARS.iter().copied()
}

/// The bytes that a token's written form stands for; `None` if it has a character from outside the
/// alphabet.
pub(super) fn to_bytes(written: &str) -> Option<Vec<u8>> {
    written.chars().map(|c| BYTES.get(&c).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_stand_ins() {
        let chars: Vec<char> = alphabet().collect();
        assert_eq!((chars[0], chars[10], chars[32], chars[173]), ('Ā', 'Ċ', 'Ġ', 'Ń'));
        assert_eq!((chars[65], chars[255]), ('A', 'ÿ'));
    }

    #[test]
    fn every_byte_comes_back() {
        let written: String = alphabet().collect();
        assert_eq!(to_bytes(&written), Some((0..=255).collect()));
        assert_eq!(to_bytes("a b"), None);
    }
}
