//! Muon: momentum whose matrix is made orthogonal before the update (Jordan et al. 2024, "Muon: an
//! optimizer for hidden layers in neural networks").

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};
use serde::{Deserialize, Serialize};

use crate::gemm::{self, Op};
use crate::grid::{CHUNK, WORKGROUP};
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::vectorized;
use crate::{Variants, grad_norm, grid};

/// Newton-Schulz steps.
const STEPS: usize = 5;

/// Polynomials a x + b x³ + c x⁵ of the steps, which bring singular values near 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Coefficients {
    /// The same in every step (Jordan et al. 2024): from 0.01 to 1 singular values come between 0.68 and
    /// 1.14.
    Jordan,
    /// Another one in every step, each the best for what the one before leaves (Amsel et al. 2025, "The
    /// Polar Express", arXiv 2505.16932, algorithm 1): between 0.87 and 1.13, from 0.002 on.
    PolarExpress,
}

/// Jordan's a, b, c.
const JORDAN: [f64; 3] = [3.4445, -4.7750, 2.0315];

/// a, b, c of the steps of the Polar Express, as published.
const POLAR_EXPRESS: [[f64; 3]; STEPS] = [
    [8.28721201814563, -23.595886519098837, 17.300387312530933],
    [4.107059111542203, -2.9478499167379106, 0.5448431082926601],
    [3.9486908534822946, -2.908902115962949, 0.5518191394370137],
    [3.3184196573706015, -2.488488024314874, 0.51004894012372],
    [2.300652019954817, -1.6689039845747493, 0.4188073119525673],
];

/// What singular values are divided by before each step, and before the first once more, so that
/// rounding takes none beyond 1, where the polynomials grow fast (algorithm 1).
const SAFETY: f64 = 1.01;

impl Coefficients {
    /// a, b, c of every step.
    fn steps(self) -> [[f64; 3]; STEPS] {
        match self {
            Self::Jordan => [JORDAN; STEPS],
            Self::PolarExpress => std::array::from_fn(|step| {
                let by = if step == 0 { SAFETY.powi(2) } else { SAFETY };
                let [a, b, c] = POLAR_EXPRESS[step];
                [a / by, b / by.powi(3), c / by.powi(5)]
            }),
        }
    }
}

params! {
    struct MomentumParams {
        count: u32,
        mu: f32,
    }
}

params! {
    struct NormalizeParams {
        count: u32,
        groups: u32,
    }
}

params! {
    struct PolynomialParams {
        size: u32,
        a: f32,
        b: f32,
        c: f32,
    }
}

params! {
    struct UpdateParams {
        count: u32,
        lr: f32,
        weight_decay: f32,
        shape_factor: f32,
        cautious: u32,
    }
}

buffers! {
    /// Buffers of the momentum, all of the same length but `control`.
    pub struct Momentum {
        /// Element 1 is the scale of the gradient.
        control: floats,
        /// Gradient.
        d_p: floats,
        /// In place.
        momentum: floats_mut,
        /// Written: the momentum after another step in the same direction (Nesterov).
        u: floats_mut,
    }
}

/// `shaders/muon_momentum.wgsl`
pub static MOMENTUM: Kernel = kernel!("muon_momentum", MomentumParams, Momentum, momentum_twin);

buffers! {
    struct Normalize {
        u: floats,
        partial_sums: floats,
        x: floats_mut,
    }
}

/// `shaders/muon_normalize.wgsl`
pub static NORMALIZE: Kernel =
    kernel!("muon_normalize", NormalizeParams, Normalize, normalize_twin);

buffers! {
    struct Polynomial {
        s: floats,
        s2: floats,
        p: floats_mut,
    }
}

/// `shaders/muon_polynomial.wgsl`
pub static POLYNOMIAL: Kernel =
    kernel!("muon_polynomial", PolynomialParams, Polynomial, polynomial_twin);

buffers! {
    /// Buffers of the update of one matrix.
    pub struct Update {
        /// Factor on the learning rate, scale of the gradient, and factor on the weight decay, see
        /// [`crate::begin_step`].
        control: floats,
        /// Orthogonalized momentum.
        o: floats,
        /// In place: parameters.
        p: floats_mut,
    }
}

/// `shaders/muon_update.wgsl`
pub static UPDATE: Kernel = kernel!("muon_update", UpdateParams, Update, update_twin);

/// Records `momentum` and its look-ahead `u` for many matrices at once.
pub fn momentum(step: &mut Recording, io: Momentum, mu: f64) {
    let count = io.u.len;
    step.push(
        Launch::new(
            &MOMENTUM,
            &MomentumParams { count: count as u32, mu: mu as f32 },
            io,
            grid::elements(count),
        )
        .flop(7 * count),
    );
}

/// Scratch of an orthogonalization of matrices up to some size.
#[derive(Clone, Copy, Debug)]
pub struct Scratch {
    /// Two buffers as long as the largest matrix.
    pub x: [Slice; 2],
    /// Three buffers as long as the square of the largest smaller side.
    pub squares: [Slice; 3],
    /// [`grad_norm::SUMS`] long.
    pub sums: Slice,
    /// [`grad_norm::PARTIAL_SUMS`] long.
    pub partial_sums: Slice,
}

/// Elements that a workgroup takes of a matrix as its norm is made 1; of large ones more.
const RUN: usize = 4096;

/// Records `x = u / |u|`.
fn normalize(step: &mut Recording, u: Slice, x: Slice, scratch: &Scratch) {
    let count = u.len;
    let groups = count.div_ceil(RUN).min(grad_norm::PARTIAL_SUMS);
    let sums = scratch.sums.part(0, groups * WORKGROUP);
    let partial_sums = scratch.partial_sums.part(0, groups);
    grad_norm::sum_squares(step, grad_norm::SumSquares { x: u, sums, partial_sums }, 0);
    let groups = groups as u32;
    let params = NormalizeParams { count: count as u32, groups };
    let io = Normalize { u, partial_sums, x };
    step.push(Launch::new(&NORMALIZE, &params, io, [groups, 1, 1]).flop(count));
}

/// Records the orthogonalization of `u (rows, columns)`; returns where the result stands, a part
/// of the scratch.
pub fn orthogonalize(
    step: &mut Recording,
    variants: &Variants,
    coefficients: Coefficients,
    u: Slice,
    [rows, columns]: [usize; 2],
    scratch: &Scratch,
) -> Slice {
    let count = rows * columns;
    let size = rows.min(columns);
    let [mut x, mut next] = scratch.x.map(|slice| slice.part(0, count));
    let [s, s2, p] = scratch.squares.map(|slice| slice.part(0, size * size));
    normalize(step, u, x, scratch);
    for coefficients in coefficients.steps() {
        let [a, b, c] = coefficients.map(|coefficient| coefficient as f32);
        // The smaller of x xᵀ and xᵀ x has the same polynomial.
        let (op, sizes) = if rows <= columns {
            (Op::Nt, [rows, rows, columns])
        } else {
            (Op::Tn, [columns, columns, rows])
        };
        gemm::record(step, variants, op, gemm::Buffers { a: x, b: x, c: s }, sizes, false);
        gemm::record(
            step,
            variants,
            Op::Nn,
            gemm::Buffers { a: s, b: s, c: s2 },
            [size, size, size],
            false,
        );
        step.push(
            Launch::new(
                &POLYNOMIAL,
                &PolynomialParams { size: size as u32, a, b, c },
                Polynomial { s, s2, p },
                grid::elements(size * size),
            )
            .flop(4 * (size * size)),
        );
        let sizes = [rows, columns, size];
        if rows <= columns {
            gemm::record(
                step,
                variants,
                Op::Nn,
                gemm::Buffers { a: p, b: x, c: next },
                sizes,
                false,
            );
        } else {
            gemm::record(
                step,
                variants,
                Op::Nn,
                gemm::Buffers { a: x, b: p, c: next },
                sizes,
                false,
            );
        }
        (x, next) = (next, x);
    }
    x
}

/// Records the update of `p (rows, columns)` by the orthogonal `o`. A `cautious` one decays a parameter
/// only where that goes the way of the update (arXiv 2510.12402).
pub fn update(
    step: &mut Recording,
    io: Update,
    [rows, columns]: [usize; 2],
    lr: f64,
    weight_decay: f64,
    cautious: bool,
) {
    let count = io.p.len;
    step.push(
        Launch::new(
            &UPDATE,
            &UpdateParams {
                count: count as u32,
                lr: lr as f32,
                weight_decay: weight_decay as f32,
                shape_factor: (rows as f64 / columns as f64).max(1.0).sqrt() as f32,
                cautious: u32::from(cautious),
            },
            io,
            grid::elements(count),
        )
        .flop(4 * count),
    );
}

fn momentum_twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, d_p, momentum, u]) = args.take::<MomentumParams, 4>();
    let (scale, u) = (control.floats()[1], u.floats_mut());
    if scale < E::zero() {
        u.fill(E::zero());
        return;
    }
    let mu = E::from_f64(params.mu.into());
    let rest = E::one() - mu;
    let outputs = momentum.floats_mut().par_chunks_mut(CHUNK).zip(u.par_chunks_mut(CHUNK));
    outputs.zip(d_p.floats().par_chunks(CHUNK)).for_each(|((momentum, u), d_p)| {
        vectorized!(for ((momentum, u), &d_p) in momentum.iter_mut().zip(u).zip(d_p) {
            let g = scale * d_p;
            *momentum = mu * *momentum + rest * g;
            *u = mu * *momentum + rest * g;
        })
    });
}

fn normalize_twin<E: Real>(args: Args<'_, E>) {
    let (_, [u, partial_sums, x]) = args.take::<NormalizeParams, 3>();
    let norm = partial_sums.floats().iter().copied().sum::<E>().sqrt();
    let scale = E::one() / (norm + E::from_f64(1e-7));
    x.floats_mut()
        .par_chunks_mut(CHUNK)
        .zip(u.floats().par_chunks(CHUNK))
        .for_each(|(x, u)| vectorized!(x.iter_mut().zip(u).for_each(|(x, &u)| *x = u * scale)));
}

fn polynomial_twin<E: Real>(args: Args<'_, E>) {
    let (params, [s, s2, p]) = args.take::<PolynomialParams, 3>();
    let (s, s2, size) = (s.floats(), s2.floats(), params.size as usize);
    let [a, b, c] = [params.a, params.b, params.c].map(|value| E::from_f64(value.into()));
    let rows = p.floats_mut().par_chunks_exact_mut(size).with_min_len(CHUNK.div_ceil(size));
    let rows = rows.zip(s.par_chunks_exact(size)).zip(s2.par_chunks_exact(size));
    rows.enumerate().for_each(|(i, ((p, s), s2))| {
        vectorized!(for ((p, &s), &s2) in p.iter_mut().zip(s).zip(s2) {
            *p = b * s + c * s2;
        });
        p[i] = a + b * s[i] + c * s2[i];
    });
}

fn update_twin<E: Real>(args: Args<'_, E>) {
    let (params, [control, o, p]) = args.take::<UpdateParams, 3>();
    let control = control.floats();
    if control[1] < E::zero() {
        return;
    }
    let lr = E::from_f64(params.lr.into()) * control[0];
    let keep = E::one() - lr * (E::from_f64(params.weight_decay.into()) * control[3]);
    let cautious = params.cautious == 1;
    let rate = lr * E::from_f64(params.shape_factor.into());
    let chunks = p.floats_mut().par_chunks_mut(CHUNK).zip(o.floats().par_chunks(CHUNK));
    chunks.for_each(|(p, o)| {
        vectorized!(for (p, &o) in p.iter_mut().zip(o) {
            let keep = if cautious && o * *p < E::zero() { E::one() } else { keep };
            *p = keep * *p - rate * o;
        })
    });
}
