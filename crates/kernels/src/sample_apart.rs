//! No two neighbours in one pass.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{WAITS, open, ranked};
use crate::sample_begin::LEFT;

params! {
    struct Params {
        count: u32,
        length: u32,
    }
}

buffers! {
    /// Buffers of a pass without neighbours, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        order: floats,
        /// Of [`crate::sample_begin`]: nobody waits if element [`LEFT`] is 1.
        control: words,
        /// Written: the order of those that may be revealed together, `(N)`.
        verdict: floats_mut,
    }
}

/// `shaders/sample_apart.wgsl`
pub static KERNEL: Kernel = kernel!("sample_apart", Params, Buffers, twin);

/// Records that of two neighbours the later in the order waits, if the earlier does not.
pub fn record(step: &mut Recording, io: Buffers, length: usize) {
    let count = io.order.len;
    let params = Params { count: count as u32, length: length as u32 };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

/// Walks along the order, earliest first, and takes whoever has no taken neighbour.
fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [order, control, verdict]) = args.take::<Params, 3>();
    let (order, verdict) = (order.floats(), verdict.floats_mut());
    verdict.copy_from_slice(order);
    if control.words()[LEFT] == 1 {
        return;
    }
    let length = params.length as usize;
    for (order, verdict) in order.chunks_exact(length).zip(verdict.chunks_exact_mut(length)) {
        let mut taken = vec![false; length];
        for i in ranked(order) {
            let near = i > 0 && taken[i - 1] || i + 1 < length && taken[i + 1];
            taken[i] = !near;
        }
        for (i, verdict) in verdict.iter_mut().enumerate() {
            if open(order[i]) && !taken[i] {
                *verdict = E::from_f64(f64::from(WAITS));
            }
        }
    }
}
