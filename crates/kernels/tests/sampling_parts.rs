//! The parts that samplers are made of: CPU device and GPU against the f64 oracle, and the oracle
//! against each part's defining property.

mod harness;

use device::{Recording, Slice};
use harness::{Bench, compare};
use kernels::remask::{FREE, GIVEN, STAYS, WAITS};
use kernels::rng::{Philox, below, unit};
use kernels::sample_begin::{self, GROUP, HEADER, LEFT, REMASK, REVEAL};
use kernels::sample_chance::{self, Chance};
use kernels::sample_doubt::{self, Doubt};
use kernels::sample_order::{self, Choice, Score};
use kernels::sample_survey::{self, Survey};
use kernels::{
    remask, sample_apart, sample_blocks, sample_bound, sample_certainty, sample_hide,
    sample_threshold,
};

const MASK: u32 = 2;

/// Batches and lengths: one token, odd ones, a workgroup, more.
const SHAPES: [(usize, usize); 4] = [(1, 1), (3, 7), (2, 256), (5, 67)];

const STAY: f64 = STAYS as f64;
const WAIT: f64 = WAITS as f64;

fn random(len: usize, seed: u64) -> impl Iterator<Item = f32> {
    (0..len as u32).map(move |i| unit(Philox::new(seed).draw([i, 0, 0, 0])[0]))
}

/// A control buffer with these elements set.
fn control(bench: &mut Bench, batch: usize, elements: &[(usize, u32)]) -> Slice {
    let mut row = vec![0; HEADER + batch];
    elements.iter().for_each(|&(element, value)| row[element] = value);
    bench.given_words(&row)
}

/// Scores of which a third is decided, few enough values for ties.
fn scores(len: usize) -> Vec<f32> {
    let word = |i: u32| Philox::new(3).draw([i, 0, 0, 0]);
    (0..len as u32)
        .map(|i| match below(word(i)[0], 6) {
            0 => STAYS,
            1 => WAITS,
            _ => below(word(i)[1], 9) as f32 - 4.0,
        })
        .collect()
}

/// Positions of a sequence whose scores are open, earliest first.
fn ranked(order: &[f64]) -> Vec<usize> {
    let mut open: Vec<usize> =
        (0..order.len()).filter(|&i| order[i] > WAIT && order[i] < STAY).collect();
    open.sort_by(|&a, &b| order[b].total_cmp(&order[a]).then(b.cmp(&a)));
    open
}

#[test]
fn certainties() {
    for (rows, vocabulary) in [(1, 3), (5, 31), (33, 97), (70, 2048)] {
        let outputs = compare("sample_certainty", 1e-6, 2e-5, |bench, step| {
            let logits: Vec<f32> = random(rows * vocabulary, 7).map(|u| 10.0 * u - 5.0).collect();
            // From the last position to the first, and one row that belongs to none.
            let places: Vec<u32> = (0..rows as u32).rev().chain([rows as u32]).collect();
            let logits = [&logits[..], &vec![0.0; vocabulary]].concat();
            let io = sample_certainty::Buffers {
                logits: bench.given_floats(&logits),
                rows: bench.given_words(&places),
                margin: bench.unwritten(rows),
                entropy: bench.unwritten(rows),
            };
            sample_certainty::record(step, io, MASK);
            vec![io.margin, io.entropy, io.logits]
        });
        for row in 0..rows {
            let logits =
                outputs[2][(rows - 1 - row) * vocabulary..][..vocabulary].iter().enumerate();
            let mut p: Vec<f64> =
                logits.filter(|(v, _)| *v != MASK as usize).map(|(_, logit)| logit.exp()).collect();
            let total: f64 = p.iter().sum();
            p.iter_mut().for_each(|p| *p /= total);
            p.sort_by(|a, b| b.total_cmp(a));
            let entropy: f64 = p.iter().map(|p| -p * p.ln()).sum();
            assert!((outputs[0][row] - (p[0] - p[1])).abs() < 1e-9);
            assert!((outputs[1][row] - entropy).abs() < 1e-9);
        }
    }
}

#[test]
fn orders_without_noise() {
    for score in [Score::Logarithm, Score::Negative, Score::None] {
        let outputs = compare("sample_order", 1e-5, 1e-5, |bench, step| {
            let certainty: Vec<f32> =
                random(20, 4).map(|u| if u < 0.2 { 0.0 } else { u }).collect();
            let io = sample_order::Buffers {
                certainty: bench.given_floats(&certainty),
                ids: bench.given_words(&[MASK; 20]),
                kinds: bench.given_words(&[FREE; 20]),
                control: control(bench, 1, &[]),
                order: bench.unwritten(20),
            };
            let (temperature, length, first_sample, seed, mask_id) = (0.0, 20, 0, 1, MASK);
            let choice = Choice { score, temperature, length, first_sample, seed, mask_id };
            sample_order::record(step, io, &choice);
            vec![io.certainty, io.order]
        });
        for (&certainty, &order) in outputs[0].iter().zip(&outputs[1]) {
            let expected = match score {
                Score::Logarithm => certainty.max(sample_order::LEAST.into()).ln(),
                Score::Negative => -certainty,
                Score::None => 0.0,
            };
            assert!((order - expected).abs() < 1e-9, "{score:?}: {order} for {certainty}");
            assert!(order > WAIT && order < STAY, "decided by a certainty of {certainty}");
        }
    }
}

#[test]
fn chance_decides_with_its_probabilities() {
    let (batch, length) = (40, 100);
    for (reveals, remask, reveal) in [(true, 0.25, 0.1), (false, 0.25, 0.1), (true, 0.0, 1.0)] {
        let outputs = compare("sample_chance", 0.0, 0.0, |bench, step| {
            let n = batch * length;
            let ids: Vec<u32> = (0..n).map(|i| if i % 2 == 0 { MASK } else { 7 }).collect();
            let kinds: Vec<u32> = (0..n).map(|i| if i % 4 == 3 { GIVEN } else { FREE }).collect();
            let elements = [(REMASK, f32::to_bits(remask)), (REVEAL, f32::to_bits(reveal))];
            let io = sample_chance::Buffers {
                ids: bench.given_words(&ids),
                kinds: bench.given_words(&kinds),
                control: control(bench, batch, &elements),
                order: bench.given_floats(&vec![0.5; n]),
            };
            let (first_sample, seed, mask_id) = (0, 42, MASK);
            let chance = Chance { length, first_sample, seed, mask_id, reveals };
            sample_chance::record(step, io, &chance);
            vec![io.order]
        });
        let share = |from: usize, step: usize, score: f64| {
            let all = outputs[0].iter().skip(from).step_by(step);
            let (hits, count) =
                all.fold((0, 0), |(hits, n), &s| (hits + usize::from(s == score), n + 1));
            hits as f64 / f64::from(count)
        };
        // Standard errors: 0.007 among 2,000 masks, 0.014 among 1,000 visible tokens.
        let revealed = if reveals { f64::from(reveal) } else { 0.0 };
        assert!((share(0, 2, STAY) - revealed).abs() < 0.03);
        assert!((share(0, 2, WAIT) - if reveals { 1.0 - revealed } else { 0.0 }).abs() < 0.03);
        assert!((share(1, 4, WAIT) - f64::from(remask)).abs() < 0.05);
        assert_eq!(share(3, 4, 0.5), 1.0, "given tokens are never masked");
    }
}

#[test]
fn blocks_wait_for_the_ones_before() {
    for (batch, length) in SHAPES {
        for block in [1, 5, 64, 1000] {
            for left in [0, 1] {
                let outputs = compare("sample_blocks", 0.0, 0.0, |bench, step| {
                    let n = batch * length;
                    let ids: Vec<u32> =
                        random(n, 5).map(|u| if u < 0.3 { MASK } else { 9 }).collect();
                    let io = sample_blocks::Buffers {
                        ids: bench.given_words(&ids),
                        control: control(bench, batch, &[(LEFT, left)]),
                        order: bench.given_floats(&vec![0.5; n]),
                    };
                    sample_blocks::record(step, io, length, block, MASK);
                    vec![io.ids, io.order]
                });
                let rows = outputs[0].chunks(length).zip(outputs[1].chunks(length));
                for (ids, order) in rows {
                    let masks: Vec<usize> =
                        (0..length).filter(|&i| ids[i] == f64::from(MASK)).collect();
                    for (i, &order) in order.iter().enumerate() {
                        let block = block as usize;
                        let open = masks.first().is_none_or(|first| i / block <= first / block);
                        let waits = left == 0 && !open && masks.contains(&i);
                        assert_eq!(order, if waits { WAIT } else { 0.5 });
                    }
                }
            }
        }
    }
}

#[test]
fn no_two_neighbours_stay() {
    for (batch, length) in SHAPES {
        let outputs = compare("sample_apart", 0.0, 0.0, |bench, step| {
            let n = batch * length;
            let io = sample_apart::Buffers {
                order: bench.given_floats(&scores(n)),
                control: control(bench, batch, &[]),
                verdict: bench.unwritten(n),
            };
            sample_apart::record(step, io, length);
            vec![io.order, io.verdict]
        });
        let rows = outputs[0].chunks(length).zip(outputs[1].chunks(length));
        for (order, verdict) in rows {
            let open = ranked(order);
            let taken = |i: usize| open.contains(&i) && verdict[i] == order[i];
            for i in 0..length {
                let neighbours = [i.checked_sub(1), Some(i + 1).filter(|&j| j < length)];
                let near: Vec<usize> =
                    neighbours.into_iter().flatten().filter(|&j| taken(j)).collect();
                if !open.contains(&i) {
                    assert_eq!(verdict[i], order[i]);
                } else if taken(i) {
                    assert!(near.is_empty(), "{i} and {near:?}");
                } else {
                    assert_eq!(verdict[i], WAIT);
                    // Whoever waits does so for an earlier neighbour.
                    let rank = |i: usize| open.iter().position(|&j| j == i);
                    assert!(near.iter().any(|&j| rank(j) < rank(i)), "{i} waits for nobody");
                }
            }
        }
    }
    let outputs = compare("sample_apart", 0.0, 0.0, |bench, step| {
        let order = bench.given_floats(&[1.0, 2.0, 3.0]);
        let (control, verdict) = (control(bench, 1, &[(LEFT, 1)]), bench.unwritten(3));
        sample_apart::record(step, sample_apart::Buffers { order, control, verdict }, 3);
        vec![verdict]
    });
    assert_eq!(outputs, [[1.0, 2.0, 3.0]], "in the last pass nobody waits");
}

#[test]
fn a_threshold_keeps_the_sure_and_the_first() {
    for (batch, length) in SHAPES {
        for (threshold, left) in [(0.6, 0), (0.99, 0), (2.0, 0), (2.0, 1)] {
            let outputs = compare("sample_threshold", 0.0, 0.0, |bench, step| {
                let n = batch * length;
                let sure: Vec<f32> = random(n, 6).collect();
                let io = sample_threshold::Buffers {
                    order: bench.given_floats(&scores(n)),
                    token_confidence: bench.given_floats(&sure),
                    control: control(bench, batch, &[(LEFT, left)]),
                    verdict: bench.unwritten(n),
                };
                sample_threshold::record(step, io, length, threshold);
                vec![io.order, io.token_confidence, io.verdict]
            });
            for b in 0..batch {
                let [order, sure, verdict] =
                    [0, 1, 2].map(|output: usize| &outputs[output][b * length..][..length]);
                let open = ranked(order);
                for i in 0..length {
                    let stays = left == 1 || open[..1] == [i] || sure[i] >= f64::from(threshold);
                    let expected = match open.contains(&i) {
                        false => order[i],
                        true if stays => STAY,
                        true => WAIT,
                    };
                    assert_eq!(verdict[i], expected);
                }
            }
        }
    }
}

#[test]
fn a_bound_keeps_the_longest_beginning_below_it() {
    for (batch, length) in SHAPES {
        for (bound, left) in [(0.0, 0), (0.7, 0), (5.0, 0), (0.0, 1)] {
            let outputs = compare("sample_bound", 0.0, 0.0, |bench, step| {
                let n = batch * length;
                // Multiples of 1/8: their sums are exact.
                let entropy: Vec<f32> = random(n, 8).map(|u| (u * 16.0).floor() / 8.0).collect();
                let io = sample_bound::Buffers {
                    order: bench.given_floats(&scores(n)),
                    entropy: bench.given_floats(&entropy),
                    control: control(bench, batch, &[(LEFT, left)]),
                    verdict: bench.unwritten(n),
                };
                sample_bound::record(step, io, length, bound);
                vec![io.order, io.entropy, io.verdict]
            });
            for b in 0..batch {
                let [order, entropy, verdict] =
                    [0, 1, 2].map(|output: usize| &outputs[output][b * length..][..length]);
                let open = ranked(order);
                let error = |k: usize| {
                    let beginning = || open[..k].iter().map(|&i| entropy[i]);
                    beginning().sum::<f64>() - beginning().fold(0.0, f64::max)
                };
                let kept = open.iter().filter(|&&i| verdict[i] == STAY).count();
                assert!(open[..kept].iter().all(|&i| verdict[i] == STAY), "a beginning stays");
                assert!(open[kept..].iter().all(|&i| verdict[i] == WAIT));
                assert!(open.is_empty() || kept > 0, "at least one stays");
                if left == 1 {
                    assert_eq!(kept, open.len());
                } else {
                    assert!(error(kept) <= f64::from(bound));
                    assert!(kept == open.len() || error(kept + 1) > f64::from(bound));
                }
            }
        }
    }
}

#[test]
fn who_waits_becomes_a_mask_and_who_stays_does_not() {
    let outputs = compare("remask", 0.0, 0.0, |bench, step| {
        let order = bench.given_floats(&[WAITS, 0.3, STAYS, WAITS, 0.1, 0.2, WAITS]);
        let io = remask::Buffers {
            tokens: bench.given_words(&[10, 11, 12, 13, 14, 15, 16]),
            token_confidence: bench.floats(7),
            order,
            kinds: bench.given_words(&[FREE, FREE, FREE, FREE, FREE, FREE, GIVEN]),
            control: control(bench, 1, &[(HEADER, 1)]),
            ids: bench.unwritten_words(7),
            confidence: bench.unwritten(7),
            readback: bench.unwritten_words(14),
        };
        remask::record(step, io, 7, MASK);
        vec![io.ids]
    });
    // One mask was asked for, two must be.
    assert_eq!(outputs, [[2.0, 11.0, 12.0, 2.0, 14.0, 15.0, 16.0]]);
}

struct Surveyed {
    timesteps: Vec<f64>,
    counts: Vec<f64>,
    progress: Vec<f64>,
    flags: [f64; 2],
}

/// A survey of two texts of four free tokens and a given one.
fn survey(ids: [u32; 10], judging: bool, left: u32, changed: u32) -> Surveyed {
    let outputs = compare("sample_survey", 0.0, 0.0, |bench, step| {
        let told: Vec<u32> = (0..12).map(|i| 100 + i).collect();
        let elements = [(GROUP, 1), (LEFT, left), (HEADER, 31), (HEADER + 1, 32)];
        let io = sample_survey::Buffers {
            told: bench.given_words(&told),
            ids: bench.given_words(&ids),
            kinds: bench.given_words(&[FREE, FREE, FREE, FREE, GIVEN].repeat(2)),
            timesteps: bench.unwritten_words(2),
            control: control(bench, 2, &elements),
            progress: bench.given_words(&[5, changed]),
            live: bench.unwritten_words(1),
            layers: bench.unwritten_words(1),
        };
        let (length, mask_id, groups, fills) = (5, MASK, 2, 4);
        sample_survey::record(step, io, &Survey { length, mask_id, judging, groups, fills });
        vec![io.timesteps, io.control, io.progress, io.live, io.layers]
    });
    Surveyed {
        timesteps: outputs[0].clone(),
        counts: outputs[1][HEADER..].to_vec(),
        progress: outputs[2].clone(),
        flags: [outputs[3][0], outputs[4][0]],
    }
}

#[test]
fn surveys_count_masks() {
    let some = [2, 7, 2, 2, 9, 7, 7, 7, 7, 9];
    let Surveyed { timesteps, counts, progress, flags } = survey(some, false, 0, 1);
    assert_eq!(timesteps, [103.0, 106.0], "what the rows say of 3 masks and of none");
    assert_eq!((counts, progress), (vec![31.0, 32.0], vec![6.0, 1.0]));
    assert_eq!(flags, [1.0, 2.0]);
    // ceil(3 / 2) are revealed; the counts of the table are replaced.
    assert_eq!(survey(some, false, 2, 1).counts, [1.0, 0.0]);
    assert_eq!(survey(some, false, 1, 1).counts, [0.0, 0.0]);

    let none = [7; 10];
    let Surveyed { progress, flags, .. } = survey(none, false, 0, 1);
    assert_eq!((progress, flags), (vec![5.0, 1.0], [0.0, 0.0]), "nothing is done");
    // The first pass of a filling says whether the text changes.
    assert_eq!(survey(none, false, 4, 1).progress, [5.0, 0.0]);
    assert_eq!(survey(some, false, 4, 0).progress, [6.0, 1.0]);
    assert_eq!(survey(none, false, 3, 1).progress, [5.0, 1.0]);

    // Judging hides positions 1 and 3.
    let Surveyed { timesteps, flags, .. } = survey(none, true, 0, 1);
    assert_eq!((timesteps, flags), (vec![102.0, 108.0], [1.0, 2.0]));
    assert_eq!(survey(none, true, 0, 0).flags, [0.0, 0.0], "nothing changed since the last time");
}

#[test]
fn unexpected_and_repeated_tokens_are_doubtful() {
    let ids = [8, 8, 9, 8, 8, 8, 7, 7, 2, 6];
    let kinds = [FREE, FREE, FREE, FREE, GIVEN, FREE, FREE, FREE, FREE, FREE];
    for group in [0, 1] {
        let outputs = compare("sample_doubt", 0.0, 0.0, |bench, step| {
            let (ids, kinds) = (bench.given_words(&ids), bench.given_words(&kinds));
            let control = control(bench, 2, &[(GROUP, group)]);
            let (seen, live) = (bench.unwritten_words(10), bench.given_words(&[1]));
            let io = sample_hide::Buffers { ids, kinds, control, live, seen };
            sample_hide::record(step, io, 5, 2, MASK);
            // The losses stand in another order: position n has that of 9 - n.
            let loss = [0.1, 0.1, 0.1, 5.0, 0.1, 5.0, 0.1, 5.0, 0.1, 0.1];
            let places: Vec<u32> = (0..10).rev().collect();
            let (loss, order) = (bench.given_floats(&loss), bench.unwritten(10));
            let places = bench.given_words(&places);
            let io = sample_doubt::Buffers { ids, kinds, places, loss, control, order };
            let (length, groups, mask_id, limit) = (5, 2, MASK, 4.0);
            sample_doubt::record(step, io, &Doubt { length, groups, mask_id, limit });
            vec![seen, order]
        });
        let hidden = |i: usize| kinds[i] != GIVEN && i % 5 % 2 == group as usize;
        let seen: Vec<f64> =
            (0..10).map(|i| f64::from(if hidden(i) { MASK } else { ids[i] })).collect();
        assert_eq!(outputs[0], seen);
        // Repeated: 1 and 7 (5 begins a text, 4 is given). Unexpected: 2 and 6. A mask: 8.
        let doubtful = |i: usize| [1, 2, 6, 7].contains(&i) && hidden(i) || i == 8;
        let order: Vec<f64> = (0..10).map(|i| if doubtful(i) { WAIT } else { STAY }).collect();
        assert_eq!(outputs[1], order);
    }
}

#[test]
fn a_pass_that_does_not_run_hides_nothing() {
    let outputs = compare("sample_hide", 0.0, 0.0, |bench, step| {
        let (ids, kinds) = (bench.words(70, 9), bench.given_words(&[FREE; 70]));
        let (control, live) = (control(bench, 1, &[(GROUP, 1)]), bench.given_words(&[0]));
        let seen = bench.unwritten_words(70);
        let io = sample_hide::Buffers { ids, kinds, control, live, seen };
        sample_hide::record(step, io, 70, 3, MASK);
        vec![ids, seen]
    });
    assert_eq!(outputs[1], outputs[0]);
}

#[test]
fn elements_of_control_lie_before_the_counts() {
    let elements =
        [sample_begin::PASS, sample_begin::GREEDY, REMASK, REVEAL, GROUP, LEFT, sample_begin::ODDS];
    assert_eq!(elements.to_vec(), (0..HEADER).collect::<Vec<_>>());
}

/// Kernels that samplers record only if there is anything to do leave everything alone otherwise.
#[test]
fn layers_of_a_grid_are_conditional_together() {
    for (flag, expected) in [(0, 9.0), (3, 2.0)] {
        let run = |bench: &mut Bench, step: &mut Recording| {
            let flag = bench.given_words(&[flag]);
            let (ids, kinds) = (bench.given_words(&[7; 6]), bench.given_words(&[FREE; 6]));
            let (control, seen) = (control(bench, 1, &[]), bench.given_words(&[9; 6]));
            let live = bench.given_words(&[1]);
            let io = sample_hide::Buffers { ids, kinds, control, live, seen };
            let mut inner = Recording::default();
            sample_hide::record(&mut inner, io, 6, 1, MASK);
            let mut launch = inner.launches()[0].clone();
            launch.grid[2] = 3;
            step.when_layers(&[(1, flag), (3, flag)], |step| step.push(launch));
            vec![seen]
        };
        assert_eq!(compare("conditional layers", 0.0, 0.0, run), [[expected; 6]]);
    }
}
