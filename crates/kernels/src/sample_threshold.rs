//! Every token that is sure enough stays.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{STAYS, WAITS, ranked};
use crate::sample_begin::LEFT;

params! {
    struct Params {
        count: u32,
        length: u32,
        threshold: f32,
    }
}

buffers! {
    /// Buffers of a threshold, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        order: floats,
        /// Confidence of the tokens drawn in this pass, `(N)`.
        token_confidence: floats,
        /// Of [`crate::sample_begin`]: all stay if element [`LEFT`] is 1.
        control: words,
        /// Written: who stays and who waits, `(N)`.
        verdict: floats_mut,
    }
}

/// `shaders/sample_threshold.wgsl`
pub static KERNEL: Kernel = kernel!("sample_threshold", Params, Buffers, twin);

/// Records that tokens of this confidence stay, and the first of each sequence's order; above 1,
/// the first alone.
pub fn record(step: &mut Recording, io: Buffers, length: usize, threshold: f32) {
    let count = io.order.len;
    let params = Params { count: count as u32, length: length as u32, threshold };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [order, token_confidence, control, verdict]) = args.take::<Params, 4>();
    let (order, sure, verdict) = (order.floats(), token_confidence.floats(), verdict.floats_mut());
    verdict.copy_from_slice(order);
    let all = control.words()[LEFT] == 1;
    let length = params.length as usize;
    let rows = order.chunks_exact(length).zip(sure.chunks_exact(length));
    for ((order, sure), verdict) in rows.zip(verdict.chunks_exact_mut(length)) {
        for (rank, i) in ranked(order).into_iter().enumerate() {
            let stays = all || rank == 0 || sure[i] >= E::from_f64(params.threshold.into());
            verdict[i] = E::from_f64(f64::from(if stays { STAYS } else { WAITS }));
        }
    }
}
