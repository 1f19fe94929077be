//! Random numbers that are the same in every run with one seed.

/// Lehmer's generator.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        // Neighbouring seeds begin far apart; 0 would stay 0.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 0x7fff_fffe + 1)
    }

    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        self.0 as usize % limit
    }

    /// One of `items`.
    pub(super) fn one<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
