//! The backward pass: `forward.rs` in reverse. `d_name` is the gradient of the loss with respect
//! to `name`.

use device::{Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::gemm::{self, Op};
use kernels::{attention, embed, norm, relu_squared, rope_norm};

use crate::Weights;
use crate::activations::Scratch;
use crate::forward::{self, Pass};

/// The loss that gradients are taken of: `sum(weights * cross_entropy(logits, targets))`.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// Clean tokens, `(N)`.
    pub targets: Slice,
    /// Weight of each position, `(N)`.
    pub weights: Slice,
    /// Written: statistics of each position, `(N)`.
    pub stats: TokenStats,
}

/// Records the backward pass after [`forward::trunk`] of the same `pass`. The
/// gradients `d` are set, or added to when `accumulate`.
pub fn record(
    step: &mut Recording,
    pass: &Pass<'_>,
    scratch: &Scratch,
    loss: Loss,
    d: &Weights<Slice>,
    accumulate: bool,
) {
    let Pass { variants, model, acts, ids, timesteps } = *pass;
    let config = &model.config;
    let (n, c, v) = (acts.rows(), config.n_embd, config.vocab_size);
    let Scratch { d_x, d_h, d_fc, d_y, d_qkv, delta, first, next } = *scratch;

    // Logits, their gradient and that of the output layer, some rows at a time.
    for (start, count) in acts.logit_chunks() {
        let targets = loss.targets.part(start, count);
        let stats = loss.stats.part(start, count);
        let h = acts.final_h.part(start * c, count * c);
        let logits = forward::head(step, pass, start, count);
        cross_entropy::forward(step, logits, targets, stats);
        let weights = loss.weights.part(start, count);
        cross_entropy::backward(step, targets, weights, stats.lse, logits);
        let add = accumulate || start > 0;
        gemm::record(step, variants, Op::Tn, logits, h, d.lm_head, [v, c, count], add);
        let d_h = d_h.part(start * c, count * c);
        gemm::record(
            step,
            variants,
            Op::Nn,
            logits,
            model.weights.lm_head,
            d_h,
            [count, c, v],
            false,
        );
    }
    norm::backward(step, d_h, acts.final_h, acts.final_inv_rms, d_x, false);

    let blocks = model.weights.blocks.iter().zip(&d.blocks).zip(&acts.layers).rev();
    for ((block, d), layer) in blocks {
        // x += mlp(norm(x))
        relu_squared::forward(step, layer.fc, acts.activated);
        let sizes = [c, 4 * c, n];
        gemm::record(step, variants, Op::Tn, d_x, acts.activated, d.mlp_proj, sizes, accumulate);
        gemm::record(step, variants, Op::Nn, d_x, block.mlp_proj, d_fc, [n, 4 * c, c], false);
        relu_squared::backward(step, layer.fc, d_fc);
        gemm::record(step, variants, Op::Tn, d_fc, layer.mlp_h, d.fc, [4 * c, c, n], accumulate);
        gemm::record(step, variants, Op::Nn, d_fc, block.fc, d_h, [n, c, 4 * c], false);
        norm::backward(step, d_h, layer.mlp_h, layer.mlp_inv_rms, d_x, true);

        // x += attention(norm(x))
        gemm::record(step, variants, Op::Tn, d_x, layer.y, d.attn_proj, [c, c, n], accumulate);
        gemm::record(step, variants, Op::Nn, d_x, block.attn_proj, d_y, [n, c, c], false);
        let shape = acts.attention_shape(config);
        attention::backward(
            step, variants, layer.qkv, layer.y, layer.lse, d_y, delta, d_qkv, shape,
        );
        let shape = acts.rope_shape(config);
        rope_norm::backward(step, acts.rope, layer.qkv, layer.qk_inv_rms, d_qkv, shape);
        gemm::record(step, variants, Op::Tn, d_qkv, layer.attn_h, d.qkv, [3 * c, c, n], accumulate);
        gemm::record(step, variants, Op::Nn, d_qkv, block.qkv, d_h, [n, c, 3 * c], false);
        norm::backward(step, d_h, layer.attn_h, layer.attn_inv_rms, d_x, true);
    }

    // Both embeddings have the same gradient.
    norm::backward(step, d_x, acts.embedded, acts.embed_inv_rms, d_h, false);
    embed::backward(
        step,
        embed::Backward {
            ids,
            timesteps,
            d_e: d_h,
            first,
            next,
            d_token_emb: d.token_emb,
            d_timestep_emb: d.timestep_emb,
        },
        acts.embed_shape(config),
        accumulate,
    );
}
