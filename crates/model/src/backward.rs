//! The backward pass: `forward.rs` in reverse. `d_name` is the gradient of the loss with respect
//! to `name`.

use device::{Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::gemm::{self, Op};
use kernels::mix::{self, Mix};
use kernels::{attention, embed, gate, relu_squared, rmsnorm, rope_norm, rows};

use crate::forward::{self, Branch, Pass, Residual};
use crate::{Block, HeadScratch, LayerActivations, Scratch, Weights, mixing};

/// The loss that gradients are taken of: `sum(weights * cross_entropy(logits, targets))`.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// Clean tokens, `(N)`.
    pub targets: Slice,
    /// Weight of each position, `(N)`.
    pub weights: Slice,
    /// Written: the weights other than 0, side by side, then zeros, `(N)`.
    pub row_weights: Slice,
    /// Written: statistics of the positions of these weights, `(N)`.
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
    let Pass { model, acts, .. } = *pass;
    step.section("output layer", |step| output(step, pass, scratch, loss, d, accumulate));
    for i in (0..model.config.n_layer).rev() {
        step.section(format_args!("block {i}"), |step| {
            let (weights, kept) = (&model.weights.blocks[i], &acts.layers[i]);
            // The activations of the last block are those that the forward pass has left.
            if acts.recompute() && i + 1 < model.config.n_layer {
                let stream = Residual { x: kept.x, branch: None };
                let stream = mixing::forward(step, pass, i, stream);
                forward::activations(step, pass, i, weights, kept, stream);
            }
            mixing::output(step, pass, scratch, i);
            block(step, pass, i, scratch, weights, kept, &d.blocks[i], accumulate);
            mixing::backward(step, pass, scratch, i, d, accumulate);
        });
    }
    step.section("embedding", |step| embedding(step, pass, scratch, d, accumulate));
}

/// Records the loss, and the gradients of the output layer and of the last norm.
fn output(
    step: &mut Recording,
    pass: &Pass<'_>,
    scratch: &Scratch,
    loss: Loss,
    d: &Weights<Slice>,
    accumulate: bool,
) {
    let Pass { variants, model, acts, .. } = *pass;
    let (c, v) = (model.config.n_embd, model.config.vocab_size);
    let Scratch { d_x, d_h, d_y, partials, head, .. } = *scratch;

    // The rows that have a loss, side by side, in runs: logits, their gradient and that of the
    // output layer. A run without any is skipped; the first one sets the gradient, whatever it has.
    let HeadScratch { rows, places, live, row_targets } = head;
    let row_weights = loss.row_weights;
    let (row_h, row_d_h) = (acts.branch, d_y);
    rows::select(step, rows::Select { weights: loss.weights, rows, places, live }, acts.logit_rows);
    let (h, targets, weights) = (acts.final_h, loss.targets, loss.weights);
    rows::gather(step, rows::Gather { rows, h, targets, weights, row_h, row_targets, row_weights });
    for (run, (start, count)) in acts.logit_chunks().enumerate() {
        let record = |step: &mut Recording| {
            let targets = row_targets.part(start, count);
            let weights = row_weights.part(start, count);
            let stats = loss.stats.part(start, count);
            let h = row_h.part(start * c, count * c);
            let logits = forward::head(step, pass, h, count);
            cross_entropy::forward(step, logits, targets, stats);
            let lse = stats.lse;
            let io = cross_entropy::Backward { targets, weights, lse, logits };
            cross_entropy::backward(step, io);
            let add = accumulate || run > 0;
            let io = gemm::Buffers { a: logits, b: h, c: d.lm_head };
            gemm::gradient(step, variants, io, partials, [v, c, count], add);
            let row_d_h = row_d_h.part(start * c, count * c);
            let io = gemm::Buffers { a: logits, b: model.weights.lm_head, c: row_d_h };
            gemm::record(step, variants, Op::Nn, io, [count, c, v], false);
        };
        match run {
            0 => record(step),
            _ => step.when(live.part(run * rows::LIVE, 1), record),
        }
    }
    rows::scatter(step, rows::Scatter { places, row_d_h, d_h });
    let (h, inv_rms) = (acts.final_h, acts.final_inv_rms);
    rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, false);
}

/// Records the gradients of the embeddings.
fn embedding(
    step: &mut Recording,
    pass: &Pass<'_>,
    scratch: &Scratch,
    d: &Weights<Slice>,
    accumulate: bool,
) {
    let Pass { model, acts, ids, .. } = *pass;
    let Scratch { d_x, d_h, smaller, starts, positions, .. } = *scratch;
    mixing::embedding(step, pass, scratch);

    // All embeddings have the same gradient.
    let (h, inv_rms) = (acts.embedded, acts.embed_inv_rms);
    rmsnorm::backward(step, rmsnorm::Backward { d_h: d_x, h, inv_rms, d_x: d_h }, false);
    embed::backward(
        step,
        embed::Backward {
            ids,
            d_e: d_h,
            smaller,
            starts,
            positions,
            run_sums: d_x,
            d_token_emb: d.token_emb,
            d_time: pass.time(d),
        },
        acts.embed_shape(&model.config),
        accumulate,
    );
}

/// Records the backward pass of [`forward::block`]: `scratch.d_x`, the gradient of the stream after
/// the block, becomes that of the stream before it.
#[expect(clippy::too_many_arguments, reason = "the parts of a block, in both passes")]
pub fn block(
    step: &mut Recording,
    pass: &Pass<'_>,
    i: usize,
    scratch: &Scratch,
    weights: &Block<Slice>,
    kept: &LayerActivations,
    d: &Block<Slice>,
    accumulate: bool,
) {
    let Pass { variants, model, acts, .. } = *pass;
    let config = &model.config;
    let (n, c) = (acts.rows(), config.n_embd);
    let Scratch { d_x, d_h, d_fc, d_y, d_qkv, delta, partials, .. } = *scratch;
    let weights_gradient = |step: &mut Recording, a, b, c, sizes| {
        let io = gemm::Buffers { a, b, c };
        gemm::gradient(step, variants, io, partials, sizes, accumulate);
    };
    let input_gradient = |step: &mut Recording, a, b, c, sizes| {
        gemm::record(step, variants, Op::Nn, gemm::Buffers { a, b, c }, sizes, false);
    };

    // x + mlp(norm(x))
    let (fc, h, inv_rms) = (kept.fc, kept.mlp_h, kept.mlp_inv_rms);
    relu_squared::forward(step, relu_squared::Forward { x: fc, out: acts.activated });
    let d_branch = pass.drop_backward(step, i, Branch::Mlp, [d_x, d_h]);
    weights_gradient(step, d_branch, acts.activated, d.mlp_proj, [c, 4 * c, n]);
    input_gradient(step, d_branch, weights.mlp_proj, d_fc, [n, 4 * c, c]);
    relu_squared::backward(step, relu_squared::Backward { x: fc, d_x: d_fc });
    weights_gradient(step, d_fc, h, d.fc, [4 * c, c, n]);
    input_gradient(step, d_fc, weights.fc, d_h, [n, c, 4 * c]);
    rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, true);

    // x + attention(norm(x))
    let (h, inv_rms) = (kept.attn_h, kept.attn_inv_rms);
    let (qkv, y, lse) = (kept.qkv, kept.y, kept.lse);
    let gated = forward::gated(step, pass, weights, kept);
    let d_branch = pass.drop_backward(step, i, Branch::Attention, [d_x, d_h]);
    weights_gradient(step, d_branch, gated, d.attn_proj, [c, c, n]);
    input_gradient(step, d_branch, weights.attn_proj, d_y, [n, c, c]);
    if let (Some(gate), Some(d_z)) = (weights.gate, scratch.d_z) {
        let io = gate::Backward { h, gate, y, d_y, d_z };
        gate::backward(step, io, acts.gate_shape(config));
    }
    let (q, kv, d_q, d_kv) = (qkv, qkv, d_qkv, d_qkv);
    let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
    attention::backward(step, variants, io, &acts.attention_shape(config));
    values(step, pass, scratch, weights, kept, d, accumulate);
    let io = rope_norm::Backward { rope: acts.rope, qkv, inv_rms: kept.qk_inv_rms, d_qkv };
    rope_norm::backward(step, io, acts.rope_shape(config));
    weights_gradient(step, d_qkv, h, d.qkv, [3 * c, c, n]);
    input_gradient(step, d_qkv, weights.qkv, d_h, [n, c, 3 * c]);
    if let (Some(gate), Some(d_gate), Some(d_z)) = (weights.gate, d.gate, scratch.d_z) {
        let shape = acts.gate_shape(config);
        gate::backward_input(step, gate::BackwardInput { gate, d_z, d_h }, shape);
        gate::backward_weights(step, gate::BackwardWeights { h, d_z, d_gate }, shape, accumulate);
    }
    rmsnorm::backward(step, rmsnorm::Backward { d_h, h, inv_rms, d_x }, true);
}

/// Records the gradients of a block's values where they are mixed with those of the first block,
/// which collects its share of all of them.
fn values(
    step: &mut Recording,
    pass: &Pass<'_>,
    scratch: &Scratch,
    weights: &Block<Slice>,
    kept: &LayerActivations,
    d: &Block<Slice>,
    accumulate: bool,
) {
    let Some(d_values) = scratch.d_values else { return };
    let Scratch { d_qkv, partial_sums, .. } = *scratch;
    let (blocks, channels) = (&pass.model.weights.blocks, pass.model.config.n_embd);
    match (weights.value_mix, d.value_mix, kept.values) {
        (Some(scale), Some(d_scale), Some(x)) => {
            // The last block comes first.
            let add_y = blocks.last().and_then(|last| last.value_mix) != Some(scale);
            let (y, d, d_y) = (pass.acts.layers[0].qkv, d_qkv, d_values);
            let io = mix::Backward { scale, x, y, d, d_y, add_y, partial_sums, d_scale };
            mix::backward(step, Mix::Values, io, channels, accumulate);
        }
        _ if blocks.len() > 1 => mix::add(step, d_values, d_qkv, channels),
        _ => {}
    }
}
