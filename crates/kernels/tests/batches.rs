//! Batches that are drawn on the device: CPU device and GPU against the f64 oracle.

mod harness;

use harness::{Bench, compare};
use kernels::draw_batch::Level;
use kernels::{draw_batch, draw_blocks, loss_by_level, shift};

/// `[MASK]` alone.
const MASK: draw_batch::Noise = draw_batch::Noise { first: 2, count: 1 };

/// The table of levels with these thresholds and times; where the other tokens are masked, the network
/// is told a time 100 later.
fn table(thresholds: &[f32], times: &[u32]) -> Vec<u32> {
    let levels = thresholds.as_chunks().0.iter().zip(times);
    let levels =
        levels.map(|(&thresholds, &time)| Level { thresholds, time, opposite_time: time + 100 });
    draw_batch::table(&Vec::from_iter(levels))
}

/// Thresholds that mask each token independently, with probability `1 - alpha` at each level.
fn independent(alpha: &[f32]) -> Vec<f32> {
    alpha.iter().flat_map(|&alpha| [alpha; 3]).collect()
}

/// A corpus of 1,000 tokens with a story at its beginning, step 12, and outputs for `rows` positions with
/// `times` noise levels.
fn buffers(bench: &mut Bench, levels: &[u32], rows: usize, times: usize) -> draw_batch::Buffers {
    draw_batch::Buffers {
        corpus: bench.words(1000, 97),
        counter: bench.given_words(&[12]),
        levels: bench.given_words(levels),
        starts: bench.given_words(&[0]),
        ids: bench.unwritten_words(rows),
        targets: bench.unwritten_words(rows),
        mask: bench.unwritten_words(rows),
        timesteps: bench.unwritten_words(times),
    }
}

#[test]
fn batches_are_the_same_everywhere() {
    for (first, count, total, length, stratified, with_spans) in [
        (0, 1, 1, 1, false, false),
        (0, 5, 5, 33, false, false),
        (3, 4, 9, 17, true, false),
        (3, 7, 19, 65, true, true),
    ] {
        let outputs = compare("draw_batch", 0.0, 0.0, |bench, step| {
            let alpha: Vec<f32> = (0..=10).map(|t| 1.0 - t as f32 / 10.0).collect();
            let spans = alpha.iter().flat_map(|&alpha| [alpha, 0.9 * alpha, 0.2 * alpha]).collect();
            let thresholds: Vec<f32> = if with_spans { spans } else { independent(&alpha) };
            // Whatever a level means, the network is told what stands in the table.
            let times: Vec<u32> = (0..=10).map(|level| 1 + level / 2).collect();
            let rows = count * length;
            let io = buffers(bench, &table(&thresholds, &times), rows, count);
            let draw = draw_batch::Draw {
                first,
                count,
                total,
                length,
                levels: 10,
                noise: MASK,
                stratified,
                story_starts: 0.0,
                complementary: 0.0,
                seed: 0x0123_4567_89ab_cdef,
            };
            draw_batch::record(step, io, &draw);
            vec![io.ids, io.targets, io.mask, io.timesteps]
        });
        let [ids, targets, mask, timesteps] = outputs.try_into().unwrap();
        for ((id, target), mask) in ids.iter().zip(targets).zip(mask) {
            assert_eq!(*id, if mask == 1.0 { 2.0 } else { target });
        }
        assert!(timesteps.iter().all(|t| (1.0..=6.0).contains(t)));
    }
}

/// Both halves of every window, with a level for each block: the share of masks follows it, and at
/// every place of a text every level is as frequent.
#[test]
fn blocks_have_levels_of_their_own() {
    for (first, count, total, length, block, stratified) in [
        (0, 1, 1, 1, 1, false),
        (0, 5, 5, 33, 11, false),
        (3, 4, 9, 17, 1, true),
        (2, 3, 7, 65, 65, true),
        (0, 1000, 1000, 24, 8, true),
    ] {
        let outputs = compare("draw_blocks", 0.0, 0.0, |bench, step| {
            let alpha: Vec<f32> = (0..=10).map(|t| 1.0 - t as f32 / 10.0).collect();
            let (rows, blocks) = (2 * count * length, 2 * count * length / block);
            let io =
                buffers(bench, &table(&independent(&alpha), &Vec::from_iter(0..=10)), rows, blocks);
            let draw = draw_batch::Draw {
                first,
                count,
                total,
                length,
                levels: 10,
                noise: draw_batch::Noise { first: 99, count: 1 },
                stratified,
                story_starts: 0.0,
                complementary: 0.0,
                seed: 0x0123_4567_89ab_cdef,
            };
            draw_blocks::record(step, io, &draw, block);
            vec![io.corpus, io.ids, io.targets, io.mask, io.timesteps]
        });
        let [corpus, ids, targets, mask, timesteps] = outputs.try_into().unwrap();
        let blocks = length / block;
        let mut levels = vec![vec![]; blocks];
        let mut shares = [(0.0, 0.0); 11];
        for row in 0..count {
            let half = |all: &[f64], half: usize, size: usize| {
                all[(2 * row + half) * size..][..size].to_vec()
            };
            let clean = half(&ids, 1, length);
            assert!(corpus.windows(length).any(|window| window == clean), "a window of the corpus");
            assert_eq!((&clean, &clean), (&half(&targets, 0, length), &half(&targets, 1, length)));
            assert!(half(&mask, 1, length).iter().all(|&masked| masked == 0.0));
            assert!(half(&timesteps, 1, blocks).iter().all(|&time| time == 0.0));
            let (noisy, masked) = (half(&ids, 0, length), half(&mask, 0, length));
            for ((id, target), masked) in noisy.iter().zip(clean).zip(&masked) {
                assert_eq!(*id, if *masked == 1.0 { 99.0 } else { target });
            }
            for (at, (level, masked)) in
                half(&timesteps, 0, blocks).into_iter().zip(masked.chunks(block)).enumerate()
            {
                assert!((1.0..=10.0).contains(&level));
                levels[at].push(level);
                let (sum, number) = &mut shares[level as usize];
                (*sum, *number) = (*sum + masked.iter().sum::<f64>(), *number + block as f64);
            }
        }
        if count < 1000 {
            continue;
        }
        for (level, (sum, number)) in shares.into_iter().enumerate().skip(1) {
            // Stratified: every level equally often, but for rounding. Masked: four standard errors.
            assert!((number - 2400.0).abs() <= 16.0, "{number} at level {level}");
            let (share, expected) = (sum / number, level as f64 / 10.0);
            let error = 4.0 * (expected * (1.0 - expected) / number).sqrt();
            assert!((share - expected).abs() <= error, "{share} at level {level}");
        }
        for levels in levels {
            let mean = levels.iter().sum::<f64>() / count as f64;
            assert!((mean - 5.5).abs() < 4.0 * 2.9 / (count as f64).sqrt(), "{mean}");
        }
    }
}

#[test]
fn every_sequence_is_shifted() {
    for (count, length) in [(1, 1), (5, 33), (3, 257)] {
        let outputs = compare("shift_tokens", 0.0, 0.0, |bench, step| {
            let tokens = bench.words(count * length, 97);
            let shifted = bench.unwritten_words(count * length);
            shift::record(step, shift::Buffers { tokens, shifted }, length, 2);
            vec![tokens, shifted]
        });
        for (tokens, shifted) in outputs[0].chunks(length).zip(outputs[1].chunks(length)) {
            assert_eq!(shifted[0], 2.0);
            assert_eq!(shifted[1..], tokens[..length - 1]);
        }
    }
}

#[test]
fn masked_share_follows_the_schedule() {
    let outputs = compare("draw_batch", 0.0, 0.0, |bench, step| {
        let (count, length) = (500, 64);
        let alpha: Vec<f32> = (0..=10).map(|t| 1.0 - t as f32 / 10.0).collect();
        let io = draw_batch::Buffers {
            counter: bench.zeros(1),
            ..buffers(
                bench,
                &table(&independent(&alpha), &Vec::from_iter(0..=10)),
                count * length,
                count,
            )
        };
        let draw = draw_batch::Draw {
            first: 0,
            count,
            total: count,
            length,
            levels: 10,
            noise: MASK,
            stratified: true,
            story_starts: 0.0,
            complementary: 0.0,
            seed: 1,
        };
        draw_batch::record(step, io, &draw);
        vec![io.mask, io.timesteps]
    });
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // Stratified: every timestep equally often. Masked: 0.55 on average, four standard errors.
    assert_eq!(mean(&outputs[1]), 5.5);
    assert!((mean(&outputs[0]) - 0.55).abs() < 4.0 * 0.5 / 32_000f64.sqrt());
}

/// Spans of mean length 4: at each level the share of the schedule, at every position alike, and runs
/// as long as spans that may touch.
#[test]
fn spans_keep_the_masked_share() {
    let (count, length, span) = (2000, 64, 4.0);
    let alphas = [1.0, 0.9, 0.5, 0.1];
    let outputs = compare("draw_batch in spans", 0.0, 0.0, |bench, step| {
        let thresholds = alphas.iter().flat_map(|&alpha: &f64| {
            let begin = alpha * span / (1.0 - alpha + alpha * span);
            [alpha, begin, begin / span].map(|threshold| threshold as f32)
        });
        let io = draw_batch::Buffers {
            counter: bench.zeros(1),
            ..buffers(
                bench,
                &table(&thresholds.collect::<Vec<_>>(), &[0, 1, 2, 3]),
                count * length,
                count,
            )
        };
        let draw = draw_batch::Draw {
            first: 0,
            count,
            total: count,
            length,
            levels: 3,
            noise: MASK,
            stratified: false,
            story_starts: 0.0,
            complementary: 0.0,
            seed: 3,
        };
        draw_batch::record(step, io, &draw);
        vec![io.mask, io.timesteps]
    });
    for (level, &alpha) in alphas.iter().enumerate().skip(1) {
        let drawn = outputs[0].chunks(length).zip(&outputs[1]);
        let texts: Vec<_> = drawn.filter(|&(_, &t)| t == level as f64).map(|(m, _)| m).collect();
        let texts_count = texts.len() as f64;
        // Neighbours are alike: about `span` positions count as one, in four standard errors.
        let error = |samples: f64| 4.0 * (alpha * (1.0 - alpha) * 2.0 * span / samples).sqrt();
        let share = texts.iter().flat_map(|mask| mask.iter()).sum::<f64>();
        let share = share / texts_count / length as f64;
        assert!((share - (1.0 - alpha)).abs() < error(texts_count * length as f64), "{share}");
        for position in [0, 1, 7, length - 1] {
            let share = texts.iter().map(|mask| mask[position]).sum::<f64>() / texts_count;
            assert!((share - (1.0 - alpha)).abs() < error(texts_count), "{position}: {share}");
        }
        // A masked token is followed by a clean one where its span ends and no other begins.
        let begin = 1.0 - alpha * span / (1.0 - alpha + alpha * span);
        let pairs = || texts.iter().flat_map(|mask| mask.windows(2)).filter(|pair| pair[0] == 1.0);
        let ends = pairs().filter(|pair| pair[1] == 0.0).count() as f64 / pairs().count() as f64;
        let expected = (1.0 - begin) / span;
        let error = 4.0 * (expected / pairs().count() as f64).sqrt();
        assert!((ends - expected).abs() < error, "runs end with {ends}, expected {expected}");
    }
}

/// Weights by level, of the levels that `draw_batch` or `draw_blocks` drew: times name them here.
#[test]
fn weights_follow_the_levels_that_were_drawn() {
    for (count, length, block, levels, stratified) in [
        (1, 1, None, 1, false),
        (5, 33, None, 10, true),
        (40, 65, None, 7, false),
        (5, 33, Some(3), 10, true),
        (7, 20, Some(20), 4, true),
        (9, 16, Some(1), 7, false),
    ] {
        // Blocks stand there twice.
        let copies = if block.is_some() { 2 } else { 1 };
        let size = block.unwrap_or(length);
        let factors: Vec<f32> = (0..=levels).map(|level| 0.3 * level as f32).collect();
        let outputs = compare("loss_by_level", 0.0, 3e-7, |bench, step| {
            let rows = copies * count * length;
            let alpha: Vec<f32> = (0..=levels).map(|t| 1.0 - t as f32 / levels as f32).collect();
            let io = buffers(
                bench,
                &table(&independent(&alpha), &Vec::from_iter(0..=levels as u32)),
                rows,
                rows / size,
            );
            let draw = draw_batch::Draw {
                first: 0,
                count,
                total: count,
                length,
                levels,
                noise: MASK,
                stratified,
                story_starts: 0.0,
                complementary: 0.0,
                seed: 0x0123_4567_89ab_cdef,
            };
            match block {
                Some(block) => draw_blocks::record(step, io, &draw, block),
                None => draw_batch::record(step, io, &draw),
            }
            let (mask, counter) = (io.mask, io.counter);
            let (factors, weights) = (bench.given_floats(&factors), bench.unwritten(rows));
            let by_level = loss_by_level::Buffers { mask, counter, factors, weights };
            loss_by_level::record(step, by_level, &draw, size);
            vec![io.mask, io.timesteps, weights]
        });
        let [mask, levels, weights] = outputs.try_into().unwrap();
        for (n, (mask, weight)) in mask.iter().zip(weights).enumerate() {
            let factor = f64::from(factors[levels[n / size] as usize]);
            let expected = mask * factor / (count * length) as f64;
            assert!((weight - expected).abs() <= 1e-6 * expected, "{n}: {weight}, not {expected}");
        }
    }
}

/// Random tokens instead of `[MASK]`: each of them as often as any other, at the same places.
#[test]
fn noise_is_uniform() {
    let (count, length) = (200, 65);
    let noise = draw_batch::Noise { first: 3, count: 11 };
    let outputs = compare("draw_batch with random tokens", 0.0, 0.0, |bench, step| {
        let corpus = bench.words(1000, 14);
        let mut batch = |noise| {
            let io = draw_batch::Buffers {
                corpus,
                ..buffers(
                    bench,
                    &table(&independent(&[1.0, 0.5, 0.0]), &[0, 1, 2]),
                    count * length,
                    count,
                )
            };
            let draw = draw_batch::Draw {
                first: 0,
                count,
                total: count,
                length,
                levels: 2,
                noise,
                stratified: true,
                story_starts: 0.0,
                complementary: 0.0,
                seed: 5,
            };
            draw_batch::record(step, io, &draw);
            [io.ids, io.targets, io.mask]
        };
        [batch(noise), batch(MASK)].concat()
    });
    let [ids, targets, mask, masked, _, same_mask] = outputs.try_into().unwrap();
    assert_eq!(mask, same_mask);
    let mut found = [0.0; 11];
    for (n, &id) in ids.iter().enumerate() {
        if mask[n] == 1.0 {
            assert_eq!(masked[n], 2.0);
            found[id as usize - 3] += 1.0;
        } else {
            assert_eq!((id, masked[n]), (targets[n], targets[n]));
        }
    }
    let expected = found.iter().sum::<f64>() / 11.0;
    for count in found {
        assert!((count - expected).abs() < 4.5 * expected.sqrt(), "{found:?}");
    }
}

/// A share of the windows begins where stories do, in blocks as well.
#[test]
fn windows_begin_at_stories() {
    let (count, length, places) = (600, 16, [0, 40, 41, 984]);
    for (block, share) in [(None, 0.0), (None, 0.3), (Some(4), 0.3), (None, 1.0), (Some(4), 1.0)] {
        let copies = if block.is_some() { 2 } else { 1 };
        let outputs = compare("windows of stories", 0.0, 0.0, |bench, step| {
            let rows = copies * count * length;
            let io = draw_batch::Buffers {
                corpus: bench.given_words(&Vec::from_iter(0..1000)),
                starts: bench.given_words(&places),
                ..buffers(
                    bench,
                    &table(&independent(&[1.0, 0.5]), &[0, 1]),
                    rows,
                    block.map_or(count, |size| rows / size),
                )
            };
            let draw = draw_batch::Draw {
                first: 0,
                count,
                total: count,
                length,
                levels: 1,
                noise: MASK,
                stratified: false,
                story_starts: share,
                complementary: 0.0,
                seed: 8,
            };
            match block {
                Some(block) => draw_blocks::record(step, io, &draw, block),
                None => draw_batch::record(step, io, &draw),
            }
            vec![io.targets]
        });
        let begins = outputs[0].chunks(copies * length).map(|window| window[0]);
        let mut found = [0.0; 4];
        for begin in begins {
            if let Some(at) = places.iter().position(|&place| f64::from(place) == begin) {
                found[at] += 1.0;
            }
        }
        // Also by chance, one in 246. Four standard errors.
        let expected = count as f64 * (share + (1.0 - share) * 4.0 / 985.0);
        let total = found.iter().sum::<f64>();
        assert!((total - expected).abs() <= 4.0 * expected.sqrt(), "{found:?} at {share}");
        if share == 1.0 {
            assert_eq!(total, count as f64);
            assert!(found.iter().all(|&at| (at - 150.0).abs() < 50.0), "{found:?}");
        }
    }
}

/// A share of the pairs is one window twice, each token corrupted in one of the two.
#[test]
fn pairs_are_complementary() {
    let (first, count, length) = (4, 401, 33);
    for (share, noise) in
        [(0.0, MASK), (0.4, MASK), (1.0, MASK), (1.0, draw_batch::Noise { first: 3, count: 9 })]
    {
        let outputs = compare("complementary pairs", 0.0, 0.0, |bench, step| {
            let thresholds = [[1.0; 3], [0.7, 0.8, 0.3], [0.1; 3]].concat();
            let rows = count * length;
            let io = buffers(bench, &table(&thresholds, &[0, 1, 2]), rows, count);
            let draw = draw_batch::Draw {
                first,
                count,
                total: 500,
                length,
                levels: 2,
                noise,
                stratified: true,
                story_starts: 0.0,
                complementary: share,
                seed: 8,
            };
            draw_batch::record(step, io, &draw);
            vec![io.ids, io.targets, io.mask, io.timesteps]
        });
        let [ids, targets, mask, timesteps] = outputs.try_into().unwrap();
        let row = |all: &[f64], sequence: usize| all[sequence * length..][..length].to_vec();
        let mut pairs = 0.0;
        for (one, other) in (0..count / 2).map(|pair| (2 * pair, 2 * pair + 1)) {
            if timesteps[other] < 100.0 {
                continue;
            }
            pairs += 1.0;
            assert_eq!(timesteps[other], timesteps[one] + 100.0);
            assert_eq!(row(&targets, one), row(&targets, other));
            for (a, b) in row(&mask, one).into_iter().zip(row(&mask, other)) {
                assert_eq!(a + b, 1.0);
            }
        }
        let expected = share * (count / 2) as f64;
        let error = 4.0 * (expected * (1.0 - share)).sqrt();
        assert!((pairs - expected).abs() <= error, "{pairs} pairs at {share}");
        assert!(timesteps.iter().step_by(2).all(|&time| time < 100.0), "first ones are themselves");
        let noisy = ids.iter().zip(&targets).zip(&mask).filter(|(_, m)| **m == 1.0);
        for ((&id, _), _) in noisy {
            assert!(noise.contains(id as u32), "{id}");
        }
    }
}
