//! Passes over the last positions of texts, with a cache: CPU device and GPU against the f64 oracle.

mod harness;

use device::{Device, Recording};
use harness::compare;
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use kernels::{Variants, attention, decode, window};
use pollster::block_on;

/// Sums over up to 150 keys, in f32.
const ABSOLUTE: f64 = 2e-5;
const RELATIVE: f64 = 1e-5;

/// Runs of keys that a workgroup takes at once, parts of them, heads wider than a workgroup, and queries
/// that begin within a run.
#[test]
fn attention() {
    for (texts, queries, length, heads, head_dim, filled) in [
        (1, 1, 1, 1, 2, 1),
        (3, 1, 7, 2, 6, 7),
        (2, 1, 150, 3, 32, 65),
        (1, 1, 150, 2, 66, 128),
        (2, 1, 70, 1, 128, 70),
        (1, 5, 5, 2, 6, 5),
        (3, 16, 150, 2, 16, 80),
        (2, 7, 150, 3, 66, 69),
        (1, 65, 150, 1, 32, 130),
    ] {
        let outputs = compare("decode_attention", ABSOLUTE, RELATIVE, |bench, step| {
            let io = decode::Attention {
                qkv: bench.floats(texts * queries * 3 * heads * head_dim),
                filled: bench.given_words(&[filled]),
                cache: bench.floats(texts * length * 2 * heads * head_dim),
                y: bench.unwritten(texts * queries * heads * head_dim),
            };
            let shape = decode::Shape { texts, queries, length, heads, head_dim };
            decode::attention(step, io, shape);
            vec![io.qkv, io.cache, io.y]
        });
        let (width, before) = (heads * head_dim, filled as usize - queries);
        for text in 0..texts {
            let own: Vec<f64> = outputs[0][3 * text * queries * width..][..3 * queries * width]
                .chunks(3 * width)
                .flat_map(|row| row[width..].to_vec())
                .collect();
            let row = (text * length + before) * 2 * width;
            let added = &outputs[1][row..][..2 * queries * width];
            assert_eq!(added, own, "keys and values of the positions");
        }
        if filled == 1 {
            assert_eq!(outputs[2][..], outputs[0][2 * width..], "there is nothing else to see");
        }
    }
}

/// Attention of a block to a cache is that of the last rows of a whole text.
#[test]
fn a_cache_is_as_good_as_the_text() {
    let (texts, queries, before, heads, head_dim) = (2, 6, 11, 2, 10);
    let (keys, width) = (queries + before, 2 * 10);
    let mut device = Device::oracle();
    let qkv: Vec<f32> = (0..texts * keys * 3 * width).map(|n| (n as f32 * 0.7).sin()).collect();
    let mut floats = |data: &[f32]| device.floats("floats", data).unwrap();
    let rows = |first: usize, part: usize| -> Vec<f32> {
        let text = |text: usize| {
            let row = move |row: usize| (text * keys + row) * 3 * width + part * width;
            (first..keys).map(row)
        };
        let parts = (0..texts).flat_map(text);
        parts.flat_map(|start| qkv[start..start + (3 - part) * width].to_vec()).collect()
    };
    let whole = floats(&qkv);
    let (y, lse) =
        (floats(&vec![0.0; texts * keys * width]), floats(&vec![0.0; texts * keys * heads]));
    let cached = floats(&rows(0, 1));
    let last = floats(&rows(before, 0));
    let short = floats(&vec![0.0; texts * queries * width]);
    let filled = device.words("filled", &[keys as u32]).unwrap();
    let mut step = Recording::default();
    let shape = attention::Shape::bidirectional(texts, keys, heads, head_dim);
    let io = attention::Forward { q: whole, kv: whole, y, lse };
    attention::forward(&mut step, &Variants::default(), io, &shape);
    let io = decode::Attention { qkv: last, filled, cache: cached, y: short };
    decode::attention(
        &mut step,
        io,
        decode::Shape { texts, queries, length: keys, heads, head_dim },
    );
    let program = device.compile(step).unwrap();
    device.run(&program).unwrap();
    let [y, short] = [y, short].map(|slice| block_on(device.read_wide(slice)).unwrap());
    for text in 0..texts {
        let expected = &y[(text * keys + before) * width..][..queries * width];
        let found = &short[text * queries * width..][..queries * width];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }
}

/// A block is taken out of two texts, changed, and put back.
#[test]
fn windows_are_blocks_of_the_texts() {
    let (texts, block, length) = (2, 3, 12);
    let outputs = compare("window_enter, window_leave", 0.0, 0.0, |bench, step| {
        let count = texts * block;
        let io = window::Enter {
            place: bench.given_words(&[2]),
            text: bench.words(2 * texts * length, 1 << 29),
            text_kinds: bench.words(texts * length, 3),
            ids: bench.unwritten_words(count),
            confidence: bench.unwritten(count),
            kinds: bench.unwritten_words(count),
            readback: bench.unwritten_words(2 * count),
            progress: bench.given_words(&[7, 0]),
        };
        window::enter(step, io, texts);
        let (text, readback) = (bench.words(2 * texts * length, 90), bench.words(2 * count, 70));
        let place = bench.given_words(&[1]);
        window::leave(step, window::Leave { place, readback, text }, texts);
        let taken = [io.text, io.text_kinds, io.ids, io.kinds, io.readback];
        [&taken[..], &[readback, text, io.confidence, io.progress]].concat()
    });
    let [text, text_kinds, ids, kinds, taken, readback, put, ..] = &outputs[..] else {
        panic!("as many outputs as slices")
    };
    assert_eq!(outputs[outputs.len() - 1], [7.0, 1.0]);
    for row in 0..texts {
        let of = |all: &[f64], part: usize, place: usize| {
            all[part * texts * length + row * length + place * block..][..block].to_vec()
        };
        let in_window =
            |all: &[f64], part: usize| all[part * texts * block + row * block..][..block].to_vec();
        assert_eq!(in_window(ids, 0), of(text, 0, 2));
        assert_eq!(in_window(kinds, 0), of(text_kinds, 0, 2));
        for part in [0, 1] {
            assert_eq!(in_window(taken, part), of(text, part, 2));
            assert_eq!(of(put, part, 1), in_window(readback, part));
            assert!(of(put, part, 0).iter().all(|&word| word < 90.0), "others stay");
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
