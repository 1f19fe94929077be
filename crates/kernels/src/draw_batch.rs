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
    /// Share of the sequences that begin at one of [`Buffers::starts`] instead of anywhere.
    pub story_starts: f64,
    /// Share of the pairs of sequences in which the second is the first once more, corrupted at all the
    /// other positions. `draw_blocks` has no such pairs.
    pub complementary: f64,
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

/// A noise level, as a draw knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// What decides which tokens are masked: at the first position, at one whose neighbour before is
    /// clean, and at one whose neighbour is masked.
    pub thresholds: [f32; 3],
    /// Timestep that the network is told.
    pub time: u32,
    /// The same where all the other tokens are masked instead.
    pub opposite_time: u32,
}

/// Words of a [`Level`] in [`Buffers::levels`].
pub const LEVEL: usize = 5;

/// The contents of [`Buffers::levels`]; the first is level 0, which is not drawn.
pub fn table(levels: &[Level]) -> Vec<u32> {
    let words = |level: &Level| {
        let [first, begin, end] = level.thresholds.map(f32::to_bits);
        [first, begin, end, level.time, level.opposite_time]
    };
    levels.iter().flat_map(words).collect()
}

params! {
    struct Params {
        first: u32,
        count: u32,
        total: u32,
        length: u32,
        corpus_length: u32,
        levels: u32,
        noise_first: u32,
        noise_count: u32,
        stratified: u32,
        starts: u32,
        story_starts: f32,
        complementary: f32,
        seed_low: u32,
        seed_high: u32,
    }
}

buffers! {
    /// Buffers of a draw, for N positions.
    pub struct Buffers {
        /// Tokens of the corpus, at least those of a sequence.
        corpus: words,
        /// Number of the step, `(1)`.
        counter: words,
        /// Noise levels from 0 on, `(levels + 1, LEVEL)`, see [`table`].
        levels: words,
        /// Places in the corpus where stories begin, at least one; a sequence fits behind each.
        starts: words,
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

/// Records the draw of the batch that belongs to the counter's step.
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
            corpus_length: io.corpus.len as u32,
            levels: draw.levels as u32,
            noise_first: draw.noise.first,
            noise_count: draw.noise.count,
            stratified: u32::from(draw.stratified),
            starts: io.starts.len as u32,
            story_starts: draw.story_starts as f32,
            complementary: draw.complementary as f32,
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

/// Place of the first token of a sequence, from its random words: one of so many `sequences`, or with
/// probability `share` one of `starts`.
pub(crate) fn start(words: [u32; 4], sequences: u32, share: f32, starts: &[u32]) -> u32 {
    match rng::unit(words[3]) < share {
        true => starts[rng::below(words[0], starts.len() as u32) as usize],
        false => rng::below(words[0], sequences),
    }
}

/// Which of `total blocks` strata a block of sequence `b` belongs to, turned by the sequence's random
/// word. Twin of `shaders/common/level.wgsl`.
pub(crate) fn stratum(turn: u32, b: u32, block: u32, blocks: u32) -> u32 {
    b * blocks + (block + rng::below(turn, blocks)) % blocks
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [corpus, counter, levels, starts, ids, targets, mask, timesteps] = buffers;
    let (corpus, step) = (corpus.words(), counter.words()[0]);
    let (levels, starts) = (levels.words(), starts.words());
    let (ids, targets, mask) = (ids.words_mut(), targets.words_mut(), mask.words_mut());
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    for (sequence, timestep) in (0..).zip(timesteps.words_mut()) {
        let number = params.first + sequence;
        let opposite = number % 2 == 1 && {
            let [word, ..] = generator.of(Stream::Training, [number - 1, 2, step]);
            rng::unit(word) < params.complementary
        };
        let b = if opposite { number - 1 } else { number };
        let words = generator.of(Stream::Training, [b, 0, step]);
        let sequences = params.corpus_length - params.length + 1;
        let start = start(words, sequences, params.story_starts, starts);
        let level = level(words[1], b, params.total, params.levels, params.stratified == 1);
        let level = &levels[LEVEL * level as usize..][..LEVEL];
        *timestep = level[if opposite { 4 } else { 3 }];
        let threshold = |which: usize| E::from_f64(f32::from_bits(level[which]).into());
        let thresholds: [E; 3] = std::array::from_fn(threshold);
        let noise = Noise { first: params.noise_first, count: params.noise_count };
        let mut masked = false;
        for position in 0..params.length {
            let [word, replacement, ..] =
                generator.of(Stream::Training, [b * params.length + position, 1, step]);
            let token = corpus[(start + position) as usize];
            let u = E::from_f64(rng::unit(word).into());
            masked = match position {
                0 => u > thresholds[0],
                _ => u > thresholds[1] || (masked && u > thresholds[2]),
            };
            let n = (sequence * params.length + position) as usize;
            let corrupted = masked != opposite;
            ids[n] = if corrupted { noise.of(replacement) } else { token };
            targets[n] = token;
            mask[n] = u32::from(corrupted);
        }
    }
}
