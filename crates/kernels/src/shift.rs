//! Tokens one position later: the input of a network that predicts each token from those before it.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;

params! {
    struct Params {
        count: u32,
        length: u32,
        first: u32,
    }
}

buffers! {
    /// Buffers of a shift, for N positions in sequences of equal length.
    pub struct Buffers {
        /// `(N)`
        tokens: words,
        /// Written: `(N)`.
        shifted: words_mut,
    }
}

/// `shaders/shift_tokens.wgsl`
pub static KERNEL: Kernel = kernel!("shift_tokens", Params, Buffers, twin);

/// Records `shifted[n] = tokens[n - 1]`, and `first` at the first position of every sequence of
/// `length` tokens.
pub fn record(step: &mut Recording, io: Buffers, length: usize, first: u32) {
    let count = io.tokens.len;
    let params = Params { count: count as u32, length: length as u32, first };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [tokens, shifted]) = args.take::<Params, 2>();
    let length = params.length as usize;
    let rows = tokens.words().chunks(length).zip(shifted.words_mut().chunks_mut(length));
    for (tokens, shifted) in rows {
        shifted[0] = params.first;
        shifted[1..].copy_from_slice(&tokens[..tokens.len() - 1]);
    }
}
