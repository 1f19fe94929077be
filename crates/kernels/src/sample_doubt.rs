//! Tokens of a finished text that should be drawn again.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{GIVEN, STAYS, WAITS};
use crate::sample_begin::GROUP;

/// Which tokens are doubtful.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// Positions of a sequence.
    pub length: usize,
    /// Groups in which positions were hidden.
    pub groups: u32,
    /// Id of the mask token.
    pub mask_id: u32,
    /// Largest cross-entropy of a token that stays, in nats.
    pub limit: f32,
}

params! {
    struct Params {
        count: u32,
        length: u32,
        groups: u32,
        mask_id: u32,
        limit: f32,
    }
}

buffers! {
    /// Buffers of a judgement, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Where the cross-entropy of each position stands, from [`crate::rows::select`], `(N)`.
        places: words,
        /// Cross-entropy of hidden tokens in nats, `(N)`.
        loss: floats,
        /// Of [`crate::sample_begin`]: element [`GROUP`] says who was hidden.
        control: words,
        /// Written: who stays and who waits, `(N)`.
        order: floats_mut,
    }
}

/// `shaders/sample_doubt.wgsl`
pub static KERNEL: Kernel = kernel!("sample_doubt", Params, Buffers, twin);

/// Records the judgement of the group that [`crate::sample_hide`] hid in this pass.
pub fn record(step: &mut Recording, io: Buffers, doubt: &Doubt) {
    let count = io.ids.len;
    let params = Params {
        count: count as u32,
        length: doubt.length as u32,
        groups: doubt.groups,
        mask_id: doubt.mask_id,
        limit: doubt.limit,
    };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 6>();
    let [ids, kinds, places, loss, control, order] = buffers;
    let (ids, kinds, places) = (ids.words(), kinds.words(), places.words());
    let loss = loss.floats();
    let group = control.words()[GROUP];
    for (n, order) in order.floats_mut().iter_mut().enumerate() {
        let position = n as u32 % params.length;
        let judged = kinds[n] != GIVEN && position % params.groups == group;
        let repeats = position > 0 && ids[n] == ids[n - 1];
        let doubtful =
            judged && (repeats || loss[places[n] as usize].as_f64() > f64::from(params.limit));
        let waits = doubtful || ids[n] == params.mask_id;
        *order = E::from_f64(f64::from(if waits { WAITS } else { STAYS }));
    }
}
