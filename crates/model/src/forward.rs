//! The forward pass, written down in order.

use device::{Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::gemm::{self, Op};
use kernels::{Variants, attention, embed, norm, relu_squared, rope_norm};

use crate::{Activations, Model};

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

/// Records everything up to the normalised output of the last block, `acts.final_h`.
pub fn trunk(step: &mut Recording, pass: &Pass<'_>) {
    let Pass { variants, model, acts, ids, timesteps } = *pass;
    let (config, weights) = (&model.config, &model.weights);
    let (n, c) = (acts.rows(), config.n_embd);

    embed::forward(
        step,
        embed::Forward {
            ids,
            timesteps,
            token_emb: weights.token_emb,
            timestep_emb: weights.timestep_emb,
            x: acts.x,
            embedded: acts.embedded,
            inv_rms: acts.embed_inv_rms,
        },
        acts.embed_shape(config),
    );

    for (i, (block, layer)) in weights.blocks.iter().zip(&acts.layers).enumerate() {
        // x += attention(norm(x))
        if i == 0 {
            norm::forward(step, acts.x, layer.attn_h, layer.attn_inv_rms);
        } else {
            norm::residual_forward(step, acts.branch, acts.x, layer.attn_h, layer.attn_inv_rms);
        }
        gemm::record(
            step,
            variants,
            Op::Nt,
            layer.attn_h,
            block.qkv,
            layer.qkv,
            [n, 3 * c, c],
            false,
        );
        rope_norm::forward(step, acts.rope, layer.qkv, layer.qk_inv_rms, acts.rope_shape(config));
        let shape = acts.attention_shape(config);
        attention::forward(step, variants, layer.qkv, layer.y, layer.lse, shape);
        gemm::record(
            step,
            variants,
            Op::Nt,
            layer.y,
            block.attn_proj,
            acts.branch,
            [n, c, c],
            false,
        );

        // x += mlp(norm(x))
        norm::residual_forward(step, acts.branch, acts.x, layer.mlp_h, layer.mlp_inv_rms);
        gemm::record(step, variants, Op::Nt, layer.mlp_h, block.fc, layer.fc, [n, 4 * c, c], false);
        relu_squared::forward(step, layer.fc, acts.activated);
        let sizes = [n, c, 4 * c];
        gemm::record(
            step,
            variants,
            Op::Nt,
            acts.activated,
            block.mlp_proj,
            acts.branch,
            sizes,
            false,
        );
    }

    norm::residual_forward(step, acts.branch, acts.x, acts.final_h, acts.final_inv_rms);
}

/// Records the whole forward pass; `acts` must be made for inference.
pub fn logits(step: &mut Recording, pass: &Pass<'_>) {
    let rows = pass.acts.rows();
    assert_eq!(pass.acts.logit_rows, rows, "logits of all rows need activations for inference");
    trunk(step, pass);
    head(step, pass, 0, rows);
}

/// Records the whole forward pass and the statistics of every row against `targets (N)`: loss,
/// hit, entropy.
pub fn record_stats(step: &mut Recording, pass: &Pass<'_>, targets: Slice, stats: TokenStats) {
    trunk(step, pass);
    for (start, count) in pass.acts.logit_chunks() {
        let logits = head(step, pass, start, count);
        cross_entropy::forward(step, logits, targets.part(start, count), stats.part(start, count));
    }
}

/// Records the logits of rows `start..start + count`.
pub(crate) fn head(step: &mut Recording, pass: &Pass<'_>, start: usize, count: usize) -> Slice {
    let Pass { variants, model, acts, .. } = *pass;
    let (c, v) = (model.config.n_embd, model.config.vocab_size);
    let h = acts.final_h.part(start * c, count * c);
    let logits = acts.logits.part(0, count * v);
    gemm::record(step, variants, Op::Nt, h, model.weights.lm_head, logits, [count, v, c], false);
    logits
}
