//! How sure the model is of a position, whatever token is drawn there.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};
use rayon::prelude::*;

use crate::grid;
use crate::imports::kernel;
use crate::rmsnorm::sum_of;

params! {
    struct Params {
        rows: u32,
        vocabulary: u32,
        mask_id: u32,
    }
}

buffers! {
    /// Buffers of certainties, for N positions.
    pub struct Buffers {
        /// `(N, V)`
        logits: floats,
        /// Written: the largest probability less the second largest, `(N)`.
        margin: floats_mut,
        /// Written: in nats, `(N)`.
        entropy: floats_mut,
    }
}

/// `shaders/sample_certainty.wgsl`
pub static KERNEL: Kernel = kernel!("sample_certainty", Params, Buffers, twin);

/// Records margin and entropy of every position, the token `mask_id` left out. The vocabulary must
/// have two other tokens.
pub fn record(step: &mut Recording, io: Buffers, mask_id: u32) {
    let rows = io.margin.len;
    let vocabulary = io.logits.len / rows;
    step.push(
        Launch::new(
            &KERNEL,
            &Params { rows: rows as u32, vocabulary: vocabulary as u32, mask_id },
            io,
            grid::fold(rows),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(5 * io.logits.len),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, margin, entropy]) = args.take::<Params, 3>();
    let rows = logits.floats().par_chunks_exact(params.vocabulary as usize);
    let outputs = margin.floats_mut().par_iter_mut().zip(entropy.floats_mut());
    rows.zip(outputs).for_each(|(row, (margin, entropy))| {
        let mask = params.mask_id as usize;
        let (mut largest, mut second) = (E::neg_infinity(), E::neg_infinity());
        for (_, &logit) in row.iter().enumerate().filter(|(v, _)| *v != mask) {
            if logit > largest {
                (largest, second) = (logit, largest);
            } else if logit > second {
                second = logit;
            }
        }
        let weight = |v: usize| if v == mask { E::zero() } else { (row[v] - largest).exp_fast() };
        let total = sum_of(row.len(), weight);
        let weighted = sum_of(row.len(), |v| weight(v) * (row[v] - largest));
        *margin = (E::one() - (second - largest).exp_fast()) / total;
        *entropy = total.ln() - weighted / total;
    });
}
