//! Batches of a training step, drawn on the device.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::rng::{self, Philox, Stream};

/// Most noise levels: stratified draws multiply their number with 16 bits.
pub const MAX_LEVELS: usize = 65_535;

/// Most sequences of a batch: stratified draws shift their number by 16 bits.
pub const MAX_SEQUENCES: usize = 65_535;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Tokens of the whole corpus, at least `length`.
    pub corpus_length: usize,
    /// Place of [`Buffers::corpus`] in the whole corpus. Sequences that do not lie in it are left
    /// as they are, and those of the other pages are drawn by other launches.
    pub page: usize,
    /// First sequence of the batch that is drawn here.
    pub first: usize,
    /// Sequences that are drawn here.
    pub count: usize,
    /// Sequences of the whole batch, at most [`MAX_SEQUENCES`].
    pub total: usize,
    /// Tokens of a sequence.
    pub length: usize,
    /// Noise levels of which each is as likely as any other; at most [`MAX_LEVELS`].
    pub levels: usize,
    /// What a corrupted token becomes.
    pub noise: Noise,
    /// Whether the levels of a batch are spread evenly, which lowers the variance of the loss.
    pub stratified: bool,
    /// Seed of every draw.
    pub seed: u64,
}

/// What a corrupted token becomes: any of these, each as likely as any other. `[MASK]` alone for
/// masked diffusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Id of the first.
    pub first: u32,
    /// How many there are, at least 1.
    pub count: u32,
}

impl Noise {
    /// The token that a random word stands for.
    pub fn of(self, word: u32) -> u32 {
        self.first + rng::below(word, self.count)
    }

    /// Whether a token is one of these.
    pub fn contains(self, id: u32) -> bool {
        (self.first..self.first + self.count).contains(&id)
    }
}

params! {
    struct Params {
        first: u32,
        count: u32,
        total: u32,
        length: u32,
        corpus_length: u32,
        page: u32,
        page_length: u32,
        levels: u32,
        noise_first: u32,
        noise_count: u32,
        stratified: u32,
        seed_low: u32,
        seed_high: u32,
    }
}

buffers! {
    /// Buffers of a draw, for N positions.
    pub struct Buffers {
        /// Tokens of the corpus, or of a page of it.
        corpus: words,
        /// Number of the step, `(1)`.
        counter: words,
        /// What decides at each level, from 0, which tokens are masked, `(levels + 1, 3)`.
        thresholds: floats,
        /// Timestep that the network is told at each level, `(levels + 1)`.
        times: words,
        /// Written: noisy tokens, `(N)`.
        ids: words_mut,
        /// Written: clean tokens, `(N)`.
        targets: words_mut,
        /// Written: 1 where corrupted, `(N)`.
        mask: words_mut,
        /// Written: `(count)`.
        timesteps: words_mut,
    }
}

/// `shaders/draw_batch.wgsl`
pub static KERNEL: Kernel = kernel!("draw_batch", Params, Buffers, twin);

/// Records the draw of the batch that belongs to the counter's step: of the sequences that lie in
/// the given page of the corpus.
///
/// # Panics
/// When there are more levels or sequences than can be drawn.
pub fn record(step: &mut Recording, io: Buffers, draw: &Draw) {
    assert!(draw.levels <= MAX_LEVELS, "{} noise levels", draw.levels);
    assert!(draw.total <= MAX_SEQUENCES, "{} sequences", draw.total);
    step.push(Launch::new(
        &KERNEL,
        &Params {
            first: draw.first as u32,
            count: draw.count as u32,
            total: draw.total as u32,
            length: draw.length as u32,
            corpus_length: draw.corpus_length as u32,
            page: draw.page as u32,
            page_length: io.corpus.len as u32,
            levels: draw.levels as u32,
            noise_first: draw.noise.first,
            noise_count: draw.noise.count,
            stratified: u32::from(draw.stratified),
            seed_low: draw.seed as u32,
            seed_high: (draw.seed >> 32) as u32,
        },
        io,
        grid::elements(draw.count * draw.length),
    ));
}

/// Noise level, from 1, of sequence `b` of a batch of `total`, from its random word. Twin of
/// `shaders/common/level.wgsl`.
pub(crate) fn level(word: u32, b: u32, total: u32, levels: u32, stratified: bool) -> u32 {
    match stratified {
        true => 1 + ((((b << 16) + (word >> 16)) / total * levels) >> 16),
        false => 1 + rng::below(word, levels),
    }
}

/// Which of `total blocks` strata a block of sequence `b` belongs to, turned by the sequence's random
/// word. Twin of `shaders/common/level.wgsl`.
pub(crate) fn stratum(turn: u32, b: u32, block: u32, blocks: u32) -> u32 {
    b * blocks + (block + rng::below(turn, blocks)) % blocks
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [corpus, counter, thresholds, times, ids, targets, mask, timesteps] = buffers;
    let (corpus, step) = (corpus.words(), counter.words()[0]);
    let (thresholds, times) = (thresholds.floats(), times.words());
    let (ids, targets, mask) = (ids.words_mut(), targets.words_mut(), mask.words_mut());
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    for (sequence, timestep) in (0..).zip(timesteps.words_mut()) {
        let b = params.first + sequence;
        let [first, second, ..] = generator.of(Stream::Training, [b, 0, step]);
        let start = rng::below(first, params.corpus_length - params.length + 1);
        let end = start + params.length;
        if start < params.page || end > params.page + params.page_length {
            continue;
        }
        let level = level(second, b, params.total, params.levels, params.stratified == 1);
        *timestep = times[level as usize];
        let thresholds = &thresholds[3 * level as usize..][..3];
        let noise = Noise { first: params.noise_first, count: params.noise_count };
        let mut masked = false;
        for position in 0..params.length {
            let [word, replacement, ..] =
                generator.of(Stream::Training, [b * params.length + position, 1, step]);
            let token = corpus[(start - params.page + position) as usize];
            let u = E::from_f64(rng::unit(word).into());
            masked = match position {
                0 => u > thresholds[0],
                _ => u > thresholds[1] || (masked && u > thresholds[2]),
            };
            let n = (sequence * params.length + position) as usize;
            ids[n] = if masked { noise.of(replacement) } else { token };
            targets[n] = token;
            mask[n] = u32::from(masked);
        }
    }
}
