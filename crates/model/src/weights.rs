//! The tensors of the network, declared once, by [`Config::declare`]: shapes, weights, gradients,
//! optimizer moments, what is drawn how, and the names in a checkpoint all follow from it.

use std::ops::Range;

use device::ALIGNMENT;
use kernels::gate::GATE_CHANNELS;

use crate::Config;

/// The parameters of one block. Row-major `[out, in]`; a linear layer is `y = x Wᵀ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<T> {
    /// Query, key and value projections, one below the other: `[3C, C]`.
    pub qkv: T,
    /// Projection of the heads back to the residual stream: `[C, C]`.
    pub attn_proj: T,
    /// First matrix of the MLP: `[4C, C]`.
    pub fc: T,
    /// Second matrix of the MLP: `[C, 4C]`.
    pub mlp_proj: T,
    /// Weight of the skip that ends before this block: `[1, 1]`.
    pub skip: Option<T>,
    /// Weights of residual stream and embedding before this block: `[1, 2]`.
    pub shortcut: Option<T>,
    /// Weight of the first block's values: `[1, 1]`.
    pub value_mix: Option<T>,
    /// Gates of the heads: `[H, 12]`.
    pub gate: Option<T>,
}

/// One thing per tensor of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights<T> {
    /// Token embedding: `[V, C]`.
    pub token_emb: T,
    /// Timestep embedding, unless the network has none: `[T + 1, C]`.
    pub timestep_emb: Option<T>,
    /// The blocks, in order.
    pub blocks: Vec<Block<T>>,
    /// Output layer, not tied to the token embedding: `[V, C]`.
    pub lm_head: T,
}

/// What a tensor is for, as far as drawing and optimizing it depend on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One row per token or timestep.
    Embedding,
    /// A block's matrix that reads the residual stream.
    Hidden,
    /// A block's matrix that writes to the residual stream.
    Projection,
    /// The output layer.
    Output,
    /// Learned weights that begin at 0: what they belong to begins as if it were not there.
    Scalar,
    /// Weights of the residual stream and of the embedding, which begin at 1 and 0.
    Shortcut,
}

/// A named tensor of a checkpoint and where it lies among all parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name in a checkpoint.
    pub name: String,
    /// `[rows, columns]`, row-major.
    pub shape: [usize; 2],
    /// What it is for.
    pub role: Role,
    /// First element among the flat parameters.
    pub offset: usize,
}

impl TensorInfo {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape[0] * self.shape[1]
    }

    /// Tensors are never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Elements among the flat parameters.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }
}

impl Config {
    /// The network's tensors in canonical order, and nothing else in the program knows them: each
    /// entry of [`Weights`] is made from the names that it has in a checkpoint (several for matrices
    /// that lie one below the other), the shape of each, and its role.
    pub(crate) fn declare<T>(
        &self,
        mut make: impl FnMut(&[String], [usize; 2], Role) -> T,
    ) -> Weights<T> {
        let Self { n_embd: c, vocab_size: v, timesteps, .. } = *self;
        let mut add = |path: &str, names: &[&str], shape, role| {
            let names: Vec<_> = names.iter().map(|name| format!("{path}{name}.weight")).collect();
            make(&names, shape, role)
        };
        let time = self.timestep_embedding.then_some([timesteps + 1, c]);
        let mut weights = Weights {
            token_emb: add("", &["token_emb"], [v, c], Role::Embedding),
            timestep_emb: time.map(|shape| add("", &["timestep_emb"], shape, Role::Embedding)),
            blocks: (0..self.n_layer)
                .map(|i| format!("blocks.{i}."))
                .map(|path| Block {
                    qkv: add(&path, &["attn.c_q", "attn.c_k", "attn.c_v"], [c, c], Role::Hidden),
                    attn_proj: add(&path, &["attn.c_proj"], [c, c], Role::Projection),
                    fc: add(&path, &["mlp.c_fc"], [4 * c, c], Role::Hidden),
                    mlp_proj: add(&path, &["mlp.c_proj"], [c, 4 * c], Role::Projection),
                    skip: None,
                    shortcut: None,
                    value_mix: None,
                    gate: None,
                })
                .collect(),
            lm_head: add("", &["lm_head"], [v, c], Role::Output),
        };
        // At the end and side by side, since they have an optimizer of their own.
        for (i, block) in weights.blocks.iter_mut().enumerate() {
            let path = format!("blocks.{i}.");
            let mut small =
                |there: bool, name, shape, role| there.then(|| add(&path, &[name], shape, role));
            let (skip, mixed) = (self.skip_from(i).is_some(), self.value_mixing && i > 0);
            let gates = [self.n_head, GATE_CHANNELS];
            block.skip = small(skip, "skip", [1, 1], Role::Scalar);
            block.shortcut = small(self.embedding_shortcut, "shortcut", [1, 2], Role::Shortcut);
            block.value_mix = small(mixed, "attn.value_mix", [1, 1], Role::Scalar);
            block.gate = small(self.head_gates, "attn.gate", gates, Role::Scalar);
        }
        weights
    }

    /// The same with the tensors' places among the flat parameters.
    fn place<T>(&self, mut make: impl FnMut(&[TensorInfo]) -> T) -> Weights<T> {
        let mut end = 0;
        self.declare(|names, shape, role| {
            let place = |name: &String| {
                let tensor = TensorInfo { name: name.clone(), shape, role, offset: end };
                // Every C is a multiple of 8, so C x C is already aligned: q, k and v adjoin.
                end = tensor.range().end.next_multiple_of(ALIGNMENT);
                tensor
            };
            make(&names.iter().map(place).collect::<Vec<_>>())
        })
    }

    /// Every tensor of a checkpoint, in canonical order.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let mut tensors = Vec::new();
        self.place(|adjoining| tensors.extend_from_slice(adjoining));
        tensors
    }

    /// Offset and shape of the blocks' matrices: what Muon optimizes.
    pub fn hidden_matrices(&self) -> Vec<(usize, [usize; 2])> {
        let hidden = |tensor: &TensorInfo| matches!(tensor.role, Role::Hidden | Role::Projection);
        let tensors = self.tensors().into_iter().filter(hidden);
        tensors.map(|tensor| (tensor.offset, tensor.shape)).collect()
    }

    /// Cuts the flat parameters into pages of whole tensors, each of at most `bytes` as f32. A
    /// tensor that is larger has a page of its own.
    pub fn pages(&self, bytes: u64) -> Vec<Range<usize>> {
        let mut pages: Vec<Range<usize>> = Vec::new();
        self.cut(|offset, len| {
            let end = (offset + len).next_multiple_of(ALIGNMENT);
            match pages.last_mut() {
                Some(page) if 4 * (end - page.start) as u64 <= bytes => page.end = end,
                _ => pages.push(offset..end),
            }
        });
        pages
    }

    /// Where the few learned weights of sums and gates lie among the flat parameters.
    pub fn scalars(&self) -> Range<usize> {
        let small = |tensor: &TensorInfo| matches!(tensor.role, Role::Scalar | Role::Shortcut);
        let end = self.flat_len();
        self.tensors().into_iter().find(small).map_or(end, |tensor| tensor.offset)..end
    }

    /// Length of the flat parameters: the tensors and the gaps that align them.
    pub fn flat_len(&self) -> usize {
        self.tensors().last().map_or(0, |tensor| tensor.range().end.next_multiple_of(ALIGNMENT))
    }

    /// Cuts something flat into the network's tensors: `part(offset, len)`.
    pub fn cut<T>(&self, mut part: impl FnMut(usize, usize) -> T) -> Weights<T> {
        self.place(|adjoining| {
            let range = adjoining[0].offset..adjoining[adjoining.len() - 1].range().end;
            part(range.start, range.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_key_and_value_adjoin() {
        for n_embd in [8, 24, 40, 384] {
            let config = Config { n_embd, n_head: 2, ..Config::reference(97) };
            let weights = config.cut(|offset, len| (offset, len));
            for block in weights.blocks {
                assert_eq!(block.qkv.1, 3 * n_embd * n_embd);
                assert_eq!(block.attn_proj.0, block.qkv.0 + block.qkv.1);
            }
            let total: usize = config.tensors().iter().map(TensorInfo::len).sum();
            assert_eq!(total, config.parameters());
        }
    }

    #[test]
    fn pages_hold_whole_tensors() {
        let config = Config { n_layer: 3, ..Config::reference(97) };
        let flat = config.flat_len();
        assert_eq!(config.pages(u64::MAX), std::iter::once(0..flat).collect::<Vec<_>>());
        // A block's first matrix has 4 x 384 x 384 floats, the second as many.
        for bytes in [1, 3 << 20, 5 << 20] {
            let pages = config.pages(bytes);
            assert!(pages.is_sorted_by(|a, b| a.end == b.start), "{pages:?}");
            assert_eq!((pages[0].start, pages[pages.len() - 1].end), (0, flat));
            let mut tensors = vec![0; pages.len()];
            config.cut(|offset, len| {
                let page = pages.iter().position(|page| page.contains(&offset));
                let page = page.expect("in a page");
                assert!(offset + len <= pages[page].end, "{offset}+{len}: {pages:?}");
                tensors[page] += 1;
            });
            for (page, tensors) in pages.iter().zip(tensors) {
                assert!(tensors == 1 || 4 * page.len() as u64 <= bytes, "{page:?} of {pages:?}");
            }
        }
        assert_eq!(config.pages(1).len(), 3 + 3 * 4);
    }

    #[test]
    fn canonical_order() {
        let config = Config { n_layer: 1, n_embd: 8, n_head: 1, ..Config::reference(11) };
        let names = |config: &Config| -> Vec<String> {
            config.tensors().into_iter().map(|tensor| tensor.name).collect()
        };
        let all = [
            "token_emb.weight",
            "timestep_emb.weight",
            "blocks.0.attn.c_q.weight",
            "blocks.0.attn.c_k.weight",
            "blocks.0.attn.c_v.weight",
            "blocks.0.attn.c_proj.weight",
            "blocks.0.mlp.c_fc.weight",
            "blocks.0.mlp.c_proj.weight",
            "lm_head.weight",
        ];
        assert_eq!(names(&config), all);
        assert_eq!(config.hidden_matrices().len(), 6);
        let timeless = Config { timestep_embedding: false, ..config };
        let without: Vec<_> = all.into_iter().filter(|name| !name.contains("timestep")).collect();
        assert_eq!(names(&timeless), without);
        assert_eq!(config.parameters() - timeless.parameters(), 101 * 8);
        assert!(config.scalars().is_empty());

        let every = Config {
            n_layer: 3,
            n_embd: 16,
            value_mixing: true,
            embedding_shortcut: true,
            skips: true,
            head_gates: true,
            ..config
        };
        let small: Vec<_> =
            names(&every).into_iter().skip_while(|n| n != "lm_head.weight").collect();
        let expected = [
            "lm_head.weight",
            "blocks.0.shortcut.weight",
            "blocks.0.attn.gate.weight",
            "blocks.1.skip.weight",
            "blocks.1.shortcut.weight",
            "blocks.1.attn.value_mix.weight",
            "blocks.1.attn.gate.weight",
            "blocks.2.shortcut.weight",
            "blocks.2.attn.value_mix.weight",
            "blocks.2.attn.gate.weight",
        ];
        assert_eq!(small, expected);
        // Each begins at a multiple of 64.
        assert_eq!(every.scalars().len(), 9 * 64);
        assert_eq!(every.scalars().end, every.flat_len());
    }
}
