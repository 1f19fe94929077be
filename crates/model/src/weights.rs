//! The tensors of the network, declared once: for shapes, weights, gradients, optimiser moments
//! and the names in a checkpoint.

use device::ALIGNMENT;

use crate::Config;

/// The matrices of one block. Row-major `[out, in]`; a linear layer is `y = x Wᵀ`.
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
}

/// One thing per tensor of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights<T> {
    /// Token embedding: `[V, C]`.
    pub token_emb: T,
    /// Timestep embedding: `[T + 1, C]`.
    pub timestep_emb: T,
    /// The blocks, in order.
    pub blocks: Vec<Block<T>>,
    /// Output layer, not tied to the token embedding: `[V, C]`.
    pub lm_head: T,
}

/// A named tensor of a checkpoint and where it lies among all parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name in a checkpoint.
    pub name: String,
    /// `[rows, columns]`, row-major.
    pub shape: [usize; 2],
    /// First element in the flat parameter buffer.
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

    /// Elements in the flat parameter buffer.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

impl Config {
    /// Every tensor of a checkpoint, in canonical order.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let Self { n_embd: c, vocab_size, timesteps, .. } = *self;
        let mut tensors = Vec::new();
        let mut offset = 0;
        let mut add = |name: String, shape: [usize; 2]| {
            tensors.push(TensorInfo { name, shape, offset });
            // Every C is a multiple of 8, so C x C is already aligned: q, k and v adjoin.
            offset += (shape[0] * shape[1]).next_multiple_of(ALIGNMENT);
        };
        add("token_emb.weight".to_owned(), [vocab_size, c]);
        add("timestep_emb.weight".to_owned(), [timesteps + 1, c]);
        for i in 0..self.n_layer {
            for part in ["c_q", "c_k", "c_v", "c_proj"] {
                add(format!("blocks.{i}.attn.{part}.weight"), [c, c]);
            }
            add(format!("blocks.{i}.mlp.c_fc.weight"), [4 * c, c]);
            add(format!("blocks.{i}.mlp.c_proj.weight"), [c, 4 * c]);
        }
        add("lm_head.weight".to_owned(), [vocab_size, c]);
        tensors
    }

    /// Offset and shape of the blocks' matrices: what Muon optimises.
    pub fn hidden_matrices(&self) -> Vec<(usize, [usize; 2])> {
        let hidden = |tensor: &TensorInfo| tensor.name.starts_with("blocks.");
        let tensors = self.tensors().into_iter().filter(hidden);
        tensors.map(|tensor| (tensor.offset, tensor.shape)).collect()
    }

    /// Length of the flat parameter buffer: the parameters and the gaps that align them.
    pub fn flat_len(&self) -> usize {
        self.tensors().last().map_or(0, |tensor| tensor.range().end.next_multiple_of(ALIGNMENT))
    }

    /// Cuts something flat into the network's tensors: `part(offset, len)`.
    pub fn cut<T>(&self, mut part: impl FnMut(usize, usize) -> T) -> Weights<T> {
        let tensors = self.tensors();
        let mut whole = |first: usize, last: usize| {
            let range = tensors[first].offset..tensors[last].range().end;
            part(range.start, range.len())
        };
        Weights {
            token_emb: whole(0, 0),
            timestep_emb: whole(1, 1),
            blocks: (0..self.n_layer)
                .map(|i| 2 + 6 * i)
                .map(|first| Block {
                    qkv: whole(first, first + 2),
                    attn_proj: whole(first + 3, first + 3),
                    fc: whole(first + 4, first + 4),
                    mlp_proj: whole(first + 5, first + 5),
                })
                .collect(),
            lm_head: whole(tensors.len() - 1, tensors.len() - 1),
        }
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
}
