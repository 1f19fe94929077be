//! As many tokens stay as may be drawn together.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{STAYS, WAITS, ranked};
use crate::sample_begin::LEFT;

params! {
    struct Params {
        count: u32,
        length: u32,
        bound: f32,
    }
}

buffers! {
    /// Buffers of an entropy bound, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        order: floats,
        /// Of [`crate::sample_certainty`], `(N)`.
        entropy: floats,
        /// Of [`crate::sample_begin`]: all stay if element [`LEFT`] is 1.
        control: words,
        /// Written: who stays and who waits, `(N)`.
        verdict: floats_mut,
    }
}

/// `shaders/sample_bound.wgsl`
pub static KERNEL: Kernel = kernel!("sample_bound", Params, Buffers, twin);

/// Records that the longest beginning of each sequence's order stays whose entropies, without the
/// largest, sum to at most `bound` nats: at least one token.
pub fn record(step: &mut Recording, io: Buffers, length: usize, bound: f32) {
    let count = io.order.len;
    let params = Params { count: count as u32, length: length as u32, bound };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [order, entropy, control, verdict]) = args.take::<Params, 4>();
    let (order, entropy, verdict) = (order.floats(), entropy.floats(), verdict.floats_mut());
    verdict.copy_from_slice(order);
    let all = control.words()[LEFT] == 1;
    let length = params.length as usize;
    let rows = order.chunks_exact(length).zip(entropy.chunks_exact(length));
    for ((order, entropy), verdict) in rows.zip(verdict.chunks_exact_mut(length)) {
        let (mut sum, mut largest) = (0.0, 0.0);
        for i in ranked(order) {
            let entropy = entropy[i].as_f64();
            sum += entropy;
            largest = f64::max(largest, entropy);
            let stays = all || sum - largest <= f64::from(params.bound);
            verdict[i] = E::from_f64(f64::from(if stays { STAYS } else { WAITS }));
        }
    }
}
