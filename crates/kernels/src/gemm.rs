//! Matrix products.

use device::{Args, Kernel, Launch, Real, Recording, Requirements, Slice, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::product::{Matrix, multiply_shared};
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

    /// The constants of a kernel that shares the inner dimension in runs of `run`, or not if it is 0.
    fn constants(self, kernel: &Kernel, run: usize) -> Vec<(&'static str, u32)> {
        let [a, b] = match self {
            Self::Nt => [0, 1],
            Self::Nn => [0, 0],
            Self::Tn => [1, 0],
        };
        let mut constants = vec![("A_TRANSPOSED", a), ("B_TRANSPOSED", b)];
        if run > 0 {
            constants.push(("RUN", run as u32));
        }
        if kernel.requires.matrices.is_some() {
            // In backward passes the first operand is a gradient.
            constants.push(("SCALED", u32::from(self != Self::Nt)));
        }
        constants
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
pub static TILE: Kernel = kernel!("gemm_tile", Params, Buffers, tile_twin);

/// `shaders/gemm_direct.wgsl`
pub static DIRECT: Kernel = kernel!("gemm_direct", Params, Buffers, twin);

/// `shaders/gemm_subgroup.wgsl`
pub static SUBGROUP: Kernel =
    kernel!("gemm_subgroup", Params, Buffers, twin).requires(Requirements::subgroups(LANES));

/// `shaders/gemm_matrix_8.wgsl`
pub static MATRIX_8: Kernel =
    kernel!("gemm_matrix_8", Params, Buffers, tile_twin).requires(Requirements::matrices(8));

/// `shaders/gemm_matrix_16.wgsl`
pub static MATRIX_16: Kernel =
    kernel!("gemm_matrix_16", Params, Buffers, tile_twin).requires(Requirements::matrices(16));

params! {
    struct SumParams {
        count: u32,
        runs: u32,
        accumulate: u32,
    }
}

buffers! {
    struct Sum {
        partials: floats,
        c: floats_mut,
    }
}

/// `shaders/gemm_sum.wgsl`
pub static SUM: Kernel = kernel!("gemm_sum", SumParams, Sum, sum_twin);

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
    step.push(
        Launch::new(variant.kernels[0], &params, io, grid)
            .constants(op.constants(variant.kernels[0], 0))
            .flop(2 * m * n * k),
    );
}

/// `shaders/gemm_thin.wgsl`
pub static THIN: Kernel = kernel!("gemm_thin", Params, Buffers, thin_twin);

/// Rows up to which [`thin`] is worth while: a quarter of a tile.
const MOST_THIN: usize = 16;

/// Records `c = a bᵀ` for few rows; sizes are `[m, n, k]`. Sums have another order than in
/// [`record`].
pub fn thin(step: &mut Recording, variants: &Variants, io: Buffers, sizes: [usize; 3]) {
    let [m, n, k] = sizes;
    if m > MOST_THIN {
        return record(step, variants, Op::Nt, io, sizes, false);
    }
    let params = Params { m: m as u32, n: n as u32, k: k as u32, accumulate: 0 };
    let grid = [n.div_ceil(4) as u32, m as u32, 1];
    step.push(Launch::new(&THIN, &params, io, grid).flop(2 * m * n * k));
}

/// Workgroups that keep a large GPU busy, several per multiprocessor.
const ENOUGH: usize = 1024;

/// Fewer depths than this are not worth a workgroup of their own.
const SHORTEST_RUN: usize = 256;

/// Depths of a run of a variant that splits, and the number of runs, for a product of these sizes.
fn runs([m, n, k]: [usize; 3]) -> (usize, usize) {
    let [rows, columns] = GemmVariant::Split.row(&[m, n, k]).tile;
    let tiles = m.div_ceil(rows) * n.div_ceil(columns);
    let most = (ENOUGH / tiles).clamp(1, k.div_ceil(SHORTEST_RUN));
    // A multiple of every tile's depth.
    let run = k.div_ceil(most).next_multiple_of(32);
    (run, k.div_ceil(run))
}

/// Length of the scratch with which [`gradient`] makes a product of these sizes, or 0 if it needs none.
pub fn partials(variants: &Variants, sizes: [usize; 3]) -> usize {
    match (variants.gemm_tn, runs(sizes)) {
        (variant, (_, count)) if variant.splits() && count > 1 => count * sizes[0] * sizes[1],
        _ => 0,
    }
}

/// Records `c = aᵀ b`, or `c += aᵀ b` when `accumulate`, of sizes `[m, n, k]` with a long inner
/// dimension: the gradient of a layer's weights. `scratch` is at least [`partials`] long.
pub fn gradient(
    step: &mut Recording,
    variants: &Variants,
    io: Buffers,
    scratch: Slice,
    sizes: [usize; 3],
    accumulate: bool,
) {
    let [m, n, k] = sizes;
    let length = partials(variants, sizes);
    if length == 0 {
        return record(step, variants, Op::Tn, io, sizes, accumulate);
    }
    let (run, count) = runs(sizes);
    let Buffers { a, b, c } = io;
    let partials = scratch.part(0, length);
    let variant = variants.gemm_tn.row(&sizes);
    let ([rows, columns], kernel) = (variant.tile, variant.kernels[0]);
    let grid = [n.div_ceil(columns) as u32, (count * m.div_ceil(rows)) as u32, 1];
    step.push(
        Launch::new(
            kernel,
            &Params { m: m as u32, n: n as u32, k: k as u32, accumulate: 0 },
            Buffers { a, b, c: partials },
            grid,
        )
        .constants(Op::Tn.constants(kernel, run))
        .flop(2 * m * n * k),
    );
    let params =
        SumParams { count: (m * n) as u32, runs: count as u32, accumulate: u32::from(accumulate) };
    step.push(Launch::new(&SUM, &params, Sum { partials, c }, grid::elements(m * n)).flop(length));
}

fn tile_twin<E: Real>(args: Args<'_, E>) {
    let run = args.constant_or("RUN", 0) as usize;
    if run == 0 {
        return twin(args);
    }
    // Only gradients of weights are split.
    let (params, [a, b, c]) = args.take::<Params, 3>();
    let [m, n, k] = [params.m, params.n, params.k].map(|size| size as usize);
    let (a, b) = (a.floats(), b.floats());
    let partials = c.floats_mut().chunks_exact_mut(m * n);
    for (start, partial) in (0..k).step_by(run).zip(partials) {
        let depth = run.min(k - start);
        let a = Matrix::new(&a[start * m..], depth, m, m).transposed();
        let b = Matrix::new(&b[start * n..], depth, n, n);
        multiply_shared(partial, a, b, false);
    }
}

fn thin_twin<E: Real>(args: Args<'_, E>) {
    let (params, [a, b, c]) = args.take::<Params, 3>();
    let [m, n, k] = [params.m, params.n, params.k].map(|size| size as usize);
    let (a, b) = (Matrix::new(a.floats(), m, k, k), Matrix::new(b.floats(), n, k, k).transposed());
    multiply_shared(c.floats_mut(), a, b, false);
}

fn sum_twin<E: Real>(args: Args<'_, E>) {
    let (params, [partials, c]) = args.take::<SumParams, 2>();
    let (count, partials) = (params.count as usize, partials.floats());
    c.floats_mut().par_iter_mut().enumerate().for_each(|(at, c)| {
        let old = if params.accumulate == 1 { *c } else { E::zero() };
        *c = partials[at..].iter().step_by(count).fold(old, |sum, &partial| sum + partial);
    });
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
    multiply_shared(c.floats_mut(), a, b, params.accumulate == 1);
}
