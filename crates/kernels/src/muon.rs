//! Muon: momentum whose matrix is made orthogonal before the update (Jordan et al. 2024, "Muon: an
//! optimizer for hidden layers in neural networks").

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin};
use rayon::prelude::*;

use crate::gemm::{self, Op};
use crate::grid::CHUNK;
use crate::norm::sum_of;
use crate::{COMMON, Variants, grid};

/// Newton-Schulz steps; five bring singular values between about 0.7 and 1.2.
const STEPS: usize = 5;

/// Coefficients of x, x³ and x⁵ in a step, as published.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct MomentumParams {
    count: u32,
    mu: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct CountParams {
    count: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct PolynomialParams {
    size: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct UpdateParams {
    count: u32,
    lr: f32,
    weight_decay: f32,
    shape_factor: f32,
}

/// `shaders/muon_momentum.wgsl`
pub static MOMENTUM: Kernel = Kernel {
    name: "muon_momentum",
    source: include_str!("../../../shaders/muon_momentum.wgsl"),
    imports: COMMON,
    bindings: &[floats("control"), floats("d_p"), floats_mut("momentum"), floats_mut("u")],
    params_size: size_of::<MomentumParams>(),
    subgroups: false,
    twin: twin!(momentum_twin),
};

/// `shaders/muon_normalise.wgsl`
pub static NORMALISE: Kernel = Kernel {
    name: "muon_normalise",
    source: include_str!("../../../shaders/muon_normalise.wgsl"),
    imports: COMMON,
    bindings: &[floats("u"), floats_mut("x")],
    params_size: size_of::<CountParams>(),
    subgroups: false,
    twin: twin!(normalise_twin),
};

/// `shaders/muon_polynomial.wgsl`
pub static POLYNOMIAL: Kernel = Kernel {
    name: "muon_polynomial",
    source: include_str!("../../../shaders/muon_polynomial.wgsl"),
    imports: COMMON,
    bindings: &[floats("s"), floats("s2"), floats_mut("p")],
    params_size: size_of::<PolynomialParams>(),
    subgroups: false,
    twin: twin!(polynomial_twin),
};

/// `shaders/muon_update.wgsl`
pub static UPDATE: Kernel = Kernel {
    name: "muon_update",
    source: include_str!("../../../shaders/muon_update.wgsl"),
    imports: COMMON,
    bindings: &[floats("control"), floats("o"), floats_mut("p")],
    params_size: size_of::<UpdateParams>(),
    subgroups: false,
    twin: twin!(update_twin),
};

/// Records `momentum` and its look-ahead `u` for many matrices at once.
pub fn momentum(
    step: &mut Recording,
    control: Slice,
    d_p: Slice,
    momentum: Slice,
    u: Slice,
    mu: f64,
) {
    step.push(Launch {
        kernel: &MOMENTUM,
        constants: vec![],
        params: bytemuck::bytes_of(&MomentumParams { count: u.len as u32, mu: mu as f32 }).to_vec(),
        buffers: vec![control, d_p, momentum, u],
        grid: grid::elements(u.len),
        flop: 7 * u.len as u64,
    });
}

/// Scratch of an orthogonalisation of matrices up to some size.
#[derive(Clone, Copy, Debug)]
pub struct Scratch {
    /// Two buffers as long as the largest matrix.
    pub x: [Slice; 2],
    /// Three buffers as long as the square of the largest smaller side.
    pub squares: [Slice; 3],
}

/// Records the orthogonalisation of `u (rows, columns)`; returns where the result stands, a part
/// of the scratch.
pub fn orthogonalise(
    step: &mut Recording,
    variants: &Variants,
    u: Slice,
    [rows, columns]: [usize; 2],
    scratch: &Scratch,
) -> Slice {
    let count = rows * columns;
    let size = rows.min(columns);
    let [mut x, mut next] = scratch.x.map(|slice| slice.part(0, count));
    let [s, s2, p] = scratch.squares.map(|slice| slice.part(0, size * size));
    step.push(Launch {
        kernel: &NORMALISE,
        constants: vec![],
        params: bytemuck::bytes_of(&CountParams { count: count as u32 }).to_vec(),
        buffers: vec![u, x],
        grid: [1, 1, 1],
        flop: 3 * count as u64,
    });
    for _ in 0..STEPS {
        // The smaller of x xᵀ and xᵀ x has the same polynomial.
        if rows <= columns {
            gemm::record(step, variants, Op::Nt, x, x, s, [rows, rows, columns], false);
        } else {
            gemm::record(step, variants, Op::Tn, x, x, s, [columns, columns, rows], false);
        }
        gemm::record(step, variants, Op::Nn, s, s, s2, [size, size, size], false);
        step.push(Launch {
            kernel: &POLYNOMIAL,
            constants: vec![],
            params: bytemuck::bytes_of(&PolynomialParams { size: size as u32 }).to_vec(),
            buffers: vec![s, s2, p],
            grid: grid::elements(size * size),
            flop: 4 * (size * size) as u64,
        });
        let sizes = [rows, columns, size];
        if rows <= columns {
            gemm::record(step, variants, Op::Nn, p, x, next, sizes, false);
        } else {
            gemm::record(step, variants, Op::Nn, x, p, next, sizes, false);
        }
        (x, next) = (next, x);
    }
    x
}

/// Records the update of `p (rows, columns)` by the orthogonal `o`.
pub fn update(
    step: &mut Recording,
    control: Slice,
    o: Slice,
    p: Slice,
    [rows, columns]: [usize; 2],
    lr: f64,
    weight_decay: f64,
) {
    step.push(Launch {
        kernel: &UPDATE,
        constants: vec![],
        params: bytemuck::bytes_of(&UpdateParams {
            count: p.len as u32,
            lr: lr as f32,
            weight_decay: weight_decay as f32,
            shape_factor: (rows as f64 / columns as f64).max(1.0).sqrt() as f32,
        })
        .to_vec(),
        buffers: vec![control, o, p],
        grid: grid::elements(p.len),
        flop: 4 * p.len as u64,
    });
}

fn momentum_twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, d_p, momentum, u]) = args.take::<MomentumParams, 4>();
    let (scale, u) = (control.floats()[1], u.floats_mut());
    if scale < E::zero() {
        u.fill(E::zero());
        return;
    }
    let mu = E::of(params.mu.into());
    let rest = E::one() - mu;
    let outputs = momentum.floats_mut().par_chunks_mut(CHUNK).zip(u.par_chunks_mut(CHUNK));
    outputs.zip(d_p.floats().par_chunks(CHUNK)).for_each(|((momentum, u), d_p)| {
        for ((momentum, u), &d_p) in momentum.iter_mut().zip(u).zip(d_p) {
            let g = scale * d_p;
            *momentum = mu * *momentum + rest * g;
            *u = mu * *momentum + rest * g;
        }
    });
}

fn normalise_twin<E: Real>(args: Args<'_, E>) {
    let (_, [u, x]) = args.take::<CountParams, 2>();
    let u = u.floats();
    let norm = sum_of(u.len(), |i| u[i] * u[i]).sqrt();
    let scale = E::one() / (norm + E::of(1e-7));
    x.floats_mut().iter_mut().zip(u).for_each(|(x, &u)| *x = u * scale);
}

fn polynomial_twin<E: Real>(args: Args<'_, E>) {
    let (params, [s, s2, p]) = args.take::<PolynomialParams, 3>();
    let (s, s2, size) = (s.floats(), s2.floats(), params.size as usize);
    let [a, b, c] = COEFFICIENTS.map(E::of);
    for (i, p) in p.floats_mut().iter_mut().enumerate() {
        let identity = if i / size == i % size { a } else { E::zero() };
        *p = identity + b * s[i] + c * s2[i];
    }
}

fn update_twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, o, p]) = args.take::<UpdateParams, 3>();
    let control = control.floats();
    if control[1] < E::zero() {
        return;
    }
    let lr = E::of(params.lr.into()) * control[0];
    let keep = E::one() - lr * E::of(params.weight_decay.into());
    let rate = lr * E::of(params.shape_factor.into());
    for (p, &o) in p.floats_mut().iter_mut().zip(o.floats()) {
        *p = keep * *p - rate * o;
    }
}
