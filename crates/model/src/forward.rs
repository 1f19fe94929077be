//! The forward pass, written down in order.

use device::{Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::gemm::{self, Op};
use kernels::{Variants, attention, embed, relu_squared, rmsnorm, rope_norm};

use crate::{Activations, Model, Weights};

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
    /// Diffusion step of each sequence, `(batch)`.
    pub timesteps: Slice,
}

impl Pass<'_> {
    /// The timestep embedding among the weights, or its gradient among their gradients.
    pub(crate) fn time(&self, weights: &Weights<Slice>) -> Option<embed::Time> {
        weights.timestep_emb.map(|table| embed::Time {
            timesteps: self.timesteps,
            span: self.acts.length,
            table,
            rows: self.model.config.timesteps + 1,
        })
    }
}

/// Records everything up to the normalised output of the last block, `acts.final_h`.
pub fn trunk(step: &mut Recording, pass: &Pass<'_>) {
    let Pass { variants, model, acts, ids, .. } = *pass;
    let (config, weights) = (&model.config, &model.weights);
    let (n, c) = (acts.rows(), config.n_embd);
    let (x, branch) = (acts.x, acts.branch);
    let product = |step: &mut Recording, a, b, c, sizes| {
        gemm::record(step, variants, Op::Nt, gemm::Buffers { a, b, c }, sizes, false);
    };

    embed::forward(
        step,
        embed::Forward {
            ids,
            token_emb: weights.token_emb,
            time: pass.time(weights),
            x,
            embedded: acts.embedded,
            inv_rms: acts.embed_inv_rms,
        },
        acts.embed_shape(config),
    );

    for (i, (block, layer)) in weights.blocks.iter().zip(&acts.layers).enumerate() {
        // x += attention(norm(x))
        let (h, inv_rms) = (layer.attn_h, layer.attn_inv_rms);
        if i == 0 {
            rmsnorm::forward(step, rmsnorm::Forward { x, h, inv_rms });
        } else {
            rmsnorm::residual_forward(step, rmsnorm::ResidualForward { y: branch, x, h, inv_rms });
        }
        let (qkv, inv_rms) = (layer.qkv, layer.qk_inv_rms);
        product(step, h, block.qkv, qkv, [n, 3 * c, c]);
        let rope = rope_norm::Forward { rope: acts.rope, qkv, inv_rms };
        rope_norm::forward(step, rope, acts.rope_shape(config));
        let heads = attention::Forward { q: qkv, kv: qkv, y: layer.y, lse: layer.lse };
        attention::forward(step, variants, heads, &acts.attention_shape(config));
        product(step, layer.y, block.attn_proj, branch, [n, c, c]);

        // x += mlp(norm(x))
        let (h, inv_rms) = (layer.mlp_h, layer.mlp_inv_rms);
        rmsnorm::residual_forward(step, rmsnorm::ResidualForward { y: branch, x, h, inv_rms });
        product(step, h, block.fc, layer.fc, [n, 4 * c, c]);
        relu_squared::forward(step, relu_squared::Forward { x: layer.fc, out: acts.activated });
        product(step, acts.activated, block.mlp_proj, branch, [n, c, 4 * c]);
    }

    let (h, inv_rms) = (acts.final_h, acts.final_inv_rms);
    rmsnorm::residual_forward(step, rmsnorm::ResidualForward { y: branch, x, h, inv_rms });
}

/// Records the whole forward pass; `acts` must be made for inference.
pub fn logits(step: &mut Recording, pass: &Pass<'_>) {
    let rows = pass.acts.rows();
    assert_eq!(pass.acts.logit_rows, rows, "logits of all rows need activations for inference");
    trunk(step, pass);
    head(step, pass, pass.acts.final_h, rows);
}

/// Records the whole forward pass and the statistics of every row against `targets (N)`: loss,
/// hit, entropy.
pub fn record_stats(step: &mut Recording, pass: &Pass<'_>, targets: Slice, stats: TokenStats) {
    trunk(step, pass);
    for (start, count) in pass.acts.logit_chunks() {
        let c = pass.model.config.n_embd;
        let h = pass.acts.final_h.part(start * c, count * c);
        let logits = head(step, pass, h, count);
        cross_entropy::forward(step, logits, targets.part(start, count), stats.part(start, count));
    }
}

/// Records the logits of `rows` rows, `h (rows, C)`.
pub(crate) fn head(step: &mut Recording, pass: &Pass<'_>, h: Slice, rows: usize) -> Slice {
    let Pass { variants, model, acts, .. } = *pass;
    let (c, v) = (model.config.n_embd, model.config.vocab_size);
    let logits = acts.logits.part(0, rows * v);
    let io = gemm::Buffers { a: h, b: model.weights.lm_head, c: logits };
    gemm::record(step, variants, Op::Nt, io, [rows, v, c], false);
    logits
}
