//! How sure the model is of a position, whatever token is drawn there.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::sum_of;

params! {
    struct Params {
        count: u32,
        positions: u32,
        vocabulary: u32,
        mask_id: u32,
    }
}

buffers! {
    /// Buffers of certainties, for R of N positions.
    pub struct Buffers {
        /// `(R, V)`
        logits: floats,
        /// Position of each row, from [`crate::rows::select`]: `(R)`.
        rows: words,
        /// Written: the largest probability less the second largest, `(N)`.
        margin: floats_mut,
        /// Written: in nats, `(N)`.
        entropy: floats_mut,
    }
}

/// `shaders/sample_certainty.wgsl`
pub static KERNEL: Kernel = kernel!("sample_certainty", Params, Buffers, twin);

/// Records margin and entropy of the positions of `rows`, the token `mask_id` left out. The vocabulary must
/// have two other tokens.
pub fn record(step: &mut Recording, io: Buffers, mask_id: u32) {
    let (count, positions) = (io.rows.len, io.margin.len as u32);
    let vocabulary = io.logits.len / count;
    step.push(
        Launch::new(
            &KERNEL,
            &Params { count: count as u32, positions, vocabulary: vocabulary as u32, mask_id },
            io,
            grid::fold(count),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(5 * io.logits.len),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, rows, margin, entropy]) = args.take::<Params, 4>();
    let all = logits.floats().par_chunks_exact(params.vocabulary as usize).zip(rows.words());
    let asked = all.filter(|(_, n)| **n < params.positions);
    let found: Vec<(u32, E, E)> = asked
        .map(|(row, &n)| {
            let mask = params.mask_id as usize;
            let (mut largest, mut second) = (E::neg_infinity(), E::neg_infinity());
            for (_, &logit) in row.iter().enumerate().filter(|(v, _)| *v != mask) {
                if logit > largest {
                    (largest, second) = (logit, largest);
                } else if logit > second {
                    second = logit;
                }
            }
            let weight =
                |v: usize| if v == mask { E::zero() } else { (row[v] - largest).exp_fast() };
            let total = sum_of(row.len(), weight);
            let weighted = sum_of(row.len(), |v| weight(v) * (row[v] - largest));
            let margin = (E::one() - (second - largest).exp_fast()) / total;
            (n, margin, total.ln() - weighted / total)
        })
        .collect();
    let (margins, entropies) = (margin.floats_mut(), entropy.floats_mut());
    for (n, margin, entropy) in found {
        (margins[n as usize], entropies[n as usize]) = (margin, entropy);
    }
}
