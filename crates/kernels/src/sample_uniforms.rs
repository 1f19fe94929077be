//! The uniform numbers of a denoising pass.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats_mut, twin, words};

use crate::rng::{self, Philox};
use crate::{COMMON, grid};

/// Tag of these draws in the counter: "samp".
const USE: u32 = 0x7361_6d70;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    count: u32,
    length: u32,
    first_sample: u32,
    seed_low: u32,
    seed_high: u32,
}

/// `shaders/sample_uniforms.wgsl`
pub static KERNEL: Kernel = Kernel {
    name: "sample_uniforms",
    source: include_str!("../../../shaders/sample_uniforms.wgsl"),
    imports: COMMON,
    bindings: &[words("control"), floats_mut("uniforms")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin),
};

/// Records the uniform numbers `(N)` of the pass that `control` tells of, for samples
/// `first_sample`, `first_sample + 1`, ... of `length` positions each.
pub fn record(
    step: &mut Recording,
    control: Slice,
    uniforms: Slice,
    length: usize,
    first_sample: u32,
    seed: u64,
) {
    step.push(Launch {
        kernel: &KERNEL,
        constants: vec![],
        params: bytemuck::bytes_of(&Params {
            count: uniforms.len as u32,
            length: length as u32,
            first_sample,
            seed_low: seed as u32,
            seed_high: (seed >> 32) as u32,
        })
        .to_vec(),
        buffers: vec![control, uniforms],
        grid: grid::elements(uniforms.len),
        flop: 0,
    });
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, uniforms]) = args.take::<Params, 2>();
    let pass = control.words()[0];
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    for (n, uniform) in (0..).zip(uniforms.floats_mut()) {
        let sample = params.first_sample + n / params.length;
        let [word, ..] = generator.draw([n % params.length, sample, pass, USE]);
        *uniform = E::of(rng::unit(word).into());
    }
}
