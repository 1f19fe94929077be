//! The MLP's activation max(x, 0)², forward and backward.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin};
use rayon::prelude::*;

use crate::grid::CHUNK;
use crate::{COMMON, grid};

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    count: u32,
}

/// `shaders/relu_squared_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "relu_squared_forward",
    source: include_str!("../../../shaders/relu_squared_forward.wgsl"),
    imports: COMMON,
    bindings: &[floats("x"), floats_mut("out")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(forward_twin),
};

/// `shaders/relu_squared_backward.wgsl`
pub static BACKWARD: Kernel = Kernel {
    name: "relu_squared_backward",
    source: include_str!("../../../shaders/relu_squared_backward.wgsl"),
    imports: COMMON,
    bindings: &[floats("x"), floats_mut("d_x")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(backward_twin),
};

fn launch(kernel: &'static Kernel, x: Slice, out: Slice) -> Launch {
    Launch {
        kernel,
        constants: vec![],
        params: bytemuck::bytes_of(&Params { count: x.len as u32 }).to_vec(),
        buffers: vec![x, out],
        grid: grid::elements(x.len),
        flop: 2 * x.len as u64,
    }
}

/// Records `out = max(x, 0)²`.
pub fn forward(step: &mut Recording, x: Slice, out: Slice) {
    step.push(launch(&FORWARD, x, out));
}

/// Records `d_x = 2 max(x, 0) d_x`, where `d_x` holds the gradient of the output before.
pub fn backward(step: &mut Recording, x: Slice, d_x: Slice) {
    step.push(launch(&BACKWARD, x, d_x));
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (_, [x, out]) = args.take::<Params, 2>();
    let chunks = out.floats_mut().par_chunks_mut(CHUNK).zip(x.floats().par_chunks(CHUNK));
    chunks.for_each(|(out, x)| {
        for (out, &x) in out.iter_mut().zip(x) {
            let positive = x.max(E::zero());
            *out = positive * positive;
        }
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (_, [x, d_x]) = args.take::<Params, 2>();
    let chunks = d_x.floats_mut().par_chunks_mut(CHUNK).zip(x.floats().par_chunks(CHUNK));
    chunks.for_each(|(d_x, x)| {
        for (d_x, &x) in d_x.iter_mut().zip(x) {
            *d_x *= E::of(2.0) * x.max(E::zero());
        }
    });
}
