//! Matrix products and attention at the shapes of a model, in every variant.

use anyhow::Result;
use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::attention::{self, Shape};
use kernels::gemm::{self, Op};
use kernels::variants::Table;
use kernels::{AttentionVariant, GemmVariant, Variants};

use super::best_seconds;
use crate::print::say;
use run::Settings;

/// Measures, prints, and returns the highest rate of a matrix product in FLOP/s: nothing that
/// multiplies matrices can be faster.
pub(super) fn run(device: &mut Device, settings: &Settings, repeats: usize) -> Result<f64> {
    let on_cpu = device.gpu().is_none();
    let products = candidates::<GemmVariant>(device);
    let capabilities = device.capabilities();
    let attentions = candidates::<AttentionVariant>(device);
    let name = |variant: String| if on_cpu { "CPU".to_owned() } else { variant.to_lowercase() };

    let names: Vec<String> = products.iter().map(|variant| name(format!("{variant:?}"))).collect();
    header("matrix product (m x n x k)", &names);
    let mut peak = 0.0_f64;
    let n = settings.train.batch_size * settings.model.block_size;
    let (c, v) = (settings.model.n_embd, settings.data.vocab_size);
    for (what, op, sizes) in [
        ("queries, keys, values", Op::Nt, [n, 3 * c, c]),
        ("MLP, up", Op::Nt, [n, 4 * c, c]),
        ("MLP, down", Op::Nt, [n, c, 4 * c]),
        ("output layer", Op::Nt, [n, v, c]),
        ("gradient of MLP's input", Op::Nn, [n, c, 4 * c]),
        ("gradient of MLP's weights", Op::Tn, [4 * c, c, n]),
        ("gradient of output layer", Op::Tn, [v, c, n]),
    ] {
        let [m, columns, k] = sizes;
        let mut floats = |len| device.allocate("bench", Element::Float, len);
        let (a, b, out) = (floats(m * k)?, floats(columns * k)?, floats(m * columns)?);
        let mut figures = Vec::new();
        for &variant in &products {
            if !GemmVariant::of(op, &capabilities).any(|of| of == variant) {
                figures.push(None);
                continue;
            }
            let variants = Variants::products(variant);
            let partials = gemm::partials(&variants, sizes).max(1);
            let partials = device.allocate("bench", Element::Float, partials)?;
            let record = |step: &mut Recording| {
                let io = gemm::Buffers { a, b, c: out };
                match op {
                    Op::Tn => gemm::gradient(step, &variants, io, partials, sizes, false),
                    _ => gemm::record(step, &variants, op, io, sizes, false),
                }
            };
            figures.push(Some(rate(device, out, repeats, record)?));
        }
        row(&format!("{what}, {m} x {columns} x {k}"), &figures);
        peak = figures.into_iter().flatten().fold(peak, f64::max);
    }

    let names: Vec<String> =
        attentions.iter().map(|variant| name(format!("{variant:?}"))).collect();
    header("attention (sequences x heads x tokens x width)", &names);
    let (batch, length) = (settings.train.batch_size, settings.model.block_size);
    let (heads, head_dim) = (settings.model.n_head, c / settings.model.n_head);
    let shape = Shape::bidirectional(batch, length, heads, head_dim);
    let mut floats = |len| device.allocate("bench", Element::Float, len);
    let (qkv, y, lse) = (floats(3 * n * c)?, floats(n * c)?, floats(n * heads)?);
    let (d_y, delta, d_qkv) = (floats(n * c)?, floats(n * heads)?, floats(3 * n * c)?);
    for backward in [false, true] {
        let mut figures = Vec::new();
        for &variant in &attentions {
            let variants = Variants { attention: variant, ..Variants::default() };
            let record = |step: &mut Recording| match backward {
                false => {
                    let io = attention::Forward { q: qkv, kv: qkv, y, lse };
                    attention::forward(step, &variants, io, &shape);
                }
                true => {
                    let (q, kv, d_q, d_kv) = (qkv, qkv, d_qkv, d_qkv);
                    let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
                    attention::backward(step, &variants, io, &shape);
                }
            };
            figures.push(Some(rate(device, if backward { d_qkv } else { y }, repeats, record)?));
        }
        let what = if backward { "backward" } else { "forward" };
        row(&format!("{what}, {batch} x {heads} x {length} x {head_dim}"), &figures);
    }
    Ok(peak * 1e9)
}

/// The variants that a device can run; on the CPU all have the same twin, so one is enough.
fn candidates<Name: Table>(device: &Device) -> Vec<Name> {
    let most = if device.gpu().is_some() { usize::MAX } else { 1 };
    Name::on(&device.capabilities()).take(most).collect()
}

/// GFLOP/s of what is recorded.
fn rate(
    device: &mut Device,
    output: Slice,
    repeats: usize,
    record: impl Fn(&mut Recording),
) -> Result<f64, DeviceError> {
    let mut step = Recording::default();
    record(&mut step);
    let flop = step.flop() as f64;
    let program = device.compile(step)?;
    Ok(flop * 1e-9 / best_seconds(device, &program, output, repeats)?)
}

fn header(what: &str, variants: &[String]) {
    let names: String = variants.iter().map(|variant| format!("{variant:>10}")).collect();
    say!("\n{what:<48}{names}  GFLOP/s");
}

/// A dash stands for a variant that is not one of the operation.
fn row(what: &str, figures: &[Option<f64>]) {
    let figure = |rate: &Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.1}"));
    let figures: String = figures.iter().map(|rate| format!("{:>10}", figure(rate))).collect();
    say!("{what:<48}{figures}");
}
