//! The beginning of a denoising pass: which pass it is, read from a table on the device.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, twin, words, words_mut};

use crate::COMMON;

/// Words of a row of the table, and of `control`, besides one per sequence.
pub const HEADER: usize = 2;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    batch: u32,
}

/// `shaders/sample_begin.wgsl`
pub static KERNEL: Kernel = Kernel {
    name: "sample_begin",
    source: include_str!("../../../shaders/sample_begin.wgsl"),
    imports: COMMON,
    bindings: &[words("table"), words_mut("cursor"), words_mut("timesteps"), words_mut("control")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin),
};

/// Records `timesteps (batch)` and `control (2 + batch)` from row `cursor` of
/// `table (passes, 2 + batch)`, and `cursor += 1`. The cursor must be below `passes`.
pub fn record(step: &mut Recording, table: Slice, cursor: Slice, timesteps: Slice, control: Slice) {
    step.push(Launch {
        kernel: &KERNEL,
        constants: vec![],
        params: bytemuck::bytes_of(&Params { batch: timesteps.len as u32 }).to_vec(),
        buffers: vec![table, cursor, timesteps, control],
        grid: [1, 1, 1],
        flop: 0,
    });
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
