//! Text from left to right in blocks.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::WAITS;
use crate::sample_begin::LEFT;

params! {
    struct Params {
        count: u32,
        length: u32,
        block: u32,
        mask_id: u32,
    }
}

buffers! {
    /// Buffers of a text in blocks, for N positions in sequences of equal length.
    pub struct Buffers {
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Of [`crate::sample_begin`]: nobody waits if element [`LEFT`] is 1.
        control: words,
        /// In place: `(N)`.
        order: floats_mut,
    }
}

/// `shaders/sample_blocks.wgsl`
pub static KERNEL: Kernel = kernel!("sample_blocks", Params, Buffers, twin);

/// Records that masks behind the first unfinished block wait; sequences have `length` positions,
/// blocks `block`.
pub fn record(step: &mut Recording, io: Buffers, length: usize, block: u32, mask_id: u32) {
    let count = io.order.len;
    let params = Params { count: count as u32, length: length as u32, block, mask_id };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, control, order]) = args.take::<Params, 3>();
    if control.words()[LEFT] == 1 {
        return;
    }
    let (length, block) = (params.length as usize, params.block as usize);
    let rows = ids.words().chunks_exact(length).zip(order.floats_mut().chunks_exact_mut(length));
    for (ids, order) in rows {
        let Some(first) = ids.iter().position(|&id| id == params.mask_id) else { continue };
        for (i, order) in order.iter_mut().enumerate() {
            if ids[i] == params.mask_id && i / block > first / block {
                *order = E::from_f64(f64::from(WAITS));
            }
        }
    }
}
