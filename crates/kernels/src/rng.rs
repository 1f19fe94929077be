//! The counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
//! 1, 2, 3", SC 2011). Its twin is `shaders/common/rng.wgsl`.
//!
//! A draw is a pure function of seed and counter. Counters are `[index, kind, step, stream]`:
//! which element, which kind of draw within a step, which step, and the [`Stream`] that keeps apart
//! what shares a seed.

/// What random words are drawn for: the last word of a counter. Every stream of the project is
/// here, so that no two are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Batches of a training step: windows, timesteps, masks.
    Training = 0,
    /// Weights of a new network.
    Weights = 0x696e_6974,
    /// Tokens of a denoising pass.
    Tokens = 0x7361_6d70,
    /// Noise in the order in which a denoising pass keeps tokens.
    Order = 0x6f72_6472,
    /// Decisions of a denoising pass: what is revealed, what is masked again.
    Chance = 0x6368_6e63,
    /// Random tokens that a text of uniform diffusion begins with.
    Noise = 0x6e6f_6973,
    /// Times of the likelihood bound.
    BoundTimes = 0x7469_6d65,
    /// Masks of evaluated texts.
    Corruption = 0x6576_616c,
    /// Elements that dropout leaves out in a training step.
    Dropout = 0x6472_6f70,
    /// Order of the windows of a corpus.
    Windows = 0x7769_6e64,
}

/// Philox4x32-10 under one seed.
#[derive(Clone, Copy, Debug)]
pub struct Philox {
    key: [u32; 2],
}

impl Philox {
    /// The generator of a seed; its low word is the first word of the key.
    pub const fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32] }
    }

    /// The four random words of a stream at `[index, kind, step]`.
    pub fn of(&self, stream: Stream, [index, kind, step]: [u32; 3]) -> [u32; 4] {
        self.draw([index, kind, step, stream as u32])
    }

    /// The four random words at a counter.
    pub fn draw(&self, counter: [u32; 4]) -> [u32; 4] {
        let [mut k0, mut k1] = self.key;
        let [mut c0, mut c1, mut c2, mut c3] = counter;
        for _ in 0..10 {
            let p0 = u64::from(c0) * 0xd251_1f53;
            let p1 = u64::from(c2) * 0xcd9e_8d57;
            (c0, c1, c2, c3) =
                ((p1 >> 32) as u32 ^ c1 ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c3 ^ k1, p0 as u32);
            k0 = k0.wrapping_add(0x9e37_79b9);
            k1 = k1.wrapping_add(0xbb67_ae85);
        }
        [c0, c1, c2, c3]
    }
}

/// The random numbers of the positions in a denoising pass. Twin of `shaders/common/draw.wgsl`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    /// Words of the seed, the low one first.
    pub(crate) seed: [u32; 2],
    /// Positions of a sample.
    pub(crate) length: u32,
    /// Number of the first sample of the batch.
    pub(crate) first_sample: u32,
    /// Number of the pass.
    pub(crate) pass: u32,
}

impl Draws {
    /// The number of position `n` of the batch, in (0, 1).
    pub(crate) fn of(&self, stream: Stream, n: u32) -> f32 {
        let Self { seed, length, first_sample, pass } = *self;
        let counter = [n % length, first_sample + n / length, pass];
        unit(Philox { key: seed }.of(stream, counter)[0])
    }
}

/// A number in the open interval (0, 1) from the upper 23 bits of a word; exact in f32.
pub fn unit(word: u32) -> f32 {
    ((word >> 9) as f32 + 0.5) * f32::from_bits(0x3400_0000)
}

/// A number in `0..bound` from a word, by multiplication (Lemire, arXiv 1805.10941, without the
/// rejection: the bias is below `bound` / 2³²).
pub fn below(word: u32, bound: u32) -> u32 {
    ((u64::from(word) * u64::from(bound)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers published with the Random123 library.
    #[test]
    fn known_answers() {
        let zero = Philox::new(0).draw([0; 4]);
        assert_eq!(zero, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = Philox::new(u64::MAX).draw([u32::MAX; 4]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = Philox::new(0x299f_31d0_a409_3822).draw([
            0x243f_6a88,
            0x85a3_08d3,
            0x1319_8a2e,
            0x0370_7344,
        ]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn units_are_inside_the_open_interval() {
        assert_eq!(unit(0), 0.5 * 2f32.powi(-23));
        assert_eq!(unit(u32::MAX), 1.0 - 0.5 * 2f32.powi(-23));
        assert_eq!(below(u32::MAX, 7), 6);
        assert_eq!(below(0, 7), 0);
    }
}
