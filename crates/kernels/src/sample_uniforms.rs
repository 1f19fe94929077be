//! The uniform numbers of a denoising pass.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::rng::{Draws, Stream};

params! {
    struct Params {
        count: u32,
        length: u32,
        first_sample: u32,
        seed_low: u32,
        seed_high: u32,
    }
}

buffers! {
    /// Buffers of the uniform numbers of a pass.
    pub struct Buffers {
        /// Of [`crate::sample_begin`].
        control: words,
        /// Written: `(N)`.
        uniforms: floats_mut,
    }
}

/// `shaders/sample_uniforms.wgsl`
pub static KERNEL: Kernel = kernel!("sample_uniforms", Params, Buffers, twin);

/// Records the uniform numbers `(N)` of the pass that `control` tells of, for samples
/// `first_sample`, `first_sample + 1`, ... of `length` positions each.
pub fn record(step: &mut Recording, io: Buffers, length: usize, first_sample: u32, seed: u64) {
    step.push(Launch::new(
        &KERNEL,
        &Params {
            count: io.uniforms.len as u32,
            length: length as u32,
            first_sample,
            seed_low: seed as u32,
            seed_high: (seed >> 32) as u32,
        },
        io,
        grid::elements(io.uniforms.len),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, uniforms]) = args.take::<Params, 2>();
    let draws = Draws {
        seed: [params.seed_low, params.seed_high],
        length: params.length,
        first_sample: params.first_sample,
        pass: control.words()[0],
    };
    for (n, uniform) in (0..).zip(uniforms.floats_mut()) {
        *uniform = E::from_f64(draws.of(Stream::Tokens, n).into());
    }
}
