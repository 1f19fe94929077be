//! Matrix products and attention at the shapes of a model, in every variant.

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::Result;
use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::attention::{self, Shape};
use kernels::gemm::{self, Op};
use kernels::variants::Table;
use kernels::{AttentionVariant, GemmVariant, Variants};
use run::Settings;
use serde::Serialize;

use super::best_seconds;
use crate::print::say;

/// Rates of one operation.
#[derive(Serialize)]
pub(super) struct Rates {
    operation: String,
    /// As its table's head says.
    sizes: Vec<usize>,
    /// FLOP/s by variant.
    flop_per_second: BTreeMap<String, f64>,
}

impl Rates {
    /// FLOP/s of the fastest variant.
    pub(super) fn fastest(&self) -> f64 {
        self.flop_per_second.values().copied().fold(0.0, f64::max)
    }

    fn print(&self, names: &[String]) {
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        let cell = |name| match self.flop_per_second.get(name) {
            Some(rate) => format!("{:>10.1}", rate * 1e-9),
            // It is none of this operation's.
            None => format!("{:>10}", "-"),
        };
        let figures: String = names.iter().map(cell).collect();
        say!("{:<48}{figures}", format!("{}, {}", self.operation, sizes.join(" x ")));
    }
}

/// Measures and prints the products of a training step.
pub(super) fn products(
    device: &mut Device,
    settings: &Settings,
    repeats: usize,
) -> Result<Vec<Rates>> {
    let precision = settings.train.precision;
    let mut all = candidates::<GemmVariant>(device);
    all.retain(|variant| variant.precision() <= precision);
    let variants = named(device, all);
    let names = header("matrix product (m x n x k)", &variants);
    let capabilities = device.capabilities();
    let n = settings.train.batch_size * settings.model.block_size;
    let (c, v) = (settings.model.n_embd, settings.data.vocab_size);
    let mut rows = Vec::new();
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
        let mut rates = Rates {
            operation: what.to_owned(),
            sizes: sizes.to_vec(),
            flop_per_second: BTreeMap::new(),
        };
        for (name, variant) in &variants {
            if !GemmVariant::of(op, &capabilities, precision).any(|of| of == *variant) {
                continue;
            }
            let variants = Variants::products(*variant);
            let partials = gemm::partials(&variants, sizes).max(1);
            let partials = device.allocate("bench", Element::Float, partials)?;
            let record = |step: &mut Recording| {
                let io = gemm::Buffers { a, b, c: out };
                match op {
                    Op::Tn => gemm::gradient(step, &variants, io, partials, sizes, false),
                    _ => gemm::record(step, &variants, op, io, sizes, false),
                }
            };
            let rate = rate(device, out, repeats, record)?;
            rates.flop_per_second.insert(name.clone(), rate);
        }
        rates.print(&names);
        rows.push(rates);
    }
    Ok(rows)
}

/// Measures and prints attention, forward and backward.
pub(super) fn attention(
    device: &mut Device,
    settings: &Settings,
    repeats: usize,
) -> Result<Vec<Rates>> {
    let variants = named(device, candidates::<AttentionVariant>(device));
    let names = header("attention (sequences x heads x tokens x width)", &variants);
    let (batch, length) = (settings.train.batch_size, settings.model.block_size);
    let (heads, c) = (settings.model.n_head, settings.model.n_embd);
    let shape = Shape::bidirectional(batch, length, heads, c / heads);
    let n = batch * length;
    let mut floats = |len| device.allocate("bench", Element::Float, len);
    let (qkv, y, lse) = (floats(3 * n * c)?, floats(n * c)?, floats(n * heads)?);
    let (d_y, delta, d_qkv) = (floats(n * c)?, floats(n * heads)?, floats(3 * n * c)?);
    let mut rows = Vec::new();
    for (what, output) in [("forward", y), ("backward", d_qkv)] {
        let mut rates = Rates {
            operation: what.to_owned(),
            sizes: vec![batch, heads, length, c / heads],
            flop_per_second: BTreeMap::new(),
        };
        for (name, variant) in &variants {
            let variants = Variants { attention: *variant, ..Variants::default() };
            let record = |step: &mut Recording| match what {
                "forward" => {
                    let io = attention::Forward { q: qkv, kv: qkv, y, lse };
                    attention::forward(step, &variants, io, &shape);
                }
                _ => {
                    let (q, kv, d_q, d_kv) = (qkv, qkv, d_qkv, d_qkv);
                    let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
                    attention::backward(step, &variants, io, &shape);
                }
            };
            let rate = rate(device, output, repeats, record)?;
            rates.flop_per_second.insert(name.clone(), rate);
        }
        rates.print(&names);
        rows.push(rates);
    }
    Ok(rows)
}

/// The variants that a device can run; on the CPU all have the same twin, so one is enough.
pub(super) fn candidates<Name: Table>(device: &Device) -> Vec<Name> {
    let most = if device.gpu().is_some() { usize::MAX } else { 1 };
    Name::on(&device.capabilities()).take(most).collect()
}

fn named<Name: Table + Debug>(device: &Device, variants: Vec<Name>) -> Vec<(String, Name)> {
    let name = |variant: &Name| match device.gpu() {
        Some(_) => format!("{variant:?}").to_lowercase(),
        None => "CPU".to_owned(),
    };
    variants.into_iter().map(|variant| (name(&variant), variant)).collect()
}

/// FLOP/s of what is recorded.
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
    Ok(flop / best_seconds(device, &program, output, repeats)?)
}

/// Prints the head of a table; returns the names of its columns.
fn header<Name>(what: &str, variants: &[(String, Name)]) -> Vec<String> {
    let names: Vec<String> = variants.iter().map(|(name, _)| name.clone()).collect();
    let columns: String = names.iter().map(|name| format!("{name:>10}")).collect();
    say!("\n{what:<48}{columns}  GFLOP/s");
    names
}
