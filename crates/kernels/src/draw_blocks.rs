//! Batches of block diffusion, drawn on the device.

use device::{Args, Kernel, Launch, Real, Recording, params};

use crate::draw_batch::{Buffers, Draw, LEVEL, MAX_LEVELS, MAX_SEQUENCES, level, start, stratum};
use crate::grid;
use crate::imports::kernel;
use crate::rng::{self, Philox, Stream};

params! {
    struct Params {
        first: u32,
        count: u32,
        total: u32,
        length: u32,
        block: u32,
        corpus_length: u32,
        levels: u32,
        mask_id: u32,
        stratified: u32,
        starts: u32,
        story_starts: f32,
        seed_low: u32,
        seed_high: u32,
    }
}

/// `shaders/draw_blocks.wgsl`
pub static KERNEL: Kernel = kernel!("draw_blocks", Params, Buffers, twin);

/// Records the draw of the batch that belongs to the counter's step: windows of `length` tokens as
/// `[noisy ; clean]`, with a noise level for every `block` positions. `ids`, `targets` and `mask` are
/// `(count, 2, length)`, `timesteps` are `(count, 2, length / block)`; in the clean half nothing is
/// masked, and its times are 0.
///
/// # Panics
/// When the blocks do not divide a sequence, or there are more levels or blocks than can be drawn.
pub fn record(step: &mut Recording, io: Buffers, draw: &Draw, block: usize) {
    assert!(draw.length.is_multiple_of(block), "blocks of {block} in {} tokens", draw.length);
    let blocks = draw.total * draw.length / block;
    assert!(draw.levels <= MAX_LEVELS, "{} noise levels", draw.levels);
    assert!(blocks <= MAX_SEQUENCES, "{blocks} blocks");
    step.push(Launch::new(
        &KERNEL,
        &Params {
            first: draw.first as u32,
            count: draw.count as u32,
            total: draw.total as u32,
            length: draw.length as u32,
            block: block as u32,
            corpus_length: io.corpus.len as u32,
            levels: draw.levels as u32,
            mask_id: draw.noise.first,
            stratified: u32::from(draw.stratified),
            starts: io.starts.len as u32,
            story_starts: draw.story_starts as f32,
            seed_low: draw.seed as u32,
            seed_high: (draw.seed >> 32) as u32,
        },
        io,
        grid::elements(draw.count * draw.length),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [corpus, counter, table, starts, ids, targets, mask, timesteps] = buffers;
    let (corpus, step) = (corpus.words(), counter.words()[0]);
    let (table, starts) = (table.words(), starts.words());
    let Params { length, block, .. } = params;
    let (blocks, size) = (length / block, length as usize);
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    let rows = ids.words_mut().chunks_exact_mut(2 * size);
    let rows = rows.zip(targets.words_mut().chunks_exact_mut(2 * size));
    let rows = rows.zip(mask.words_mut().chunks_exact_mut(2 * size));
    let rows = rows.zip(timesteps.words_mut().chunks_exact_mut(2 * blocks as usize));
    for (b, (((ids, targets), mask), timesteps)) in (params.first..).zip(rows) {
        let words = generator.of(Stream::Training, [b, 0, step]);
        let start = start(words, params.corpus_length - length + 1, params.story_starts, starts);
        let window = &corpus[start as usize..][..size];
        let levels: Vec<usize> = (0..blocks)
            .map(|block| {
                let stratum = stratum(words[2], b, block, blocks);
                let [_, word, ..] = generator.of(Stream::Training, [stratum, 0, step]);
                let (strata, stratified) = (params.total * blocks, params.stratified == 1);
                level(word, stratum, strata, params.levels, stratified) as usize
            })
            .collect();
        for (position, &token) in window.iter().enumerate() {
            let index = b * length + position as u32;
            let [word, ..] = generator.of(Stream::Training, [index, 1, step]);
            let threshold = f32::from_bits(table[LEVEL * levels[position / block as usize]]);
            let masked = rng::unit(word) > threshold;
            ids[position] = if masked { params.mask_id } else { token };
            mask[position] = u32::from(masked);
        }
        ids[size..].copy_from_slice(window);
        targets[..size].copy_from_slice(window);
        targets[size..].copy_from_slice(window);
        mask[size..].fill(0);
        let (noisy, clean) = timesteps.split_at_mut(levels.len());
        noisy.iter_mut().zip(&levels).for_each(|(time, &level)| *time = table[LEVEL * level + 3]);
        clean.fill(0);
    }
}
