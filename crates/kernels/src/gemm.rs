//! Matrix products.

use device::{Args, Kernel, Launch, Real, Recording, Requirements, buffers, params};
use gemm::Parallelism;

use crate::imports::kernel;
use crate::product::{Matrix, multiply};
use crate::variants::{GemmVariant, LANES, Table, Variants};

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

    fn variant(self, variants: &Variants) -> GemmVariant {
        match self {
            Self::Nt => variants.gemm_nt,
            Self::Nn => variants.gemm_nn,
            Self::Tn => variants.gemm_tn,
        }
    }
}

params! {
    struct Params {
        m: u32,
        n: u32,
        k: u32,
        accumulate: u32,
    }
}

buffers! {
    /// Matrices of a product, row-major and dense.
    pub struct Buffers {
        /// `(m, k)`, or `(k, m)` when transposed.
        a: floats,
        /// `(k, n)`, or `(n, k)` when transposed.
        b: floats,
        /// Set or added to: `(m, n)`.
        c: floats_mut,
    }
}

/// `shaders/gemm_tile.wgsl`
pub static TILE: Kernel = kernel!("gemm_tile", Params, Buffers, twin);

/// `shaders/gemm_direct.wgsl`
pub static DIRECT: Kernel = kernel!("gemm_direct", Params, Buffers, twin);

/// `shaders/gemm_subgroup.wgsl`
pub static SUBGROUP: Kernel =
    kernel!("gemm_subgroup", Params, Buffers, twin).requires(Requirements::subgroups(LANES));

/// Records `c = op(a, b)`, or `c += op(a, b)` when `accumulate`; sizes are `[m, n, k]`.
pub fn record(
    step: &mut Recording,
    variants: &Variants,
    op: Op,
    io: Buffers,
    [m, n, k]: [usize; 3],
    accumulate: bool,
) {
    let variant = op.variant(variants).row(&[m, n, k]);
    let [rows, columns] = variant.tile;
    let params =
        Params { m: m as u32, n: n as u32, k: k as u32, accumulate: u32::from(accumulate) };
    let grid = [n.div_ceil(columns) as u32, m.div_ceil(rows) as u32, 1];
    let [a_transposed, b_transposed] = op.constants();
    step.push(
        Launch::new(variant.kernels[0], &params, io, grid)
            .constants([("A_TRANSPOSED", a_transposed), ("B_TRANSPOSED", b_transposed)])
            .flop(2 * m * n * k),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let [a_transposed, b_transposed] =
        ["A_TRANSPOSED", "B_TRANSPOSED"].map(|name| args.constant(name) == 1);
    let (params, [a, b, c]) = args.take::<Params, 3>();
    let [m, n, k] = [params.m, params.n, params.k].map(|size| size as usize);
    let a = if a_transposed {
        Matrix::new(a.floats(), k, m, m).transposed()
    } else {
        Matrix::new(a.floats(), m, k, k)
    };
    let b = if b_transposed {
        Matrix::new(b.floats(), n, k, k).transposed()
    } else {
        Matrix::new(b.floats(), k, n, n)
    };
    multiply(c.floats_mut(), n, a, b, 1.0, params.accumulate == 1, Parallelism::Rayon(0));
}
