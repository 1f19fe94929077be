//! Matrix products.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, Twin, floats, floats_mut};
use gemm::Parallelism;

use crate::product::{Matrix, multiply};
use crate::{COMMON, Forms};

/// Which operand is transposed. All matrices are row-major and dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `c (m, n) = a (m, k) b (n, k)ᵀ`: a linear layer, y = x Wᵀ.
    Nt,
    /// `c (m, n) = a (m, k) b (k, n)`: the gradient of its input, d_x = d_y W.
    Nn,
    /// `c (m, n) = a (k, m)ᵀ b (k, n)`: the gradient of its weights, d_W = d_yᵀ x.
    Tn,
}

impl Op {
    fn constants(self) -> [u32; 2] {
        match self {
            Self::Nt => [0, 1],
            Self::Nn => [0, 0],
            Self::Tn => [1, 0],
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    m: u32,
    n: u32,
    k: u32,
    accumulate: u32,
    a_transposed: u32,
    b_transposed: u32,
}

/// `shaders/gemm_tile.wgsl`
pub static TILE: Kernel = Kernel {
    name: "gemm_tile",
    source: include_str!("../../../shaders/gemm_tile.wgsl"),
    imports: COMMON,
    bindings: &[floats("a"), floats("b"), floats_mut("c")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: Twin { f32: twin, f64: twin },
};

/// Records `c = op(a, b)`, or `c += op(a, b)` when `accumulate`; sizes are `[m, n, k]`.
#[expect(clippy::too_many_arguments, reason = "the arguments of every GEMM")]
pub fn record(
    step: &mut Recording,
    _forms: &Forms,
    op: Op,
    a: Slice,
    b: Slice,
    c: Slice,
    [m, n, k]: [usize; 3],
    accumulate: bool,
) {
    let [a_transposed, b_transposed] = op.constants();
    step.push(Launch {
        kernel: &TILE,
        constants: vec![("A_TRANSPOSED", a_transposed), ("B_TRANSPOSED", b_transposed)],
        params: bytemuck::bytes_of(&Params {
            m: m as u32,
            n: n as u32,
            k: k as u32,
            accumulate: u32::from(accumulate),
            a_transposed,
            b_transposed,
        })
        .to_vec(),
        buffers: vec![a, b, c],
        grid: [n.div_ceil(64) as u32, m.div_ceil(64) as u32, 1],
        flop: 2 * (m * n * k) as u64,
    });
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [a, b, c]) = args.take::<Params, 3>();
    let [m, n, k] = [params.m, params.n, params.k].map(|size| size as usize);
    let a = match params.a_transposed {
        0 => Matrix::new(a.floats(), m, k, k),
        _ => Matrix::new(a.floats(), k, m, m).transposed(),
    };
    let b = match params.b_transposed {
        0 => Matrix::new(b.floats(), k, n, n),
        _ => Matrix::new(b.floats(), n, k, k).transposed(),
    };
    multiply(c.floats_mut(), n, a, b, 1.0, params.accumulate == 1, Parallelism::Rayon(0));
}
