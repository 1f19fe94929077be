//! Kernels of the training step, but for matrix products and attention: CPU device and GPU
//! against the f64 oracle, at sizes that no tile divides.

mod harness;

use harness::{Bench, compare, same};
use kernels::begin_step::{self, DecaySchedule, LrDecay, LrSchedule, Schedules};
use kernels::cross_entropy::{self, TokenStats};
use kernels::{adamw, average, embed, grad_norm, loss, relu_squared, rmsnorm, rope_norm, rows};

/// Rows and channels: less than a vector, odd, a power of two, more than a workgroup.
const SHAPES: [(usize, usize); 5] = [(1, 1), (3, 7), (5, 64), (67, 257), (2, 1024)];

#[test]
fn norms() {
    for (rows, channels) in SHAPES {
        compare("rmsnorm_forward", 1e-6, 1e-5, |bench, step| {
            let x = bench.floats(rows * channels);
            let (h, inv_rms) = (bench.unwritten(rows * channels), bench.unwritten(rows));
            rmsnorm::forward(step, rmsnorm::Forward { x, h, inv_rms });
            vec![h, inv_rms]
        });
        compare("rmsnorm_residual_forward", 1e-6, 1e-5, |bench, step| {
            let (x, y) = (bench.floats(rows * channels), bench.floats(rows * channels));
            let (h, inv_rms) = (bench.unwritten(rows * channels), bench.unwritten(rows));
            let sum = bench.unwritten(rows * channels);
            rmsnorm::residual_forward(step, rmsnorm::ResidualForward { x, y, sum, h, inv_rms });
            vec![sum, h, inv_rms]
        });
        for accumulate in [false, true] {
            compare("rmsnorm_backward", 1e-6, 1e-5, |bench, step| {
                let (d_h, h) = (bench.floats(rows * channels), bench.floats(rows * channels));
                let inv_rms = bench.floats(rows);
                let d_x = match accumulate {
                    true => bench.floats(rows * channels),
                    false => bench.unwritten(rows * channels),
                };
                rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, accumulate);
                vec![d_x]
            });
        }
    }
}

/// Rows, channels, vocabulary, timesteps, and positions that share a timestep. Tokens have no position,
/// some, whole runs of them, or all.
const EMBEDDINGS: [[usize; 5]; 9] = [
    [1, 8, 3, 2, 1],
    [99, 40, 97, 11, 33],
    [99, 40, 97, 11, 3],
    [65, 16, 7, 100, 1],
    [35, 264, 66, 4, 7],
    [64, 8, 1, 2, 64],
    [333, 8, 1, 2, 333],
    [519, 12, 2, 3, 173],
    [700, 40, 5, 7, 100],
];

#[test]
fn embedding() {
    for [rows, channels, vocabulary, timesteps, span] in EMBEDDINGS {
        let shape = embed::Shape { rows, channels, vocabulary };
        for timed in [true, false] {
            let time = |bench: &mut Bench, table| embed::Time {
                timesteps: bench.words(rows / span, timesteps as u64),
                span,
                table,
                rows: timesteps,
            };
            compare("embed forward", 1e-6, 1e-5, |bench, step| {
                let table = bench.floats(timesteps * channels);
                let io = embed::Forward {
                    ids: bench.words(rows, vocabulary as u64),
                    token_emb: bench.floats(vocabulary * channels),
                    time: timed.then(|| time(bench, table)),
                    x: bench.unwritten(rows * channels),
                    inv_rms: bench.unwritten(rows),
                };
                embed::forward(step, io, shape);
                vec![io.x, io.inv_rms]
            });
            for accumulate in [false, true] {
                compare("embed backward", 1e-5, 1e-5, |bench, step| {
                    let mut target = |len| match accumulate {
                        true => bench.floats(len),
                        false => bench.unwritten(len),
                    };
                    let d_token_emb = target(vocabulary * channels);
                    let table = target(timesteps * channels);
                    let io = embed::Backward {
                        ids: bench.words(rows, vocabulary as u64),
                        d_e: bench.floats(rows * channels),
                        smaller: bench.unwritten_words(embed::BATCH_PARTS * (vocabulary + 1)),
                        starts: bench.unwritten_words(vocabulary + 1),
                        positions: bench.unwritten_words(rows),
                        run_sums: bench.unwritten(rows * channels),
                        d_token_emb,
                        d_time: timed.then(|| time(bench, table)),
                    };
                    embed::backward(step, io, shape, accumulate);
                    let tables = timed.then_some(table);
                    let outputs = [io.smaller, io.starts, io.positions, io.d_token_emb];
                    outputs.into_iter().chain(tables).collect()
                });
            }
        }
    }
}

#[test]
fn rotary_embedding_and_norm() {
    let shapes = [
        [1, 1, 0, 1, 4],
        [66, 33, 0, 3, 12],
        [51, 17, 0, 2, 64],
        [5, 5, 0, 3, 128],
        // Positions behind a cache, and two halves of the same positions.
        [14, 7, 11, 3, 20],
        [66, 11, 0, 2, 8],
    ];
    for [rows, period, offset, heads, head_dim] in shapes {
        let shape = rope_norm::Shape { rows, period, offset, heads, head_dim };
        let length = offset + period;
        compare("rope_norm_forward", 1e-6, 1e-5, |bench, step| {
            let table = rope_norm::table(length, head_dim);
            let rope = bench.given_floats(&table);
            let qkv = bench.floats(rows * 3 * heads * head_dim);
            let inv_rms = bench.unwritten(rows * 2 * heads);
            rope_norm::forward(step, rope_norm::Forward { rope, qkv, inv_rms }, shape);
            vec![qkv, inv_rms]
        });
        compare("rope_norm_backward", 1e-6, 1e-5, |bench, step| {
            let table = rope_norm::table(length, head_dim);
            let rope = bench.given_floats(&table);
            let qkv = bench.floats(rows * 3 * heads * head_dim);
            let inv_rms = bench.floats(rows * 2 * heads);
            let d_qkv = bench.floats(rows * 3 * heads * head_dim);
            rope_norm::backward(step, rope_norm::Backward { rope, qkv, inv_rms, d_qkv }, shape);
            vec![d_qkv]
        });
    }
}

#[test]
fn activation() {
    // The last size needs a grid of two rows.
    for count in [1, 255, 257, 65_535 * 256 + 1] {
        compare("relu_squared_forward", 1e-7, 1e-6, |bench, step| {
            let (x, out) = (bench.floats(count), bench.unwritten(count));
            relu_squared::forward(step, relu_squared::Forward { x, out });
            vec![out]
        });
        compare("relu_squared_backward", 1e-7, 1e-6, |bench, step| {
            let (x, d_x) = (bench.floats(count), bench.floats(count));
            relu_squared::backward(step, relu_squared::Backward { x, d_x });
            vec![d_x]
        });
    }
}

#[test]
fn cross_entropy_of_rows() {
    for (rows, vocabulary) in [(1, 2), (5, 97), (3, 2048), (130, 66)] {
        compare("cross_entropy_forward", 1e-5, 1e-5, |bench, step| {
            let logits = bench.floats(rows * vocabulary);
            let targets = bench.words(rows, vocabulary as u64);
            let statistics = TokenStats {
                lse: bench.unwritten(rows),
                loss: bench.unwritten(rows),
                hit: bench.unwritten(rows),
                entropy: bench.unwritten(rows),
            };
            cross_entropy::forward(step, logits, targets, statistics);
            vec![statistics.lse, statistics.loss, statistics.hit, statistics.entropy]
        });
        compare("cross_entropy_backward", 1e-6, 1e-5, |bench, step| {
            let logits = bench.floats(rows * vocabulary);
            let targets = bench.words(rows, vocabulary as u64);
            let (weights, lse) = (bench.floats(rows), bench.floats(rows));
            let io = cross_entropy::Backward { targets, weights, lse, logits };
            cross_entropy::backward(step, io);
            vec![logits]
        });
    }
}

#[test]
fn only_the_first_of_equal_logits_is_a_hit() {
    let oracle = compare("hit on ties", 1e-6, 1e-6, |bench, step| {
        let logits = bench.given_floats(&[1.0, 2.0, 2.0, 1.0, 2.0, 2.0]);
        let targets = bench.given_words(&[1, 2]);
        let mut output = || bench.unwritten(2);
        let rows = TokenStats { lse: output(), loss: output(), hit: output(), entropy: output() };
        cross_entropy::forward(step, logits, targets, rows);
        vec![rows.hit]
    });
    assert_eq!(oracle, [[1.0, 0.0]]);
}

#[test]
fn loss_of_a_step() {
    for count in [1, 31, 1000] {
        for bound in [1, 2] {
            compare("loss_weights", 1e-7, 1e-6, |bench, step| {
                let (mask, weights) = (bench.words(count, bound), bench.unwritten(count));
                loss::weights(step, loss::Weights { mask, weights });
                vec![weights]
            });
        }
        compare("loss_weighted", 1e-5, 1e-5, |bench, step| {
            let counter = bench.given_words(&[12]);
            let (weights, loss, ring) = (bench.floats(count), bench.floats(count), bench.floats(5));
            loss::weighted(step, loss::Weighted { counter, weights, loss, ring });
            vec![ring]
        });
    }
}

#[test]
fn learning_rate() {
    for shape in [LrDecay::Constant, LrDecay::Cosine, LrDecay::Linear] {
        for n in [0, 3, 9, 10, 57, 99, 200] {
            let schedule =
                LrSchedule { shape, warmup: 10, decay_start: 20, total: 100, floor: 0.1 };
            compare("begin_step", 1e-6, 1e-6, |bench, step| {
                let counter = bench.given_words(&[n]);
                let control = bench.floats(begin_step::CONTROL);
                let (decay, average) = (DecaySchedule::Rate, 0.0);
                let schedules = Schedules { rate: schedule, decay, average };
                begin_step::record(step, begin_step::Buffers { counter, control }, &schedules);
                vec![counter, control]
            });
        }
    }
}

/// Share of the newest weights in their average, and weight decay, over a run and far beyond it.
#[test]
fn schedules_of_average_and_decay() {
    let rate =
        LrSchedule { shape: LrDecay::Linear, warmup: 10, decay_start: 20, total: 100, floor: 0.1 };
    for decay in [DecaySchedule::Constant, DecaySchedule::Rate, DecaySchedule::Linear] {
        for n in [0, 1, 2, 9, 24, 99, 1000, 300_000] {
            for exponent in [1.0, 7.94, 120.0] {
                let outputs = compare("begin_step", 1e-6, 1e-6, |bench, step| {
                    let counter = bench.given_words(&[n]);
                    let control = bench.floats(begin_step::CONTROL);
                    let schedules = Schedules { rate, decay, average: exponent };
                    begin_step::record(step, begin_step::Buffers { counter, control }, &schedules);
                    vec![control]
                });
                let (control, n) = (&outputs[0], f64::from(n + 1));
                let share = 1.0 - (1.0 - 1.0 / n).powf(f64::from(exponent as f32));
                assert!((control[2] - share).abs() < 1e-9, "{control:?}");
                let expected = match decay {
                    DecaySchedule::Constant => 1.0,
                    DecaySchedule::Rate => control[0],
                    DecaySchedule::Linear => 1.0 - (n / 100.0).min(1.0),
                };
                assert_eq!(control[3], expected);
            }
        }
    }
}

#[test]
fn averages_move_towards_the_weights() {
    for count in [1, 257, 1000] {
        for share in [1.0, 0.25] {
            compare("average", 1e-6, 1e-6, |bench, step| {
                let control = bench.given_floats(&[0.0, 0.0, share, 0.0]);
                let (p, average) = (bench.floats(count), bench.floats(count));
                average::record(step, average::Buffers { control, p, average });
                vec![p, average]
            });
        }
    }
}

#[test]
fn clipping() {
    for (count, limit) in [(1, 1.0), (1000, 0.5), (300_001, 1e9)] {
        compare("grad_norm_clip", 1e-6, 1e-5, |bench, step| {
            let gradient = bench.floats(count);
            let io = norm_buffers(bench, 7);
            grad_norm::record(step, [gradient], io, limit);
            vec![io.control, io.ring]
        });
    }
}

fn norm_buffers(bench: &mut Bench, counter: u32) -> grad_norm::Buffers {
    grad_norm::Buffers {
        sums: bench.unwritten(grad_norm::SUMS),
        partial_sums: bench.unwritten(grad_norm::PARTIAL_SUMS),
        counter: bench.given_words(&[counter]),
        control: bench.floats(begin_step::CONTROL),
        ring: bench.floats(5),
    }
}

/// Sums do not depend on where pages end, and so neither do the norm and all that follows.
#[test]
fn norms_of_pages() {
    const COUNT: usize = 300_032;
    let values: Vec<f32> = (0..COUNT).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect();
    for cuts in [vec![64], vec![65_536, 131_072], vec![192, 256, 70_016, 299_968]] {
        let pages = |bench: &mut Bench| -> Vec<_> {
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([COUNT]);
            starts.zip(ends).map(|(start, end)| bench.given_floats(&values[start..end])).collect()
        };
        compare("norm of pages", 1e-6, 1e-5, |bench, step| {
            let io = norm_buffers(bench, 3);
            grad_norm::record(step, pages(bench), io, 1.0);
            vec![io.control, io.ring]
        });
        same("norm of pages", |bench, step| {
            let (whole, of_pages) = (norm_buffers(bench, 3), norm_buffers(bench, 3));
            let gradient = bench.given_floats(&values);
            grad_norm::record(step, [gradient], whole, 1.0);
            grad_norm::record(step, pages(bench), of_pages, 1.0);
            [whole, of_pages].map(|io| vec![io.sums, io.partial_sums])
        });
    }
}

const ADAMW: adamw::AdamW =
    adamw::AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.1 };

#[test]
fn adamw_updates() {
    let sizes = [(1, 1), (257, 2), (1000, 600)];
    for ((count, n), cautious) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)]) {
        compare("adamw", 1e-6, 1e-5, |bench, step| {
            let control = bench.given_floats(&[0.5, 0.25, 0.0, 0.75]);
            let (d_p, p) = (bench.floats(count), bench.floats(count));
            let moments: Vec<f32> = (0..count).map(|i| 0.1 + i as f32 / 1000.0).collect();
            let io = adamw::Buffers {
                counter: bench.given_words(&[n]),
                control,
                d_p,
                p,
                m: bench.floats(count),
                v: bench.given_floats(&moments),
            };
            adamw::record(step, io, ADAMW, cautious);
            vec![io.p, io.m, io.v]
        });
    }
}

/// Without a moment there is only the decay; a cautious one spares weights that go up anyway.
#[test]
fn cautious_decay_goes_with_the_update() {
    for (cautious, expected) in [(false, [1.895, 2.095]), (true, [1.895, 2.2])] {
        let config = adamw::AdamW { lr: 1.0, beta1: 0.5, beta2: 0.5, eps: 1e-8, weight_decay: 0.1 };
        let outputs = compare("cautious adamw", 1e-6, 1e-5, |bench, step| {
            let io = adamw::Buffers {
                counter: bench.given_words(&[1]),
                control: bench.given_floats(&[0.1, 1.0, 0.0, 5.0]),
                d_p: bench.given_floats(&[1.0, -1.0]),
                p: bench.given_floats(&[2.1, 2.1]),
                m: bench.given_floats(&[0.0, 0.0]),
                v: bench.given_floats(&[0.0, 0.0]),
            };
            adamw::record(step, io, config, cautious);
            vec![io.p]
        });
        // A step of 0.1 down or up, and 2.1 (0.1 0.1 5) = 0.105 of decay.
        for (found, expected) in outputs[0].iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{outputs:?}");
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    let oracle = compare("adamw after NaN", 0.0, 0.0, |bench, step| {
        let gradient = bench.given_floats(&[1.0, f32::NAN, 2.0]);
        let counter = bench.given_words(&[3]);
        let control = bench.floats(begin_step::CONTROL);
        let clip = grad_norm::Buffers { counter, control, ..norm_buffers(bench, 3) };
        grad_norm::record(step, [gradient], clip, 1.0);
        let before = [1.0, 2.0, 3.0];
        let mut buffer = || bench.given_floats(&before);
        let (p, m, v) = (buffer(), buffer(), buffer());
        adamw::record(
            step,
            adamw::Buffers { counter, control, d_p: gradient, p, m, v },
            ADAMW,
            false,
        );
        vec![p, m, v]
    });
    assert_eq!(oracle, [[1.0, 2.0, 3.0]; 3]);
}

/// Sizes: no row, all rows, less than an invocation takes, more than a workgroup; runs that do not
/// divide them.
#[test]
fn rows_with_a_loss() {
    for (count, run, share) in
        [(1usize, 1, 2), (64, 64, 2), (300, 64, 3), (1000, 64, 9), (77, 64, 77)]
    {
        for channels in [1, 40] {
            let outputs = compare("rows", 0.0, 0.0, |bench, step| {
                let picks = (0..count).map(|n| if n * n % share == 1 { 0.5 } else { 0.0 });
                let weights: Vec<f32> = picks.collect();
                let weights = bench.device.floats("weights", &weights).unwrap();
                let live = bench.zeros(count.div_ceil(run) * rows::LIVE);
                let (rows, places) = (bench.zeros(count), bench.zeros(count));
                rows::select(step, rows::Select { weights, rows, places, live }, run);
                let (h, targets) = (bench.floats(count * channels), bench.words(count, 97));
                let (row_h, row_targets) = (bench.unwritten(count * channels), bench.zeros(count));
                let row_weights = bench.unwritten(count);
                let io =
                    rows::Gather { rows, h, targets, weights, row_h, row_targets, row_weights };
                rows::gather(step, io);
                let d_h = bench.unwritten(count * channels);
                rows::scatter(step, rows::Scatter { places, row_d_h: row_h, d_h });
                vec![weights, rows, places, live, h, row_h, row_targets, row_weights, d_h]
            });
            let [weights, rows, _, live, h, .., d_h] = &outputs[..] else { unreachable!() };
            let expected: Vec<f64> =
                (0..count).filter(|&n| weights[n] != 0.0).map(|n| n as f64).collect();
            assert_eq!(rows[..expected.len()], expected);
            for (r, flag) in live.chunks(rows::LIVE).enumerate() {
                assert_eq!(flag[0] == 1.0, expected.len() > r * run);
            }
            // There and back: the rows with a loss, and zeros.
            for (i, (back, there)) in d_h.iter().zip(h).enumerate() {
                assert_eq!(*back, if weights[i / channels] != 0.0 { *there } else { 0.0 });
            }
        }
    }
}

/// Launches whose flag is 0 are skipped, on every device and each time anew.
#[test]
fn conditional_launches() {
    let outputs = compare("conditional launches", 0.0, 0.0, |bench, step| {
        let x = bench.device.floats("x", &[3.0]).unwrap();
        let weights = bench.device.floats("weights", &[1.0, 0.0, 0.0]).unwrap();
        let live = bench.zeros(3 * rows::LIVE);
        let (rows, places) = (bench.zeros(3), bench.zeros(3));
        rows::select(step, rows::Select { weights, rows, places, live }, 1);
        let outputs = [0, 1, 2].map(|run| {
            let out = bench.device.floats("out", &[7.0]).unwrap();
            step.when(live.part(run * rows::LIVE, 1), |step| {
                relu_squared::forward(step, relu_squared::Forward { x, out });
            });
            out
        });
        outputs.to_vec()
    });
    assert_eq!(outputs, [[9.0], [7.0], [7.0]]);
}
