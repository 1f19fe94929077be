//! Which keys a query sees. `shaders/common/attention.wgsl` says the same to the shaders.

use std::ops::Range;

/// Which keys a query sees. Keys have the positions 0, 1, ...; the first query has the position
/// `query_offset` of its [`Shape`](super::Shape).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Every key.
    Full,
    /// Keys up to the query's own position.
    Causal,
    /// Keys up to the end of the query's own block of that many positions.
    Blocks(usize),
    /// Training of block diffusion with blocks of that many positions (BD3-LM, arXiv 2503.09573). A
    /// sequence is `[noisy ; clean]`, two halves of the same positions. A noisy query sees the
    /// noisy keys of its own block and the clean keys of earlier blocks; a clean query sees clean
    /// keys up to the end of its own block.
    BlockDiffusion(usize),
}

/// `FULL`, `BLOCKS` and `BLOCK_DIFFUSION` of the shader.
const FULL: u32 = 0;
const BLOCKS: u32 = 1;
const BLOCK_DIFFUSION: u32 = 2;

impl Mask {
    /// The shader's `MASK`, and positions of a block.
    pub(super) fn kind(self) -> (u32, usize) {
        match self {
            Self::Full => (FULL, 1),
            Self::Causal => (BLOCKS, 1),
            Self::Blocks(block) => (BLOCKS, block),
            Self::BlockDiffusion(block) => (BLOCK_DIFFUSION, block),
        }
    }
}

/// A mask over the queries and keys of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visibility {
    pub(super) mask: u32,
    pub(super) block: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) query_offset: usize,
}

impl Visibility {
    pub(super) fn is_full(self) -> bool {
        self.mask == FULL
    }

    /// Parts of a sequence; a query sees one range of keys in each.
    fn parts(self) -> std::ops::RangeInclusive<u32> {
        0..=u32::from(self.mask == BLOCK_DIFFUSION)
    }

    /// The block of a position in one half of a block diffusion's sequence.
    fn block_in_half(self, position: usize) -> Range<usize> {
        let half = self.keys / 2;
        let start = position % half / self.block * self.block;
        start..(start + self.block).min(half)
    }

    /// The keys of a part that a query sees.
    fn keys_of(self, query: usize, part: u32) -> Range<usize> {
        let position = self.query_offset + query;
        let half = self.keys / 2;
        match (self.mask, part) {
            (FULL, _) => 0..self.keys,
            (BLOCKS, _) => 0..((position / self.block + 1) * self.block).min(self.keys),
            (_, 0) if position < half => self.block_in_half(position),
            (_, 0) => half..half,
            _ if position < half => half..half + self.block_in_half(position).start,
            _ => half..half + self.block_in_half(position).end,
        }
    }

    /// The queries of a part that see a key.
    fn queries_of(self, key: usize, part: u32) -> Range<usize> {
        let half = self.keys / 2;
        match (self.mask, part) {
            (FULL, _) => 0..self.queries,
            (BLOCKS, _) => {
                let first = (key / self.block * self.block).saturating_sub(self.query_offset);
                first.min(self.queries)..self.queries
            }
            (_, 0) if key < half => self.block_in_half(key),
            (_, 0) => self.block_in_half(key).end..half,
            _ if key < half => half..half,
            _ => half + self.block_in_half(key).start..2 * half,
        }
    }

    /// Calls `hide` with the ranges of `keys` that a query does not see; some may be empty.
    pub(super) fn each_hidden(
        self,
        query: usize,
        keys: Range<usize>,
        mut hide: impl FnMut(Range<usize>),
    ) {
        let mut next = keys.start;
        for part in self.parts() {
            let seen = self.keys_of(query, part);
            if !seen.is_empty() {
                let start = seen.start.clamp(next, keys.end);
                hide(next..start);
                next = seen.end.clamp(start, keys.end);
            }
        }
        hide(next..keys.end);
    }

    /// Ranges of keys outside of which no query of a run sees any; without empty ones.
    pub(super) fn keys_of_run(self, run: Range<usize>) -> Vec<Range<usize>> {
        self.ranges(run, Self::keys_of)
    }

    /// Ranges of queries outside of which none sees any key of a run; without empty ones.
    pub(super) fn queries_of_run(self, run: Range<usize>) -> Vec<Range<usize>> {
        self.ranges(run, Self::queries_of)
    }

    fn ranges(
        self,
        run: Range<usize>,
        of: impl Fn(Self, usize, u32) -> Range<usize>,
    ) -> Vec<Range<usize>> {
        let hull = |part| {
            let ranges = run.clone().map(|row| of(self, row, part));
            let ranges = ranges.filter(|range| !range.is_empty());
            ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
        };
        self.parts().filter_map(hull).collect()
    }

    /// How many pairs of a query and a key that it sees there are.
    pub(super) fn pairs(self) -> usize {
        let visible =
            |query| self.parts().map(|part| self.keys_of(query, part).len()).sum::<usize>();
        (0..self.queries).map(visible).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of each mask, of one query and one key.
    fn defined(mask: Mask, [query, key]: [usize; 2], half: usize) -> bool {
        match mask {
            Mask::Full => true,
            Mask::Causal => key <= query,
            Mask::Blocks(b) => key / b <= query / b,
            Mask::BlockDiffusion(b) => {
                let [q, k] = [query, key].map(|position| position % half / b);
                match (query < half, key < half) {
                    (true, true) => q == k,
                    (true, false) => q > k,
                    (false, true) => false,
                    (false, false) => q >= k,
                }
            }
        }
    }

    fn visibility(mask: Mask, queries: usize, keys: usize, query_offset: usize) -> Visibility {
        let (mask, block) = mask.kind();
        Visibility { mask, block, queries, keys, query_offset }
    }

    #[test]
    fn ranges_are_the_definition() {
        let masks = [Mask::Full, Mask::Causal, Mask::Blocks(3), Mask::Blocks(16)];
        let mut cases = Vec::new();
        for mask in masks {
            cases.extend([(mask, 1, 33, 32), (mask, 7, 33, 5), (mask, 65, 130, 61)]);
        }
        for block in [1, 3, 16, 65] {
            cases.extend([(Mask::BlockDiffusion(block), 130, 130, 0)]);
            cases.extend([(Mask::BlockDiffusion(block), 65, 130, 0)]);
        }
        for (mask, queries, keys, offset) in cases {
            let visibility = visibility(mask, queries, keys, offset);
            let mut pairs = 0;
            for (query, key) in (0..queries).flat_map(|q| (0..keys).map(move |k| (q, k))) {
                let expected = defined(mask, [offset + query, key], keys / 2);
                let what = format!("{mask:?}: query {query} of {queries} at {offset}, key {key}");
                let found = visibility.parts().any(|p| visibility.keys_of(query, p).contains(&key));
                assert_eq!(found, expected, "{what}");
                // Of a part of the keys around this one.
                let mut hidden = false;
                visibility.each_hidden(query, key / 2..key + 1, |range| {
                    assert!(range.end <= key + 1 && range.start >= key / 2, "{what}");
                    hidden |= range.contains(&key);
                });
                assert_eq!(hidden, !expected, "{what}, as what is hidden");
                let seen =
                    visibility.parts().any(|p| visibility.queries_of(key, p).contains(&query));
                assert_eq!(seen, expected, "{what}, from the key's side");
                pairs += usize::from(expected);
            }
            assert_eq!(visibility.pairs(), pairs, "{mask:?}");
        }
    }

    #[test]
    fn every_query_sees_a_key() {
        for mask in [Mask::Full, Mask::Causal, Mask::Blocks(3), Mask::BlockDiffusion(3)] {
            let visibility = visibility(mask, 22, 22, 0);
            assert!(
                (0..22).all(|query| {
                    visibility.parts().any(|part| !visibility.keys_of(query, part).is_empty())
                }),
                "{mask:?}"
            );
        }
    }
}
