//! Kernels of generation: CPU device and GPU against the f64 oracle, and the oracle against what
//! the definitions say.

mod harness;

use device::{Recording, Slice};
use harness::{Bench, compare};
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use kernels::rng::{Philox, below, unit};
use kernels::sample_order::{Choice, Score};
use kernels::sample_tokens::{self, Sampling};
use kernels::{
    remask, rows, sample_ask, sample_begin, sample_explain, sample_order, sample_uniforms,
};

/// Rows and vocabulary: one token, less than a workgroup, more, the size of the seed's tokenizer.
const SHAPES: [(usize, usize); 5] = [(1, 1), (5, 31), (33, 97), (3, 300), (70, 2048)];

const GREEDY: Sampling = Sampling {
    mask_id: 2,
    exclude_mask: false,
    end_id: None,
    temperature: None,
    top_k: None,
    top_p: None,
};

/// Floats between -`bound` and `bound`.
fn spread(bench: &mut Bench, len: usize, bound: f32) -> Slice {
    let word = |i| Philox::new(7).draw([i, 0, 0, 0])[0];
    let data: Vec<f32> = (0..len as u32).map(|i| bound * (2.0 * unit(word(i)) - 1.0)).collect();
    bench.given_floats(&data)
}

/// Floats among 0, 1/8, ..., 7/8.
fn coarse(bench: &mut Bench, len: usize) -> Slice {
    let word = |i| Philox::new(8).draw([i, 0, 0, 0])[0];
    let data: Vec<f32> = (0..len as u32).map(|i| below(word(i), 8) as f32 / 8.0).collect();
    bench.given_floats(&data)
}

/// Records the beginning of pass 0 and returns its control buffer. The row has time, whether the
/// pass is greedy, and the counts.
fn begin(bench: &mut Bench, step: &mut Recording, row: &[u32], batch: usize) -> Slice {
    let table = bench.given_words(&[&row[..2], &[0; sample_begin::HEADER - 2], &row[2..]].concat());
    let (cursor, timesteps) = (bench.zeros(1), bench.unwritten_words(batch));
    let control = bench.unwritten_words(sample_begin::HEADER + batch);
    let io = sample_begin::Buffers { table, cursor, timesteps, control };
    sample_begin::record(step, io);
    control
}

/// A row of logits for every position.
fn every(bench: &mut Bench, positions: usize) -> Slice {
    bench.given_words(&(0..positions as u32).collect::<Vec<_>>())
}

/// Records a draw over `logits`, everything to be generated.
fn draw(
    bench: &mut Bench,
    step: &mut Recording,
    logits: Slice,
    rows: usize,
    sampling: &Sampling,
) -> Vec<Slice> {
    let control = begin(bench, step, &[1, 0, 0], 1);
    let io = sample_tokens::Buffers {
        logits,
        rows: every(bench, rows),
        uniforms: bench.unwritten(rows),
        kinds: bench.given_words(&vec![FREE; rows]),
        control,
        tokens: bench.unwritten_words(rows),
        token_confidence: bench.unwritten(rows),
    };
    let uniforms = sample_uniforms::Buffers { control, uniforms: io.uniforms };
    sample_uniforms::record(step, uniforms, rows, 0, 42);
    sample_tokens::record(step, io, sampling);
    vec![io.tokens, io.token_confidence, io.uniforms]
}

#[test]
fn tokens_are_drawn_alike() {
    for (rows, vocabulary) in SHAPES {
        for (temperature, top_k, top_p) in [
            (None, None, None),
            (Some(1.0), None, None),
            (Some(0.3), None, None),
            (Some(1.0), Some(7), None),
            (Some(0.8), None, Some(0.6)),
            (Some(1.3), Some(11), Some(0.8)),
            (Some(0.5), Some(5000), Some(0.999)),
        ] {
            let exclude_mask = vocabulary > 2;
            let sampling = Sampling { temperature, top_k, top_p, exclude_mask, ..GREEDY };
            compare(&format!("sample_tokens {sampling:?}"), 2e-6, 1e-5, |bench, step| {
                let logits = spread(bench, rows * vocabulary, 8.0);
                draw(bench, step, logits, rows, &sampling)
            });
        }
    }
}

/// The definition, written down a second time: sort, cut, walk along the running sum.
fn expected(logits: &[f32], uniform: f64, sampling: &Sampling) -> (f64, f64) {
    let temperature = f64::from(sampling.temperature.unwrap());
    let mut entries: Vec<(usize, f64)> = logits
        .iter()
        .enumerate()
        .filter(|&(v, _)| !sampling.exclude_mask || v as u32 != sampling.mask_id)
        .map(|(v, &logit)| (v, (f64::from(logit) / temperature).exp()))
        .collect();
    entries.sort_by(|a, b| b.1.total_cmp(&a.1));
    entries.truncate(sampling.top_k.map_or(usize::MAX, |k| k as usize));
    let total: f64 = entries.iter().map(|entry| entry.1).sum();
    let mut share = 0.0;
    let kept = entries.iter().position(|entry| {
        share += entry.1 / total;
        share >= f64::from(sampling.top_p.unwrap_or(1.0))
    });
    entries.truncate(kept.map_or(usize::MAX, |kept| kept + 1));
    let total: f64 = entries.iter().map(|entry| entry.1).sum();
    entries.sort_by_key(|entry| entry.0);
    let mut sum = 0.0;
    for &(v, weight) in &entries {
        sum += weight / total;
        if sum > uniform {
            return (v as f64, weight / total);
        }
    }
    panic!("a uniform number of 1");
}

#[test]
fn draws_follow_the_definition() {
    for (temperature, top_k, top_p) in [
        (1.0, None, None),
        (0.7, Some(9), None),
        (0.7, None, Some(0.5)),
        (1.5, Some(20), Some(0.9)),
    ] {
        let sampling =
            Sampling { temperature: Some(temperature), top_k, top_p, exclude_mask: true, ..GREEDY };
        let (rows, vocabulary) = (200, 64);
        let outputs = compare("sample_tokens", 2e-6, 1e-5, |bench, step| {
            let logits = spread(bench, rows * vocabulary, 3.0);
            let mut outputs = draw(bench, step, logits, rows, &sampling);
            outputs.push(logits);
            outputs
        });
        for row in 0..rows {
            let logits = &outputs[3][row * vocabulary..][..vocabulary];
            let logits: Vec<f32> = logits.iter().map(|&logit| logit as f32).collect();
            let (token, confidence) = expected(&logits, outputs[2][row], &sampling);
            assert_eq!(outputs[0][row], token, "row {row} of {sampling:?}");
            // 1 / temperature is rounded to f32.
            assert!((outputs[1][row] - confidence).abs() < 1e-6, "row {row} of {sampling:?}");
        }
    }
}

#[test]
fn greedy_takes_the_first_of_equal_logits_and_never_an_excluded_one() {
    let rows = 4;
    let mut logits = vec![0.0; rows * 300];
    for (row, token, value) in
        [(0, 299, 1.0), (0, 270, 1.0), (1, 2, 5.0), (1, 7, 1.0), (2, 260, 3.0), (2, 4, 3.0)]
    {
        logits[row * 300 + token] = value;
    }
    for (exclude_mask, second, fourth) in [(true, 7.0, 0.0), (false, 2.0, 0.0)] {
        let sampling = Sampling { exclude_mask, ..GREEDY };
        let outputs = compare("sample_tokens", 0.0, 1e-5, |bench, step| {
            let logits = bench.given_floats(&logits);
            draw(bench, step, logits, rows, &sampling)
        });
        assert_eq!(outputs[0], [270.0, second, 4.0, fourth]);
    }
}

#[test]
fn a_greedy_pass_ignores_the_temperature_and_its_cuts() {
    let sampling = Sampling { temperature: Some(0.1), top_k: Some(1), ..GREEDY };
    let record = |bench: &mut Bench, step: &mut Recording, greedy: u32, sampling: &Sampling| {
        let logits = spread(bench, 10 * 50, 2.0);
        let control = begin(bench, step, &[1, greedy, 0], 1);
        let io = sample_tokens::Buffers {
            logits,
            rows: every(bench, 10),
            uniforms: bench.floats(10),
            kinds: bench.given_words(&[FREE; 10]),
            control,
            tokens: bench.unwritten_words(10),
            token_confidence: bench.unwritten(10),
        };
        sample_tokens::record(step, io, sampling);
        vec![io.tokens, io.token_confidence]
    };
    let switched = compare("sample_tokens", 1e-6, 1e-5, |b, s| record(b, s, 1, &sampling));
    let greedy = compare("sample_tokens", 1e-6, 1e-5, |b, s| record(b, s, 0, &GREEDY));
    assert_eq!(switched, greedy);
}

/// Only free masks are asked, or all that is free; only they get a token, each at its own place.
#[test]
fn what_is_not_asked_keeps_token_and_confidence() {
    for (positions, vocabulary) in [(1, 31), (50, 9), (300, 97)] {
        for redraws in [false, true] {
            let outputs = compare("sample_ask", 1e-6, 1e-5, |bench, step| {
                let ids = bench.words(positions, 4);
                let seen = bench.words(positions, 4);
                let confidence = bench.floats(positions);
                let kinds = bench.words(positions, 2);
                let asked = bench.unwritten(positions);
                let tokens = bench.unwritten_words(positions);
                let token_confidence = bench.unwritten(positions);
                let io = sample_ask::Buffers {
                    ids,
                    seen,
                    confidence,
                    kinds,
                    asked,
                    tokens,
                    token_confidence,
                };
                sample_ask::record(step, io, 2, redraws);
                let (rows, places) =
                    (bench.unwritten_words(positions), bench.unwritten_words(positions));
                let live = bench.zeros(rows::LIVE);
                let select = rows::Select { weights: asked, rows, places, live };
                rows::select(step, select, positions);
                let io = sample_tokens::Buffers {
                    logits: spread(bench, positions * vocabulary, 4.0),
                    rows,
                    uniforms: bench.floats(positions),
                    kinds,
                    control: begin(bench, step, &[1, 0, 0], 1),
                    tokens,
                    token_confidence,
                };
                sample_tokens::record(step, io, &GREEDY);
                vec![tokens, token_confidence, ids, confidence, kinds, seen, asked, io.logits]
            });
            let [tokens, token_confidence, ids, confidence, kinds, seen, asked, logits] =
                outputs.try_into().unwrap();
            let mut rows = logits.chunks(vocabulary);
            for n in 0..positions {
                let expected = kinds[n] != 0.0 && (redraws || seen[n] == 2.0);
                assert_eq!(asked[n] == 1.0, expected, "position {n}");
                if expected {
                    let row = rows.next().unwrap().iter().enumerate();
                    let best = row.max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
                    assert_eq!(tokens[n], best as f64, "position {n}");
                    assert!(token_confidence[n] > 0.0, "position {n}");
                } else {
                    let kept = (tokens[n], token_confidence[n]);
                    assert_eq!(kept, (ids[n], confidence[n]), "position {n}");
                }
            }
        }
    }
}

#[test]
fn no_text_ends_before_given_tokens() {
    const END: u32 = 5;
    for (temperature, top_k, top_p) in
        [(None, None, None), (Some(1.0), None, None), (Some(0.7), Some(3), Some(0.9))]
    {
        let sampling =
            Sampling { end_id: Some(END), temperature, top_k, top_p, exclude_mask: true, ..GREEDY };
        let outputs = compare("sample_tokens", 2e-6, 1e-5, |bench, step| {
            let (rows, vocabulary) = (40, 30);
            // The end is likelier than anything else, everywhere.
            let logits: Vec<f32> = (0..rows * vocabulary)
                .map(|i| if i % vocabulary == END { 9.0 } else { (i % 7) as f32 * 0.5 })
                .collect();
            let uniforms: Vec<f32> = (0..rows).map(|n| (n as f32 + 0.5) / rows as f32).collect();
            let kinds: Vec<u32> = (0..rows).map(|n| [FREE, FREE_NO_END][n as usize % 2]).collect();
            let rows = rows as usize;
            let io = sample_tokens::Buffers {
                logits: bench.given_floats(&logits),
                rows: every(bench, rows),
                uniforms: bench.given_floats(&uniforms),
                kinds: bench.given_words(&kinds),
                control: begin(bench, step, &[1, 0, 0], 1),
                tokens: bench.unwritten_words(rows),
                token_confidence: bench.unwritten(rows),
            };
            sample_tokens::record(step, io, &sampling);
            vec![io.tokens, io.token_confidence]
        });
        let ends = |odd: usize| {
            outputs[0].iter().skip(odd).step_by(2).filter(|&&token| token == f64::from(END)).count()
        };
        assert!(ends(0) > 15, "where nothing is given behind, the end is drawn: {}", ends(0));
        assert_eq!(ends(1), 0, "with {sampling:?}");
    }
}

#[test]
fn the_least_sure_become_masks() {
    for (batch, length) in [(1, 1), (3, 7), (2, 256), (5, 67)] {
        let counts: Vec<u32> = (0..batch as u32).map(|b| b * length as u32 / 4).collect();
        let outputs = compare("remask", 0.0, 0.0, |bench, step| {
            let rows = batch * length;
            // Few values, so that there are ties.
            let token_confidence = coarse(bench, rows);
            let io = remask::Buffers {
                tokens: bench.words(rows, 90),
                token_confidence,
                order: token_confidence,
                kinds: bench.words(rows, 3),
                control: begin(bench, step, &[&[1, 0], &counts[..]].concat(), batch),
                ids: bench.unwritten_words(rows),
                confidence: bench.unwritten(rows),
                readback: bench.unwritten_words(2 * rows),
            };
            remask::record(step, io, length, 99);
            vec![io.ids, io.confidence, io.tokens, io.token_confidence, io.kinds, io.readback]
        });
        let (ids, bits) = outputs[5].split_at(batch * length);
        let sure = bits.iter().map(|&bits| f64::from(f32::from_bits(bits as u32)));
        assert_eq!(ids, outputs[0]);
        assert!(sure.eq(outputs[1].iter().copied()));
        for b in 0..batch {
            let row = |output: usize| &outputs[output][b * length..(b + 1) * length];
            let masked: Vec<usize> = (0..length).filter(|&n| row(0)[n] == 99.0).collect();
            let generated: Vec<usize> = (0..length).filter(|&n| row(4)[n] != 0.0).collect();
            assert_eq!(masked.len(), generated.len().min(counts[b] as usize));
            for n in 0..length {
                if masked.contains(&n) {
                    assert!(row(1)[n] == 0.0 && row(4)[n] != 0.0);
                    // Whoever was spared is surer, or as sure and further to the right.
                    let spared = generated.iter().filter(|other| !masked.contains(other));
                    for &other in spared {
                        let (mine, theirs) = (row(3)[n], row(3)[other]);
                        assert!(theirs > mine || (theirs == mine && other > n));
                    }
                } else {
                    assert_eq!((row(0)[n], row(1)[n]), (row(2)[n], row(3)[n]));
                }
            }
        }
    }
}

/// Records the order of a batch of sequences, every third token visible, and what is masked by it.
fn order(
    bench: &mut Bench,
    step: &mut Recording,
    batch: usize,
    length: usize,
    noise: f32,
) -> Vec<Slice> {
    let rows = batch * length;
    let counts = vec![length as u32 / 2; batch];
    let ids: Vec<u32> = (0..rows as u32).map(|n| if n % 3 == 0 { 7 } else { 2 }).collect();
    let sure: Vec<f32> =
        (0..rows as u32).map(|n| unit(Philox::new(9).draw([n, 0, 0, 0])[0]).powi(4)).collect();
    let (ids, token_confidence) = (bench.given_words(&ids), bench.given_floats(&sure));
    let control = begin(bench, step, &[&[1, 0], &counts[..]].concat(), batch);
    let (order, kinds) = (bench.unwritten(rows), bench.given_words(&vec![FREE; rows]));
    let io = sample_order::Buffers { certainty: token_confidence, ids, kinds, control, order };
    let (score, temperature, first_sample, seed, mask_id) = (Score::Logarithm, noise, 3, 42, 2);
    let choice = Choice { score, temperature, length, first_sample, seed, mask_id };
    sample_order::record(step, io, &choice);
    let io = remask::Buffers {
        tokens: bench.words(rows, 90),
        token_confidence,
        order,
        kinds,
        control,
        ids: bench.unwritten_words(rows),
        confidence: bench.unwritten(rows),
        readback: bench.unwritten_words(2 * rows),
    };
    remask::record(step, io, length, 99);
    vec![order, io.ids, token_confidence]
}

#[test]
fn the_surer_the_likelier_a_token_stays() {
    for (batch, length) in [(1, 1), (3, 7), (2, 256), (5, 67)] {
        for noise in [0.0, 1.0, 100.0] {
            let outputs = compare("sample_order", 1e-5, 1e-5, |bench, step| {
                order(bench, step, batch, length, noise)
            });
            for (n, (&order, &sure)) in outputs[0].iter().zip(&outputs[2]).enumerate() {
                if n % 3 == 0 {
                    assert_eq!((order, outputs[1][n] == 99.0), (f64::from(3e38f32), false));
                } else if noise == 0.0 {
                    assert!((order - sure.ln()).abs() < 1e-5, "{order} for {sure}");
                }
            }
            for row in outputs[1].chunks(length) {
                let masked = row.iter().filter(|&&id| id == 99.0).count();
                assert_eq!(masked, length / 2, "visible tokens are enough for the others to wait");
            }
        }
    }
}

#[test]
fn with_noise_of_one_a_token_is_first_in_proportion_to_its_confidence() {
    let (batch, sure) = (4000, [0.6f32, 0.3, 0.1]);
    let outputs = compare("sample_order", 1e-5, 1e-5, |bench, step| {
        let token_confidence = bench.given_floats(&sure.repeat(batch));
        let ids = bench.given_words(&vec![2; 3 * batch]);
        let control = begin(bench, step, &[&[1, 0], &vec![0; batch][..]].concat(), batch);
        let (order, kinds) =
            (bench.unwritten(3 * batch), bench.given_words(&vec![FREE; 3 * batch]));
        let io = sample_order::Buffers { certainty: token_confidence, ids, kinds, control, order };
        let (temperature, length, first_sample, seed, mask_id) = (1.0, 3, 0, 1, 2);
        let score = Score::Logarithm;
        let choice = Choice { score, temperature, length, first_sample, seed, mask_id };
        sample_order::record(step, io, &choice);
        vec![order]
    });
    let mut first = [0.0; 3];
    for row in outputs[0].chunks(3) {
        let best = (0..3).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        first[best] += 1.0 / batch as f64;
    }
    for (share, sure) in first.iter().zip(sure) {
        // Standard error of a share of 4,000: at most 0.008.
        assert!((share - f64::from(sure)).abs() < 0.03, "{first:?}");
    }
}

/// Masks that are given, behind a text that ends within a block, stay out of the order.
#[test]
fn given_masks_have_no_place_in_the_order() {
    let kinds = [FREE, FREE_NO_END, GIVEN, GIVEN, FREE];
    let outputs = compare("sample_order", 1e-5, 1e-5, |bench, step| {
        let (certainty, kinds) = (bench.floats(5), bench.given_words(&kinds));
        let ids = bench.given_words(&[2, 2, 2, 7, 7]);
        let control = begin(bench, step, &[1, 0, 0], 1);
        let order = bench.unwritten(5);
        let io = sample_order::Buffers { certainty, ids, kinds, control, order };
        let (temperature, length, first_sample, seed, mask_id) = (1.0, 5, 0, 1, 2);
        let score = Score::None;
        let choice = Choice { score, temperature, length, first_sample, seed, mask_id };
        sample_order::record(step, io, &choice);
        vec![order]
    });
    let stays: Vec<_> = outputs[0].iter().map(|&order| order == f64::from(3e38f32)).collect();
    assert_eq!(stays, [false, false, true, true, true]);
}

#[test]
fn passes_read_their_row_of_the_table() {
    let table = [
        [9, 0, 11, 12, 13, 14, 15, 5, 6],
        [4, 1, 21, 22, 23, 24, 25, 3, 2],
        [0, 1, 0, 0, 0, 0, 0, 0, 0],
    ];
    let outputs = compare("sample_begin", 0.0, 0.0, |bench, step| {
        let table = bench.given_words(&table.concat());
        let (cursor, timesteps, control) =
            (bench.zeros(1), bench.unwritten_words(2), bench.unwritten_words(9));
        for _ in 0..2 {
            let io = sample_begin::Buffers { table, cursor, timesteps, control };
            sample_begin::record(step, io);
        }
        vec![cursor, timesteps, control]
    });
    let control = vec![1.0, 1.0, 21.0, 22.0, 23.0, 24.0, 25.0, 3.0, 2.0];
    assert_eq!(outputs, [vec![2.0], vec![4.0, 4.0], control]);
}

#[test]
fn uniforms_depend_on_the_sample_not_on_the_batch() {
    let record = |length: usize, samples: usize, first: u32| {
        let outputs = compare("sample_uniforms", 0.0, 0.0, |bench, step| {
            let control = begin(bench, step, &[1, 0, 0], 1);
            let uniforms = bench.unwritten(length * samples);
            let io = sample_uniforms::Buffers { control, uniforms };
            sample_uniforms::record(step, io, length, first, u64::MAX / 3);
            vec![uniforms]
        });
        outputs[0].clone()
    };
    let whole = record(300, 3, 0);
    let last = record(200, 1, 2);
    assert_eq!(whole[600..800], last[..]);
    assert_ne!(whole[0..200], last[..]);
    let mean = whole.iter().sum::<f64>() / 900.0;
    // Standard error of the mean of 900 uniform numbers: 0.0096.
    assert!((mean - 0.5).abs() < 0.03, "mean {mean}");
}

#[test]
fn explanations() {
    for (rows, vocabulary) in SHAPES {
        for excluded in [None, Some(1)] {
            if vocabulary == 1 && excluded.is_some() {
                continue;
            }
            let outputs = compare("sample_explain", 1e-6, 2e-5, |bench, step| {
                let logits = spread(bench, rows * vocabulary, 5.0);
                let tokens = bench.unwritten_words(rows * sample_explain::BEST);
                let probabilities = bench.unwritten(rows * sample_explain::BEST);
                let entropy = bench.unwritten(rows);
                let io = sample_explain::Buffers { logits, tokens, probabilities, entropy };
                sample_explain::record(step, io, excluded);
                vec![tokens, probabilities, entropy, logits]
            });
            for row in 0..rows {
                let best = &outputs[1][row * sample_explain::BEST..][..sample_explain::BEST];
                assert!(best.is_sorted_by(|a, b| a >= b));
                let logits = &outputs[3][row * vocabulary..][..vocabulary];
                let allowed = (0..vocabulary).filter(|&v| Some(v as u32) != excluded);
                let top = allowed.max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
                assert_eq!(outputs[0][row * sample_explain::BEST], top as f64);
                assert!((-1e-9..=(vocabulary as f64).ln() + 1e-9).contains(&outputs[2][row]));
            }
        }
    }
}
