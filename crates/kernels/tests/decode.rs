//! Passes over one position with a cache: CPU device and GPU against the f64 oracle.

mod harness;

use harness::compare;
use kernels::decode;
use kernels::remask::{FREE, FREE_NO_END, GIVEN};

/// Sums over up to 150 keys, in f32.
const ABSOLUTE: f64 = 2e-5;
const RELATIVE: f64 = 1e-5;

/// Runs of keys that a workgroup takes at once, parts of them, and heads wider than a workgroup.
#[test]
fn attention() {
    for (texts, length, heads, head_dim, filled) in [
        (1, 1, 1, 2, 1),
        (3, 7, 2, 6, 7),
        (2, 150, 3, 32, 65),
        (1, 150, 2, 66, 128),
        (2, 70, 1, 128, 70),
    ] {
        let outputs = compare("decode_attention", ABSOLUTE, RELATIVE, |bench, step| {
            let io = decode::Attention {
                qkv: bench.floats(texts * 3 * heads * head_dim),
                filled: bench.given_words(&[filled]),
                cache: bench.floats(texts * length * 2 * heads * head_dim),
                y: bench.unwritten(texts * heads * head_dim),
            };
            decode::attention(step, io, [texts, length, heads, head_dim]);
            vec![io.qkv, io.cache, io.y]
        });
        let width = heads * head_dim;
        for text in 0..texts {
            let own = &outputs[0][(3 * text + 1) * width..][..2 * width];
            let row = (text * length + filled as usize - 1) * 2 * width;
            assert_eq!(&outputs[1][row..][..2 * width], own, "keys and values of the position");
        }
        if filled == 1 {
            assert_eq!(outputs[2][..], outputs[0][2 * width..], "there is nothing else to see");
        }
    }
}

#[test]
fn positions_follow_each_other() {
    let (length, mask) = (4, 2);
    let ids = [5, 6, mask, mask, 7, mask, mask, mask];
    let kinds = [GIVEN, GIVEN, FREE_NO_END, FREE, GIVEN, GIVEN, FREE, FREE];
    let outputs = compare("decode_begin", 0.0, 0.0, |bench, step| {
        let (filled, ids) = (bench.zeros(1), bench.given_words(&ids));
        let (kinds, rope) = (bench.given_words(&kinds), bench.floats(length * 6));
        let mut outputs = vec![filled, rope];
        for _ in 0..length {
            let (inputs, rows) = (bench.unwritten_words(2), bench.unwritten_words(2));
            let angles = bench.unwritten(6);
            let io = decode::Begin { ids, kinds, rope, filled, inputs, angles, rows };
            decode::begin(step, io, length, mask);
            outputs.extend([inputs, rows, angles]);
        }
        outputs
    });
    assert_eq!(outputs[0], [4.0]);
    // Masks before the position stay what they are; given tokens are not drawn.
    let inputs = [[2.0, 2.0], [5.0, 7.0], [6.0, 2.0], [2.0, 2.0]];
    let rows = [[8.0, 8.0], [8.0, 8.0], [2.0, 6.0], [3.0, 7.0]];
    for position in 0..length {
        let [seen, drawn, angles] = [0, 1, 2].map(|i| &outputs[2 + 3 * position + i]);
        assert_eq!((&seen[..], &drawn[..]), (&inputs[position][..], &rows[position][..]));
        assert_eq!(angles[..], outputs[1][6 * position..][..6]);
    }
}
