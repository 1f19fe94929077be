//! Matrix products.

use bytemuck::{Pod, Zeroable};
use device::{Args, Binding, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin};
use gemm::Parallelism;

use crate::COMMON;
use crate::product::{Matrix, multiply};
use crate::variants::{GemmVariant, Variants};

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
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::Nt, Self::Nn, Self::Tn];

    fn constants(self) -> [u32; 2] {
        match self {
            Self::Nt => [0, 1],
            Self::Nn => [0, 0],
            Self::Tn => [1, 0],
        }
    }

    /// The chosen variant, or the tile where it does not divide the sizes.
    fn variant(self, variants: &Variants, [m, n, k]: [usize; 3]) -> GemmVariant {
        let variant = match self {
            Self::Nt => variants.gemm_nt,
            Self::Nn => variants.gemm_nn,
            Self::Tn => variants.gemm_tn,
        };
        let [rows, columns] = variant.tile();
        let divides = m.is_multiple_of(rows) && n.is_multiple_of(columns) && k.is_multiple_of(4);
        if divides { variant } else { GemmVariant::Tile }
    }
}

impl GemmVariant {
    fn kernel(self) -> &'static Kernel {
        match self {
            Self::Tile => &TILE,
            Self::Direct => &DIRECT,
            Self::Subgroup => &SUBGROUP,
        }
    }

    /// Rows and columns that a workgroup makes.
    fn tile(self) -> [usize; 2] {
        match self {
            Self::Tile | Self::Subgroup => [64, 64],
            Self::Direct => [16, 64],
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

const BINDINGS: &[Binding] = &[floats("a"), floats("b"), floats_mut("c")];

const fn kernel(name: &'static str, source: &'static str, subgroups: bool) -> Kernel {
    Kernel {
        name,
        source,
        imports: COMMON,
        bindings: BINDINGS,
        params_size: size_of::<Params>(),
        subgroups,
        twin: twin!(twin),
    }
}

/// `shaders/gemm_tile.wgsl`
pub static TILE: Kernel =
    kernel("gemm_tile", include_str!("../../../shaders/gemm_tile.wgsl"), false);

/// `shaders/gemm_direct.wgsl`
pub static DIRECT: Kernel =
    kernel("gemm_direct", include_str!("../../../shaders/gemm_direct.wgsl"), false);

/// `shaders/gemm_subgroup.wgsl`
pub static SUBGROUP: Kernel =
    kernel("gemm_subgroup", include_str!("../../../shaders/gemm_subgroup.wgsl"), true);

/// Records `c = op(a, b)`, or `c += op(a, b)` when `accumulate`; sizes are `[m, n, k]`.
#[expect(clippy::too_many_arguments, reason = "the arguments of every GEMM")]
pub fn record(
    step: &mut Recording,
    variants: &Variants,
    op: Op,
    a: Slice,
    b: Slice,
    c: Slice,
    [m, n, k]: [usize; 3],
    accumulate: bool,
) {
    let variant = op.variant(variants, [m, n, k]);
    let [a_transposed, b_transposed] = op.constants();
    let [rows, columns] = variant.tile();
    step.push(Launch {
        kernel: variant.kernel(),
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
        grid: [n.div_ceil(columns) as u32, m.div_ceil(rows) as u32, 1],
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
