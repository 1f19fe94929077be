//! Kernels of the network's options: CPU device and GPU against the f64 oracle, at sizes that no
//! tile divides.

mod harness;

use harness::compare;
use kernels::dropout::{self, Dropout};
use kernels::gate;
use kernels::mix::{self, Mix};

/// Rows and channels: one, odd, less than a row per workgroup, many rows of a workgroup.
const SHAPES: [[usize; 2]; 5] = [[1, 1], [3, 7], [5, 64], [67, 257], [600, 40]];

#[test]
fn sums_with_learned_weights() {
    for [rows, channels] in SHAPES {
        let count = rows * channels;
        for (mix, weights) in [(Mix::Skip, 1), (Mix::Shortcut, 2)] {
            compare("mix_forward", 1e-6, 1e-6, |bench, step| {
                let scale = bench.floats(weights);
                let (x, y) = (bench.floats(count), bench.floats(count));
                let out = bench.unwritten(count);
                mix::forward(step, mix, mix::Forward { scale, x, y, out });
                vec![out]
            });
        }
        compare("mix_values", 1e-6, 1e-6, |bench, step| {
            let io = mix::Values {
                scale: bench.floats(1),
                first: bench.floats(3 * count),
                qkv: bench.floats(3 * count),
                values: bench.unwritten(count),
            };
            mix::values(step, io, channels);
            vec![io.qkv, io.values]
        });
    }
}

#[test]
fn gradients_of_sums_with_learned_weights() {
    for [rows, channels] in SHAPES {
        let count = rows * channels;
        for (mix, weights, parts) in [(Mix::Skip, 1, 1), (Mix::Shortcut, 2, 1), (Mix::Values, 1, 3)]
        {
            for accumulate in [false, true] {
                compare("mix_backward", 2e-6 * (count as f64).sqrt(), 1e-5, |bench, step| {
                    let mut target = |len| match accumulate {
                        true => bench.floats(len),
                        false => bench.unwritten(len),
                    };
                    let (d_y, d_scale) = (target(count), target(weights));
                    let io = mix::Backward {
                        scale: bench.floats(weights),
                        x: bench.floats(count),
                        y: bench.floats(parts * count),
                        d: bench.floats(parts * count),
                        d_y,
                        add_y: accumulate,
                        partial_sums: bench.unwritten(mix::PARTIAL_SUMS),
                        d_scale,
                    };
                    mix::backward(step, mix, io, channels, accumulate);
                    vec![io.d, io.d_y, io.d_scale]
                });
            }
        }
        for parts in [1, 3] {
            compare("mix_add", 1e-7, 1e-6, |bench, step| {
                let (x, out) = (bench.floats(count), bench.floats(parts * count));
                mix::add(step, x, out, channels);
                vec![out]
            });
        }
    }
}

/// A skip of weight 0 and a shortcut of weights 1 and 0 change nothing, not even a bit, and neither
/// do values mixed by 0.
#[test]
fn sums_begin_as_the_identity() {
    let outputs = compare("mix at the start", 0.0, 0.0, |bench, step| {
        let (x, y) = (bench.floats(77), bench.floats(77));
        let (skip, shortcut) = (bench.unwritten(77), bench.unwritten(77));
        let scale = bench.given_floats(&[0.0]);
        mix::forward(step, Mix::Skip, mix::Forward { scale, x, y, out: skip });
        let weights = bench.given_floats(&[1.0, 0.0]);
        let io = mix::Forward { scale: weights, x, y, out: shortcut };
        mix::forward(step, Mix::Shortcut, io);
        let (first, qkv) = (bench.floats(3 * 77), bench.floats(3 * 77));
        let values = bench.unwritten(77);
        mix::values(step, mix::Values { scale, first, qkv, values }, 11);
        vec![x, skip, shortcut, qkv, values]
    });
    let [x, skip, shortcut, qkv, values] = &outputs[..] else { unreachable!() };
    assert_eq!((x, x), (skip, shortcut));
    let rows = qkv.chunks_exact(33).flat_map(|row| &row[22..]);
    assert!(rows.eq(values));
}

#[test]
fn gates_of_heads() {
    for [rows, heads, head_dim] in [[1, 1, 12], [5, 2, 8], [67, 3, 10], [300, 4, 64]] {
        let shape = gate::Shape { rows, heads, head_dim };
        let channels = heads * head_dim;
        compare("gate_forward", 1e-6, 1e-5, |bench, step| {
            let io = gate::Forward {
                h: bench.floats(rows * channels),
                gate: bench.floats(heads * gate::GATE_CHANNELS),
                y: bench.floats(rows * channels),
                gated: bench.unwritten(rows * channels),
            };
            gate::forward(step, io, shape);
            vec![io.gated]
        });
        for accumulate in [false, true] {
            compare("gate_backward", 1e-5, 1e-5, |bench, step| {
                let (h, y) = (bench.floats(rows * channels), bench.floats(rows * channels));
                let gate = bench.floats(heads * gate::GATE_CHANNELS);
                let d_y = bench.floats(rows * channels);
                let d_z = bench.unwritten(rows * heads);
                gate::backward(step, gate::Backward { h, gate, y, d_y, d_z }, shape);
                let d_h = bench.floats(rows * channels);
                gate::backward_input(step, gate::BackwardInput { gate, d_z, d_h }, shape);
                let d_gate = match accumulate {
                    true => bench.floats(heads * gate::GATE_CHANNELS),
                    false => bench.unwritten(heads * gate::GATE_CHANNELS),
                };
                let io = gate::BackwardWeights { h, d_z, d_gate };
                gate::backward_weights(step, io, shape, accumulate);
                vec![d_y, d_z, d_h, d_gate]
            });
        }
    }
}

/// Gates of weight 0 let everything through.
#[test]
fn gates_begin_open() {
    let shape = gate::Shape { rows: 9, heads: 2, head_dim: 6 };
    let outputs = compare("gates at the start", 0.0, 0.0, |bench, step| {
        let (h, y) = (bench.floats(9 * 12), bench.floats(9 * 12));
        let gate = bench.given_floats(&[0.0; 24]);
        let gated = bench.unwritten(9 * 12);
        gate::forward(step, gate::Forward { h, gate, y, gated }, shape);
        vec![y, gated]
    });
    assert_eq!(outputs[0], outputs[1]);
}

/// Dropout keeps as many as it should, grows them so that the mean stays, and both passes drop the same.
#[test]
fn dropout_drops_a_share() {
    for (count, rate) in [(1, 0.5), (7, 0.1), (1023, 0.3), (300_001, 0.9), (40_000, 0.0)] {
        let dropout = Dropout { rate, seed: 0x0123_4567_89ab_cdef };
        let dropped = |step: u32, place: u32| {
            compare("dropout", 1e-6, 1e-6, |bench, recording| {
                let counter = bench.given_words(&[step]);
                let (x, d_x) = (bench.given_floats(&vec![1.0; count]), bench.unwritten(count));
                let d_out = bench.given_floats(&vec![1.0; count]);
                dropout::forward(recording, dropout::Forward { counter, x }, dropout, place);
                let io = dropout::Backward { counter, d_out, d_x };
                dropout::backward(recording, io, dropout, place);
                vec![x, d_x]
            })
        };
        let outputs = dropped(7, 3);
        assert_eq!(outputs[0], outputs[1]);
        let kept: Vec<f64> = outputs[0].iter().copied().filter(|&x| x != 0.0).collect();
        assert!(kept.iter().all(|x| (x * (1.0 - rate) - 1.0).abs() < 1e-6), "{kept:?}");
        let (found, expected) = (kept.len() as f64, count as f64 * (1.0 - rate));
        assert!(
            (found - expected).abs() <= 4.0 * (expected * rate).sqrt() + 0.5,
            "{found} of {count}"
        );
        if rate > 0.0 && count > 1000 {
            assert_ne!(outputs, dropped(8, 3), "another step");
            assert_ne!(outputs, dropped(7, 4), "another place");
        }
    }
}
