//! Batches that are drawn on the device: CPU device and GPU against the f64 oracle.

mod harness;

use harness::{compare, same};
use kernels::draw_batch;

#[test]
fn batches_are_the_same_everywhere() {
    for (first, count, total, length, stratified) in
        [(0, 1, 1, 1, false), (0, 5, 5, 33, false), (3, 4, 9, 17, true)]
    {
        let outputs = compare("draw_batch", 0.0, 0.0, |bench, step| {
            let alpha: Vec<f32> = (0..=10).map(|t| 1.0 - t as f32 / 10.0).collect();
            // Whatever a level means, the network is told what stands in the table.
            let times: Vec<u32> = (0..=10).map(|level| 1 + level / 2).collect();
            let rows = count * length;
            let io = draw_batch::Buffers {
                corpus: bench.words(1000, 97),
                counter: bench.given_words(&[12]),
                alpha: bench.given_floats(&alpha),
                times: bench.given_words(&times),
                ids: bench.unwritten_words(rows),
                targets: bench.unwritten_words(rows),
                mask: bench.unwritten_words(rows),
                timesteps: bench.unwritten_words(count),
            };
            let draw = draw_batch::Draw {
                corpus_length: 1000,
                page: 0,
                first,
                count,
                total,
                length,
                levels: 10,
                mask_id: 2,
                stratified,
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

/// Each page holds the sequences that begin in it; which page a sequence comes from changes nothing.
#[test]
fn batches_from_pages_of_a_corpus() {
    let (count, length, tokens) = (40, 17, 300);
    let corpus: Vec<u32> = (0..tokens as u32).map(|n| n * n % 97).collect();
    for starts in [284, 283, 100, 17] {
        same("draw_batch from pages", |bench, step| {
            let alpha = bench.given_floats(&[1.0, 0.6, 0.3, 0.0]);
            let times = bench.given_words(&[0, 2, 3, 5]);
            let mut batch = |pages: &[(usize, &[u32])]| {
                let rows = count * length;
                let mut words = |len| bench.unwritten_words(len);
                let (ids, targets, mask) = (words(rows), words(rows), words(rows));
                let timesteps = words(count);
                for &(page, tokens) in pages {
                    let (corpus, counter) = (bench.given_words(tokens), bench.given_words(&[9]));
                    let io = draw_batch::Buffers {
                        corpus,
                        counter,
                        alpha,
                        times,
                        ids,
                        targets,
                        mask,
                        timesteps,
                    };
                    let draw = draw_batch::Draw {
                        corpus_length: 300,
                        page,
                        first: 0,
                        count,
                        total: count,
                        length,
                        levels: 3,
                        mask_id: 2,
                        stratified: false,
                        seed: 11,
                    };
                    draw_batch::record(step, io, &draw);
                }
                vec![ids, targets, mask, timesteps]
            };
            let pages = (0..tokens - length + 1)
                .step_by(starts)
                .map(|page| (page, &corpus[page..(page + starts + length - 1).min(tokens)]));
            let pages: Vec<_> = pages.collect();
            [batch(&[(0, &corpus)]), batch(&pages)]
        });
    }
}

#[test]
fn masked_share_follows_the_schedule() {
    let outputs = compare("draw_batch", 0.0, 0.0, |bench, step| {
        let (count, length) = (500, 64);
        let alpha: Vec<f32> = (0..=10).map(|t| 1.0 - t as f32 / 10.0).collect();
        let io = draw_batch::Buffers {
            corpus: bench.words(1000, 97),
            counter: bench.zeros(1),
            alpha: bench.given_floats(&alpha),
            times: bench.given_words(&Vec::from_iter(0..=10)),
            ids: bench.unwritten_words(count * length),
            targets: bench.unwritten_words(count * length),
            mask: bench.unwritten_words(count * length),
            timesteps: bench.unwritten_words(count),
        };
        let draw = draw_batch::Draw {
            corpus_length: 1000,
            page: 0,
            first: 0,
            count,
            total: count,
            length,
            levels: 10,
            mask_id: 2,
            stratified: true,
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
