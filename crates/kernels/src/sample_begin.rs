//! The beginning of a denoising pass: which pass it is, read from a table on the device.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::imports::kernel;

/// Words of a row of the table, and of `control`, besides one per sequence.
pub const HEADER: usize = 2;

params! {
    struct Params {
        batch: u32,
    }
}

buffers! {
    /// Buffers of the beginning of a pass.
    pub struct Buffers {
        /// A row for every pass, `(passes, 2 + batch)`.
        table: words,
        /// In place: number of the pass, below `passes`.
        cursor: words_mut,
        /// Written: `(batch)`.
        timesteps: words_mut,
        /// Written: `(2 + batch)`.
        control: words_mut,
    }
}

/// `shaders/sample_begin.wgsl`
pub static KERNEL: Kernel = kernel!("sample_begin", Params, Buffers, twin);

/// Records `timesteps (batch)` and `control (2 + batch)` from row `cursor` of
/// `table (passes, 2 + batch)`, and `cursor += 1`. The cursor must be below `passes`.
pub fn record(step: &mut Recording, io: Buffers) {
    step.push(Launch::new(&KERNEL, &Params { batch: io.timesteps.len as u32 }, io, [1, 1, 1]));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [table, cursor, timesteps, control]) = args.take::<Params, 4>();
    let (cursor, control) = (cursor.words_mut(), control.words_mut());
    let stride = HEADER + params.batch as usize;
    let row = &table.words()[cursor[0] as usize * stride..][..stride];
    timesteps.words_mut().fill(row[0]);
    control.copy_from_slice(row);
    control[0] = cursor[0];
    cursor[0] += 1;
}
