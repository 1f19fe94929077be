//! What the model thought of every position.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::sum_of;

/// Number of best tokens per position.
pub const BEST: usize = 5;

/// What stands for a token where the vocabulary has fewer than [`BEST`].
pub const NONE: u32 = u32::MAX;

params! {
    struct Params {
        rows: u32,
        vocabulary: u32,
        mask_id: u32,
        exclude_mask: u32,
    }
}

buffers! {
    /// Buffers of an explanation, for N positions.
    pub struct Buffers {
        /// `(N, V)`
        logits: floats,
        /// Written: the likeliest tokens, `(N, BEST)`.
        tokens: words_mut,
        /// Written: theirs, `(N, BEST)`.
        probabilities: floats_mut,
        /// Written: in nats, `(N)`.
        entropy: floats_mut,
    }
}

/// `shaders/sample_explain.wgsl`
pub static KERNEL: Kernel = kernel!("sample_explain", Params, Buffers, twin);

/// Records, from `logits (N, V)`, the best `tokens (N, BEST)` with their `probabilities (N, BEST)`
/// and the `entropy (N)` in nats; `excluded` is a token that takes no part.
pub fn record(step: &mut Recording, io: Buffers, excluded: Option<u32>) {
    let rows = io.entropy.len;
    let vocabulary = io.logits.len / rows;
    step.push(
        Launch::new(
            &KERNEL,
            &Params {
                rows: rows as u32,
                vocabulary: vocabulary as u32,
                mask_id: excluded.unwrap_or(0),
                exclude_mask: u32::from(excluded.is_some()),
            },
            io,
            grid::fold(rows),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(5 * io.logits.len),
    );
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
            order.sort_by(|&a, &b| row[b].as_f64().total_cmp(&row[a].as_f64()));
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
