//! The forward pass, written down in order.

use std::ops::Range;

use device::{Recording, Slice};
use kernels::dropout::{self, Dropout};
use kernels::gemm::{self, Op};
use kernels::{Variants, attention, decode, embed, gate, mix, relu_squared, rmsnorm, rope_norm};

use crate::{Activations, Block, LayerActivations, Model, Weights, mixing};

/// What both passes are recorded over.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// Which shader variants to use.
    pub variants: &'a Variants,
    /// The network.
    pub model: &'a Model,
    /// Its buffers.
    pub acts: &'a Activations,
    /// Noisy tokens, `(N)`.
    pub ids: Slice,
    /// Diffusion step of each sequence, or of each of its parts, `(batch)` or `(batch, parts)`.
    pub timesteps: Slice,
    /// What is dropped, in training.
    pub dropout: Option<Dropping>,
}

/// Dropout in a pass of a training step: of what attention and MLP add to the residual stream.
#[derive(Clone, Copy, Debug)]
pub struct Dropping {
    /// How much.
    pub dropout: Dropout,
    /// Number of the step, `(1)`.
    pub counter: Slice,
    /// Number of the pass in the step.
    pub pass: usize,
}

/// The two branches of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Branch {
    Attention,
    Mlp,
}

impl Pass<'_> {
    /// Place of a branch among all that are dropped in the step, `None` without dropout.
    fn dropped(&self, layer: usize, branch: Branch) -> Option<(Dropping, u32)> {
        let layers = self.model.config.n_layer;
        let place = |dropping: Dropping| 2 * (dropping.pass * layers + layer) + branch as usize;
        self.dropout.map(|dropping| (dropping, place(dropping) as u32))
    }

    /// Records the dropout of a branch, in place.
    fn drop_branch(&self, step: &mut Recording, layer: usize, branch: Branch) {
        if let Some((Dropping { dropout, counter, .. }, place)) = self.dropped(layer, branch) {
            let x = self.acts.branch;
            dropout::forward(step, dropout::Forward { counter, x }, dropout, place);
        }
    }

    /// Records the gradient of a branch from that of the stream, `d_x`, and returns where it is: in
    /// `free`, or without dropout in `d_x` itself.
    pub(crate) fn drop_backward(
        &self,
        step: &mut Recording,
        layer: usize,
        branch: Branch,
        [d_x, free]: [Slice; 2],
    ) -> Slice {
        let Some((Dropping { dropout, counter, .. }, place)) = self.dropped(layer, branch) else {
            return d_x;
        };
        let io = dropout::Backward { counter, d_out: d_x, d_x: free };
        dropout::backward(step, io, dropout, place);
        free
    }

    /// The timestep embedding among the weights, or its gradient among their gradients.
    pub(crate) fn time(&self, weights: &Weights<Slice>) -> Option<embed::Time> {
        weights.timestep_emb.map(|table| embed::Time {
            timesteps: self.timesteps,
            span: self.acts.rows() / self.timesteps.len,
            table,
            rows: self.model.config.timesteps + 1,
        })
    }
}

/// The residual stream between two blocks: the sum of `x` and `branch`, `(N, C)` each. It is made
/// where it is normalised, which saves reading and writing it once more.
#[derive(Clone, Copy, Debug)]
pub struct Residual {
    /// The stream before the latest branch.
    pub x: Slice,
    /// Output of that branch, unless it was added already.
    pub branch: Option<Slice>,
}

impl Residual {
    /// Records `sum = x + branch; h = norm(sum)` and returns where the sum is: in `x` itself if
    /// there is no branch, and `sum` is left as it was.
    pub(crate) fn normalize(
        self,
        step: &mut Recording,
        sum: Slice,
        h: Slice,
        inv_rms: Slice,
    ) -> Slice {
        let x = self.x;
        match self.branch {
            None => {
                rmsnorm::forward(step, rmsnorm::Forward { x, h, inv_rms });
                x
            }
            Some(y) => {
                let io = rmsnorm::ResidualForward { x, y, sum, h, inv_rms };
                rmsnorm::residual_forward(step, io);
                sum
            }
        }
    }
}

/// Records everything up to the normalised output of the last block, `acts.final_h`.
pub fn trunk(step: &mut Recording, pass: &Pass<'_>) {
    let Pass { model, acts, ids, .. } = *pass;
    let (config, weights) = (&model.config, &model.weights);
    let io = embed::Forward {
        ids,
        token_emb: weights.token_emb,
        time: pass.time(weights),
        x: acts.embedded,
        inv_rms: acts.embed_inv_rms,
    };
    step.section("embedding", |step| embed::forward(step, io, acts.embed_shape(config)));

    let mut stream = Residual { x: acts.embedded, branch: None };
    for (i, (weights, kept)) in weights.blocks.iter().zip(&acts.layers).enumerate() {
        stream = step.section(format_args!("block {i}"), |step| {
            let stream = mixing::forward(step, pass, i, stream);
            block(step, pass, i, weights, kept, stream)
        });
    }
    step.section("output norm", |step| {
        stream.normalize(step, acts.x, acts.final_h, acts.final_inv_rms);
    });
}

/// Records block `i`: the stream that it is given, and after it. Nothing else passes from block to
/// block but the first one's values, if they are mixed; what its backward pass needs is in `kept`.
pub fn block(
    step: &mut Recording,
    pass: &Pass<'_>,
    i: usize,
    weights: &Block<Slice>,
    kept: &LayerActivations,
    stream: Residual,
) -> Residual {
    let acts = pass.acts;
    let (n, c) = (acts.rows(), pass.model.config.n_embd);
    let x = activations(step, pass, i, weights, kept, stream);
    relu_squared::forward(step, relu_squared::Forward { x: kept.fc, out: acts.activated });
    let io = gemm::Buffers { a: acts.activated, b: weights.mlp_proj, c: acts.branch };
    linear(step, pass, io, [n, c, 4 * c]);
    pass.drop_branch(step, i, Branch::Mlp);
    Residual { x, branch: Some(acts.branch) }
}

/// Records what a block keeps for its backward pass, and returns the stream between attention and
/// MLP.
pub(crate) fn activations(
    step: &mut Recording,
    pass: &Pass<'_>,
    i: usize,
    weights: &Block<Slice>,
    kept: &LayerActivations,
    stream: Residual,
) -> Slice {
    let Pass { variants, model, acts, .. } = *pass;
    let (config, branch) = (&model.config, acts.branch);
    let (n, c) = (acts.rows(), config.n_embd);
    let product = |step: &mut Recording, a, b, c, sizes| {
        linear(step, pass, gemm::Buffers { a, b, c }, sizes);
    };

    // x + attention(norm(x))
    let h = kept.attn_h;
    let x = stream.normalize(step, kept.x, h, kept.attn_inv_rms);
    let (qkv, inv_rms) = (kept.qkv, kept.qk_inv_rms);
    product(step, h, weights.qkv, qkv, [n, 3 * c, c]);
    let rope = rope_norm::Forward { rope: acts.rope, qkv, inv_rms };
    rope_norm::forward(step, rope, acts.rope_shape(config));
    if let Some(scale) = weights.value_mix {
        let (first, values) = (acts.layers[0].qkv, kept.values.unwrap_or(branch));
        mix::values(step, mix::Values { scale, first, qkv, values }, c);
    }
    if let Some(decode::Cache { keys_values: cache, filled, length }) = kept.cache {
        let io = decode::Attention { qkv, filled, cache, y: kept.y };
        let (texts, queries) = (acts.batch, acts.length);
        let (heads, head_dim) = (config.n_head, config.head_dim());
        decode::attention(step, io, decode::Shape { texts, queries, length, heads, head_dim });
    } else {
        let heads = attention::Forward { q: qkv, kv: qkv, y: kept.y, lse: kept.lse };
        attention::forward(step, variants, heads, &acts.attention_shape(config));
    }
    let y = gated(step, pass, weights, kept);
    product(step, y, weights.attn_proj, branch, [n, c, c]);
    pass.drop_branch(step, i, Branch::Attention);
    let stream = Residual { x, branch: Some(branch) };

    // x + mlp(norm(x))
    let h = kept.mlp_h;
    let x = stream.normalize(step, acts.mid, h, kept.mlp_inv_rms);
    product(step, h, weights.fc, kept.fc, [n, 4 * c, c]);
    x
}

/// Records a linear layer, `c = a bᵀ`.
fn linear(step: &mut Recording, pass: &Pass<'_>, io: gemm::Buffers, sizes: [usize; 3]) {
    if pass.acts.decodes() {
        gemm::thin(step, pass.variants, io, sizes);
    } else {
        gemm::record(step, pass.variants, Op::Nt, io, sizes, false);
    }
}

/// The heads' outputs of a block as its projection takes them, `(N, C)`: through the gates, if there
/// are any, to a scratch buffer that is overwritten by the MLP.
pub(crate) fn gated(
    step: &mut Recording,
    pass: &Pass<'_>,
    weights: &Block<Slice>,
    kept: &LayerActivations,
) -> Slice {
    let Some(gate) = weights.gate else { return kept.y };
    let gated = pass.acts.activated.part(0, kept.y.len);
    let io = gate::Forward { h: kept.attn_h, gate, y: kept.y, gated };
    gate::forward(step, io, pass.acts.gate_shape(&pass.model.config));
    gated
}

/// Records the whole forward pass. Logits are made for some rows at a time: `each` records what
/// becomes of those of `rows`, `(rows, V)`, before the next ones take their place.
pub fn logits(
    step: &mut Recording,
    pass: &Pass<'_>,
    mut each: impl FnMut(&mut Recording, Range<usize>, Slice),
) {
    trunk(step, pass);
    let c = pass.model.config.n_embd;
    for (start, count) in pass.acts.logit_chunks() {
        let h = pass.acts.final_h.part(start * c, count * c);
        let logits = head(step, pass, h, count);
        each(step, start..start + count, logits);
    }
}

/// Records the logits of `rows` rows, `h (rows, C)`, and returns where they are, `(rows, V)`.
///
/// # Panics
/// When there are more than `acts.logit_rows`.
pub fn head(step: &mut Recording, pass: &Pass<'_>, h: Slice, rows: usize) -> Slice {
    let Pass { model, acts, .. } = *pass;
    let (c, v) = (model.config.n_embd, model.config.vocab_size);
    let logits = acts.logits.part(0, rows * v);
    let io = gemm::Buffers { a: h, b: model.weights.lm_head, c: logits };
    linear(step, pass, io, [rows, v, c]);
    logits
}
