//! The beginning of a denoising pass: which pass it is, read from a table on the device.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::imports::kernel;

/// Element of `control` with the number of the pass; in the table, the time that the network is told.
pub const PASS: usize = 0;
/// Element with 1 if the likeliest tokens are taken, whatever the temperature.
pub const GREEDY: usize = 1;
/// Element with the bits of the probability with which a visible token is masked again, or a wrong one
/// replaced by another random one (f32).
pub const REMASK: usize = 2;
/// Element with the bits of the probability with which a mask, or a wrong token, gives way to the one
/// that was drawn (f32).
pub const REVEAL: usize = 3;
/// Element with the group of positions that is hidden.
pub const GROUP: usize = 4;
/// Element with the passes that are left until everything is visible, this one included; 0 where
/// the counts say how many masks remain.
pub const LEFT: usize = 5;

/// Element with the bits of `n a / (1 - a)`: how much likelier a token of the noise is where the clean
/// one is the same, n tokens of noise, survival probability a (f32).
pub const ODDS: usize = 6;

/// Words of a row of the table, and of `control`; behind them is one per sequence, how many of its
/// positions are masks after the pass.
pub const HEADER: usize = 7;

params! {
    struct Params {
        batch: u32,
    }
}

buffers! {
    /// Buffers of the beginning of a pass.
    pub struct Buffers {
        /// A row for every pass, `(passes, 7 + batch)`.
        table: words,
        /// In place: number of the pass, below `passes`.
        cursor: words_mut,
        /// Written: `(batch)`.
        timesteps: words_mut,
        /// Written: `(7 + batch)`.
        control: words_mut,
    }
}

/// `shaders/sample_begin.wgsl`
pub static KERNEL: Kernel = kernel!("sample_begin", Params, Buffers, twin);

/// Records `timesteps (batch)` and `control (7 + batch)` from row `cursor` of
/// `table (passes, 7 + batch)`, and `cursor += 1`. The cursor must be below `passes`.
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
    control[PASS] = cursor[0];
    cursor[0] += 1;
}
