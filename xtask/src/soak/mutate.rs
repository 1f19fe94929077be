//! Bytes lost, doubled and changed.

use super::random::Random;

/// What readers of numbers and of nested text stumble over.
const WORDS: [&str; 14] = [
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "-1",
    "1e999",
    "-1e-400",
    "0.1",
    "4294967296",
    "18446744073709551616",
    "[[[[[[[[[[[[[[[[",
    "\\ud800",
    "\u{feff}",
];

/// The bytes with up to four faults at or behind `from`; most have one.
pub(super) fn break_up(whole: &[u8], from: usize, random: &mut Random) -> Vec<u8> {
    const TEXT: &[u8] = b"0123456789[]{}\",:.-+eE \\ntrufalsn\0\xff";
    let mut bytes = whole.to_vec();
    let more = if random.below(2) == 0 { random.below(4) } else { 0 };
    for _ in 0..=more {
        if bytes.len() <= from {
            break;
        }
        let at = from + random.below(bytes.len() - from);
        match random.below(8) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, bytes[at]),
            2 => bytes[at] = random.one(TEXT),
            3 => bytes[at] ^= 1 << random.below(8),
            4 => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = from + random.below(bytes.len() - from);
                bytes.splice(to..to, piece);
            }
            5 => {
                // In place of a number or a word, if one stands there.
                let word = |byte: &u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
                let length = bytes[at..].iter().take_while(|byte| word(byte)).count();
                bytes.splice(at..at + length, random.one(&WORDS).bytes());
            }
            6 => {
                let value = random.one(&[0, 1, 0x7f, 0x80, 0xff]);
                let end = (at + 1 + random.below(8)).min(bytes.len());
                bytes[at..end].fill(value);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}
