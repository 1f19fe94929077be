//! The backward pass: `forward.rs` in reverse. `d_name` is the gradient of the loss with respect
//! to `name`.

use device::{Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::gemm::{self, Op};
use kernels::{attention, embed, relu_squared, rmsnorm, rope_norm};

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
    let Pass { variants, model, acts, ids, .. } = *pass;
    let config = &model.config;
    let (n, c, v) = (acts.rows(), config.n_embd, config.vocab_size);
    let Scratch { d_x, d_h, d_fc, d_y, d_qkv, delta, first, next } = *scratch;

    let weights_gradient = |step: &mut Recording, a, b, c, sizes, accumulate| {
        gemm::record(step, variants, Op::Tn, gemm::Buffers { a, b, c }, sizes, accumulate);
    };
    let input_gradient = |step: &mut Recording, a, b, c, sizes| {
        gemm::record(step, variants, Op::Nn, gemm::Buffers { a, b, c }, sizes, false);
    };

    // Logits, their gradient and that of the output layer, some rows at a time.
    for (start, count) in acts.logit_chunks() {
        let targets = loss.targets.part(start, count);
        let stats = loss.stats.part(start, count);
        let h = acts.final_h.part(start * c, count * c);
        let logits = forward::head(step, pass, start, count);
        cross_entropy::forward(step, logits, targets, stats);
        let (weights, lse) = (loss.weights.part(start, count), stats.lse);
        cross_entropy::backward(step, cross_entropy::Backward { targets, weights, lse, logits });
        let add = accumulate || start > 0;
        weights_gradient(step, logits, h, d.lm_head, [v, c, count], add);
        let d_h = d_h.part(start * c, count * c);
        input_gradient(step, logits, model.weights.lm_head, d_h, [count, c, v]);
    }
    let (h, inv_rms) = (acts.final_h, acts.final_inv_rms);
    rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, false);

    let blocks = model.weights.blocks.iter().zip(&d.blocks).zip(&acts.layers).rev();
    for ((block, d), layer) in blocks {
        // x += mlp(norm(x))
        let (fc, h, inv_rms) = (layer.fc, layer.mlp_h, layer.mlp_inv_rms);
        relu_squared::forward(step, relu_squared::Forward { x: fc, out: acts.activated });
        weights_gradient(step, d_x, acts.activated, d.mlp_proj, [c, 4 * c, n], accumulate);
        input_gradient(step, d_x, block.mlp_proj, d_fc, [n, 4 * c, c]);
        relu_squared::backward(step, relu_squared::Backward { x: fc, d_x: d_fc });
        weights_gradient(step, d_fc, h, d.fc, [4 * c, c, n], accumulate);
        input_gradient(step, d_fc, block.fc, d_h, [n, c, 4 * c]);
        rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, true);

        // x += attention(norm(x))
        let (h, inv_rms) = (layer.attn_h, layer.attn_inv_rms);
        let (qkv, y, lse) = (layer.qkv, layer.y, layer.lse);
        weights_gradient(step, d_x, y, d.attn_proj, [c, c, n], accumulate);
        input_gradient(step, d_x, block.attn_proj, d_y, [n, c, c]);
        let (q, kv, d_q, d_kv) = (qkv, qkv, d_qkv, d_qkv);
        let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
        attention::backward(step, variants, io, &acts.attention_shape(config));
        let io = rope_norm::Backward { rope: acts.rope, qkv, inv_rms: layer.qk_inv_rms, d_qkv };
        rope_norm::backward(step, io, acts.rope_shape(config));
        weights_gradient(step, d_qkv, h, d.qkv, [3 * c, c, n], accumulate);
        input_gradient(step, d_qkv, block.qkv, d_h, [n, c, 3 * c]);
        rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, true);
    }

    // All embeddings have the same gradient.
    let (h, inv_rms) = (acts.embedded, acts.embed_inv_rms);
    rmsnorm::backward(step, rmsnorm::Backward { d_h: d_x, h, inv_rms, d_x: d_h }, false);
    embed::backward(
        step,
        embed::Backward {
            ids,
            d_e: d_h,
            first,
            next,
            d_token_emb: d.token_emb,
            d_time: pass.time(d),
        },
        acts.embed_shape(config),
        accumulate,
    );
}
