//! Choosing shader variants by measuring them on the adapter, never by its name.

use std::fmt::Debug;

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use web_time::Instant;

use crate::attention::{self, Shape};
use crate::gemm::{self, Op};
use crate::variants::{AttentionVariant, GemmVariant, Precision, Table, Variants};

/// Sizes to measure at, `[m, n, k]`: large enough to fill a small GPU, small enough for a software
/// driver to do in a tenth of a second.
const PRODUCT: [usize; 3] = [1024, 512, 256];

/// As [`PRODUCT`], for a gradient of weights, whose inner dimension is the longest.
const GRADIENT: [usize; 3] = [512, 128, 2048];

/// As [`PRODUCT`], for attention.
const ATTENTION: Shape = Shape::bidirectional(4, 128, 4, 64);

/// Launches of a measurement on adapters that do one of them within [`QUICK`].
const REPEATS: usize = 32;

/// Seconds below which a single launch is too short to measure.
const QUICK: f64 = 2e-3;

/// Times that every candidate is measured, in turns, so that a busy moment of the machine does
/// not fall on one of them; the best time counts.
const ROUNDS: usize = 8;

/// Candidates slower than the fastest by more than this factor are dropped.
const HOPELESS: f64 = 8.0;

/// Measures the candidate variants on a GPU and returns the fastest of each operation. Takes a few
/// seconds on a software driver, where compiling the kernels is most of it. The CPU device has
/// one variant: the default is returned at once.
///
/// # Errors
/// What the device reports; no variant is chosen then.
pub async fn measure(device: &mut Device, precision: Precision) -> Result<Variants, DeviceError> {
    let mut variants = Variants::default();
    if device.gpu().is_none() {
        return Ok(variants);
    }
    let capabilities = device.capabilities();
    let buffers = Buffers::new(device)?;

    let Buffers { a, b, c, partials, .. } = buffers;
    for op in Op::ALL {
        let mut candidates = Vec::new();
        for variant in GemmVariant::of(op, &capabilities, precision) {
            if variant.precision() == Precision::F32
                || agrees(device, variant, op, &buffers).await?
            {
                candidates.push(variant);
            } else {
                log::warn!("{device} computes wrongly on its matrix units, which are left alone");
            }
        }
        let record = |variant: GemmVariant, step: &mut Recording| {
            let (choice, io) = (Variants::products(variant), gemm::Buffers { a, b, c });
            match op {
                Op::Tn => gemm::gradient(step, &choice, io, partials, GRADIENT, false),
                _ => gemm::record(step, &choice, op, io, PRODUCT, false),
            }
        };
        let variant = fastest(device, &candidates, c, record).await?;
        match op {
            Op::Nt => variants.gemm_nt = variant,
            Op::Nn => variants.gemm_nn = variant,
            Op::Tn => variants.gemm_tn = variant,
        }
    }

    let candidates: Vec<_> = AttentionVariant::on(&capabilities).collect();
    let Buffers { qkv, y, lse, d_y, delta, d_qkv, .. } = buffers;
    let record = |variant: AttentionVariant, step: &mut Recording| {
        let choice = Variants { attention: variant, ..variants };
        let io = attention::Forward { q: qkv, kv: qkv, y, lse };
        attention::forward(step, &choice, io, &ATTENTION);
        let io =
            attention::Backward { q: qkv, kv: qkv, y, lse, d_y, delta, d_q: d_qkv, d_kv: d_qkv };
        attention::backward(step, &choice, io, &ATTENTION);
    };
    variants.attention = fastest(device, &candidates, d_qkv, record).await?;
    log::info!("shader variants: {variants:?}");
    Ok(variants)
}

/// Whether a product that rounds to f16 agrees with one that does not.
async fn agrees(
    device: &mut Device,
    variant: GemmVariant,
    op: Op,
    &Buffers { a, b, c, partials, .. }: &Buffers,
) -> Result<bool, DeviceError> {
    let sizes = if op == Op::Tn { GRADIENT } else { PRODUCT };
    let [m, n, k] = sizes;
    let (a, b, c) = (a.part(0, m * k), b.part(0, n * k), c.part(0, m * n));
    // Between -1 and 1, without a pattern that a tile repeats.
    let numbers = |len: usize| -> Vec<f32> { (0..len).map(|i| (0.7 * i as f32).sin()).collect() };
    device.write_floats(a, &numbers(a.len))?;
    device.write_floats(b, &numbers(b.len))?;
    let mut results = Vec::new();
    for variant in [GemmVariant::Tile, variant] {
        let (choice, io) = (Variants::products(variant), gemm::Buffers { a, b, c });
        let mut step = Recording::default();
        match op {
            Op::Tn => gemm::gradient(&mut step, &choice, io, partials, sizes, false),
            _ => gemm::record(&mut step, &choice, op, io, sizes, false),
        }
        let program = device.compile(step)?;
        device.run(&program)?;
        results.push(device.read_floats(c).await?);
    }
    // Two roundings of 2^-11 of each of k products, as in the tests.
    let tolerance = (k as f32) * 1.01 * 2f32.powi(-10);
    let close = |(tile, other): (&f32, &f32)| (tile - other).abs() <= tolerance;
    Ok(results[0].iter().zip(&results[1]).all(close))
}

/// What the measured launches are bound to; zeros, which no variant treats in a special way.
struct Buffers {
    a: Slice,
    b: Slice,
    c: Slice,
    partials: Slice,
    qkv: Slice,
    y: Slice,
    lse: Slice,
    d_y: Slice,
    delta: Slice,
    d_qkv: Slice,
}

impl Buffers {
    fn new(device: &mut Device) -> Result<Self, DeviceError> {
        let mut floats = |len| device.allocate("tuning", Element::Float, len);
        let products = [PRODUCT, GRADIENT];
        let largest = |of: fn([usize; 3]) -> usize| products.map(of).into_iter().max().unwrap_or(1);
        let split = Variants::products(GemmVariant::Split);
        let Shape { batch, queries, heads, head_dim, .. } = ATTENTION;
        let rows = batch * queries * heads;
        Ok(Self {
            a: floats(largest(|[m, _, k]| m * k))?,
            b: floats(largest(|[_, n, k]| n * k))?,
            c: floats(largest(|[m, n, _]| m * n))?,
            partials: floats(gemm::partials(&split, GRADIENT))?,
            qkv: floats(3 * rows * head_dim)?,
            y: floats(rows * head_dim)?,
            lse: floats(rows)?,
            d_y: floats(rows * head_dim)?,
            delta: floats(rows)?,
            d_qkv: floats(3 * rows * head_dim)?,
        })
    }
}

/// The fastest of the candidates, or the default when there is but that one.
async fn fastest<F: Copy + Debug + Default>(
    device: &mut Device,
    candidates: &[F],
    output: Slice,
    record: impl Fn(F, &mut Recording),
) -> Result<F, DeviceError> {
    if candidates.len() < 2 {
        return Ok(F::default());
    }
    let mut quick = false;
    for &variant in candidates {
        let mut step = Recording::default();
        record(variant, &mut step);
        let once = device.compile(step)?;
        // Some drivers compile in the first run.
        run(device, &once, output).await?;
        quick |= run(device, &once, output).await? < QUICK;
    }
    let mut programs = Vec::new();
    for &variant in candidates {
        let mut step = Recording::default();
        for _ in 0..if quick { REPEATS } else { 1 } {
            record(variant, &mut step);
        }
        programs.push((variant, device.compile(step)?));
    }
    let mut best = vec![f64::INFINITY; candidates.len()];
    for _ in 0..ROUNDS {
        let leader = best.iter().copied().fold(f64::INFINITY, f64::min);
        for ((_, program), best) in programs.iter().zip(&mut best) {
            if *best <= HOPELESS * leader {
                *best = best.min(run(device, program, output).await?);
            }
        }
    }
    log::debug!("seconds of {candidates:?}: {best:?}");
    let winner = programs.iter().zip(&best).min_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(winner.map_or_else(F::default, |((variant, _), _)| *variant))
}

async fn run(device: &mut Device, program: &Program, output: Slice) -> Result<f64, DeviceError> {
    let start = Instant::now();
    device.run(program)?;
    // Reading waits for the launches before it.
    device.read_floats(output.part(0, 1)).await?;
    Ok(start.elapsed().as_secs_f64())
}
