//! From leave-one-out predictions of uniform diffusion to those that know their own position's token.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::sample_begin::ODDS;

params! {
    struct Params {
        rows: u32,
        positions: u32,
        vocabulary: u32,
    }
}

buffers! {
    /// Buffers of R rows of the N positions.
    pub struct Buffers {
        /// Position of each row, beyond the last N, `(R)`.
        rows: words,
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Of [`crate::sample_begin`]: element [`ODDS`].
        control: words,
        /// In place: `(R, V)`.
        logits: floats_mut,
    }
}

/// `shaders/sample_posterior.wgsl`
pub static KERNEL: Kernel = kernel!("sample_posterior", Params, Buffers, twin);

/// Records `logits[row, ids[rows[row]]] += log(1 + odds)`.
pub fn record(step: &mut Recording, io: Buffers) {
    let rows = io.rows.len;
    let params = Params {
        rows: rows as u32,
        positions: io.ids.len as u32,
        vocabulary: (io.logits.len / rows) as u32,
    };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(rows)).flop(2 * rows));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [rows, ids, control, logits]) = args.take::<Params, 4>();
    let ids = ids.words();
    let odds = E::from_f64(f32::from_bits(control.words()[ODDS]).into());
    let logits = logits.floats_mut().chunks_exact_mut(params.vocabulary as usize);
    for (logits, &position) in logits.zip(rows.words()) {
        if position < params.positions {
            logits[ids[position as usize] as usize] += (E::one() + odds).ln();
        }
    }
}
