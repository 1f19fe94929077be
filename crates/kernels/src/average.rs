//! A running average of the parameters.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::grid::CHUNK;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::vectorized;

params! {
    struct Params {
        count: u32,
    }
}

buffers! {
    /// Buffers of the average; parameters and average have the same length.
    pub struct Buffers {
        /// Element 2 is the share of the newest parameters, see [`crate::begin_step`].
        control: floats,
        /// Parameters.
        p: floats,
        /// In place.
        average: floats_mut,
    }
}

/// `shaders/average.wgsl`
pub static KERNEL: Kernel = kernel!("average", Params, Buffers, twin);

/// Records that the average moves towards the parameters.
pub fn record(step: &mut Recording, io: Buffers) {
    let count = io.p.len;
    step.push(
        Launch::new(&KERNEL, &Params { count: count as u32 }, io, grid::elements(count))
            .flop(3 * count),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (_, [control, p, average]) = args.take::<Params, 3>();
    let share = control.floats()[2];
    let chunks = average.floats_mut().par_chunks_mut(CHUNK).zip(p.floats().par_chunks(CHUNK));
    chunks.for_each(|(average, p)| {
        vectorized!(for (average, &p) in average.iter_mut().zip(p) {
            *average += share * (p - *average);
        })
    });
}
