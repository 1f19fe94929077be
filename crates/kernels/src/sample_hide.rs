//! Positions hidden from the model, to see what it expects there.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::GIVEN;
use crate::sample_begin::GROUP;

params! {
    struct Params {
        count: u32,
        length: u32,
        groups: u32,
        mask_id: u32,
    }
}

buffers! {
    /// Buffers of hiding, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Of [`crate::sample_begin`]: element [`GROUP`] says who is hidden.
        control: words,
        /// Whether the pass runs, 1 or 0: `(1)`. A pass that does not hides nothing.
        live: words,
        /// Written: tokens that the network sees, `(N)`.
        seen: words_mut,
    }
}

/// `shaders/sample_hide.wgsl`
pub static KERNEL: Kernel = kernel!("sample_hide", Params, Buffers, twin);

/// Records `seen`, with every `groups`-th free position of a sequence masked.
pub fn record(step: &mut Recording, io: Buffers, length: usize, groups: u32, mask_id: u32) {
    let count = io.ids.len;
    let params = Params { count: count as u32, length: length as u32, groups, mask_id };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, kinds, control, live, seen]) = args.take::<Params, 5>();
    let (ids, kinds, group) = (ids.words(), kinds.words(), control.words()[GROUP]);
    let live = live.words()[0] == 1;
    for (n, seen) in seen.words_mut().iter_mut().enumerate() {
        let chosen = n as u32 % params.length % params.groups == group;
        let hidden = live && kinds[n] != GIVEN && chosen;
        *seen = if hidden { params.mask_id } else { ids[n] };
    }
}
