//! What the model thought of every position.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words_mut};
use rayon::prelude::*;

use crate::norm::sum_of;
use crate::{COMMON, grid};

/// Number of best tokens per position.
pub const BEST: usize = 5;

/// What stands for a token where the vocabulary has fewer than [`BEST`].
pub const NONE: u32 = u32::MAX;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    rows: u32,
    vocabulary: u32,
    mask_id: u32,
    exclude_mask: u32,
}

/// `shaders/sample_explain.wgsl`
pub static KERNEL: Kernel = Kernel {
    name: "sample_explain",
    source: include_str!("../../../shaders/sample_explain.wgsl"),
    imports: COMMON,
    bindings: &[
        floats("logits"),
        words_mut("tokens"),
        floats_mut("probabilities"),
        floats_mut("entropy"),
    ],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin),
};

/// Records, from `logits (N, V)`, the best `tokens (N, BEST)` with their `probabilities (N, BEST)`
/// and the `entropy (N)` in nats; `excluded` is a token that takes no part.
pub fn record(
    step: &mut Recording,
    logits: Slice,
    tokens: Slice,
    probabilities: Slice,
    entropy: Slice,
    excluded: Option<u32>,
) {
    let rows = entropy.len;
    let vocabulary = logits.len / rows;
    step.push(Launch {
        kernel: &KERNEL,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(vocabulary))],
        params: bytemuck::bytes_of(&Params {
            rows: rows as u32,
            vocabulary: vocabulary as u32,
            mask_id: excluded.unwrap_or(0),
            exclude_mask: u32::from(excluded.is_some()),
        })
        .to_vec(),
        buffers: vec![logits, tokens, probabilities, entropy],
        grid: grid::fold(rows),
        flop: 5 * logits.len as u64,
    });
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, tokens, probabilities, entropy]) = args.take::<Params, 4>();
    let rows = logits.floats().par_chunks_exact(params.vocabulary as usize);
    let best = tokens.words_mut().par_chunks_exact_mut(BEST);
    let best = best.zip(probabilities.floats_mut().par_chunks_exact_mut(BEST));
    rows.zip(best).zip(entropy.floats_mut()).for_each(
        |((row, (tokens, probabilities)), entropy)| {
            let allowed = |v: usize| params.exclude_mask == 0 || v != params.mask_id as usize;
            let mut order: Vec<usize> = (0..row.len()).filter(|&v| allowed(v)).collect();
            order.sort_by(|&a, &b| row[b].wide().total_cmp(&row[a].wide()));
            let largest = order.first().map_or(E::zero(), |&v| row[v]);
            let shifted = |i: usize| row[order[i]] - largest;
            let total = sum_of(order.len(), |i| shifted(i).exp_fast());
            let weighted = sum_of(order.len(), |i| shifted(i).exp_fast() * shifted(i));
            *entropy = total.ln() - weighted / total;
            tokens.fill(NONE);
            probabilities.fill(E::zero());
            for (i, (token, probability)) in tokens.iter_mut().zip(probabilities).enumerate() {
                if let Some(&v) = order.get(i) {
                    *token = v as u32;
                    *probability = shifted(i).exp_fast() / total;
                }
            }
        },
    );
}
