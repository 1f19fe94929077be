//! Declaring a kernel: where its WGSL is, and what that may `#import`.

use device::Sources;

/// The text of `shaders/NAME.wgsl` without its comments, which are a third of it and need not travel
/// to a browser. Lines keep their numbers.
macro_rules! wgsl {
    ($name:expr) => {{
        const WHOLE: &str =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/", $name, ".wgsl"));
        const STRIPPED: ([u8; WHOLE.len()], usize) = $crate::imports::without_comments(WHOLE);
        const TEXT: [u8; STRIPPED.1] = $crate::imports::beginning(&STRIPPED.0);
        const {
            match str::from_utf8(&TEXT) {
                Ok(text) => text,
                Err(_) => panic!("a comment begins inside of a character"),
            }
        }
    }};
}

/// Files that kernels may `#import`.
pub const COMMON: Sources = &[
    ("attention", wgsl!("common/attention")),
    ("draw", wgsl!("common/draw")),
    ("dropout", wgsl!("common/dropout")),
    ("elements", wgsl!("common/elements")),
    ("gate", wgsl!("common/gate")),
    ("head", wgsl!("common/head")),
    ("kinds", wgsl!("common/kinds")),
    ("largest", wgsl!("common/largest")),
    ("level", wgsl!("common/level")),
    ("matrix_product", wgsl!("common/matrix_product")),
    ("one_minus_exp", wgsl!("common/one_minus_exp")),
    ("order", wgsl!("common/order")),
    ("reduce", wgsl!("common/reduce")),
    ("rng", wgsl!("common/rng")),
];

/// The kernel `shaders/NAME.wgsl`, from its name, the types of its params and buffers, and its
/// twin.
macro_rules! kernel {
    ($name:literal, $params:ty, $buffers:ty, $twin:path) => {
        device::Kernel::new::<$params, $buffers>(
            $name,
            $crate::imports::wgsl!($name),
            $crate::imports::COMMON,
            device::twin!($twin),
        )
    };
}

/// The text without line comments and the spaces before them, and how long it is.
pub(crate) const fn without_comments<const N: usize>(text: &str) -> ([u8; N], usize) {
    let text = text.as_bytes();
    let mut out = [0; N];
    let (mut at, mut length) = (0, 0);
    while at < N {
        if text[at] == b'/' && at + 1 < N && text[at + 1] == b'/' {
            while length > 0 && out[length - 1] == b' ' {
                length -= 1;
            }
            while at < N && text[at] != b'\n' {
                at += 1;
            }
        } else {
            out[length] = text[at];
            length += 1;
            at += 1;
        }
    }
    (out, length)
}

/// The first `N` bytes.
pub(crate) const fn beginning<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes.split_at(N).0);
    out
}

pub(crate) use {kernel, wgsl};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_lines_stay() {
        const TEXT: &str = "// Sum.\nlet a = b / c; // one\n\n  // two\n}\n//";
        let (bytes, length) = without_comments::<{ TEXT.len() }>(TEXT);
        assert_eq!(str::from_utf8(&bytes[..length]), Ok("\nlet a = b / c;\n\n\n}\n"));
        assert!(COMMON.iter().all(|(_, text)| !text.contains("//")));
    }
}
