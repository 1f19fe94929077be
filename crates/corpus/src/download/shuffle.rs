//! Shuffling a stream through a bounded buffer.

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`. The high half of a product: off from uniform by `bound / 2^64`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Fisher and Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A shuffle buffer: for each new item, returns a random one of those it holds.
#[derive(Debug)]
pub(super) struct ShuffleBuffer<T> {
    held: Vec<T>,
    size: usize,
}

impl<T> ShuffleBuffer<T> {
    /// A buffer of `size` items.
    pub(super) fn new(size: usize) -> Self {
        Self { held: Vec::new(), size }
    }

    /// Adds an item; once full, returns a random one.
    pub(super) fn push(&mut self, item: T, random: &mut Random) -> Option<T> {
        if self.held.len() < self.size {
            self.held.push(item);
            return None;
        }
        if self.held.is_empty() {
            Some(item)
        } else {
            let place = random.below(self.held.len());
            Some(std::mem::replace(&mut self.held[place], item))
        }
    }

    /// Returns a random one of the remaining items.
    pub(super) fn pop(&mut self, random: &mut Random) -> Option<T> {
        match self.held.len() {
            0 => None,
            held => Some(self.held.swap_remove(random.below(held))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(count: usize, size: usize, seed: u64) -> Vec<usize> {
        let (mut random, mut buffer) = (Random::new(seed), ShuffleBuffer::new(size));
        let mut out: Vec<_> = (0..count).filter_map(|i| buffer.push(i, &mut random)).collect();
        out.extend(std::iter::from_fn(|| buffer.pop(&mut random)));
        out
    }

    #[test]
    fn every_item_comes_out_once_in_an_order_of_the_seed() {
        let order: Vec<_> = (0..1000).collect();
        let first = shuffled(1000, 100, 1);
        assert_eq!(first, shuffled(1000, 100, 1));
        assert_ne!(first, shuffled(1000, 100, 2));
        assert_ne!(first, order);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, order);
        assert_eq!(shuffled(1000, 0, 1), order);
    }

    #[test]
    fn an_item_comes_early_by_at_most_the_buffer() {
        for (place, item) in shuffled(1000, 50, 3).into_iter().enumerate() {
            assert!(item <= place + 50);
        }
    }

    #[test]
    fn small_numbers_are_uniform() {
        let mut random = Random::new(7);
        let mut counts = [0u32; 5];
        (0..50_000).for_each(|_| counts[random.below(5)] += 1);
        // Five standard deviations of a binomial: sqrt(50,000 * 0.2 * 0.8) = 89.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 450), "{counts:?}");
    }
}
