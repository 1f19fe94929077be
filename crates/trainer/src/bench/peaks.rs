//! What an adapter can do at most: the two numbers of a roofline (Williams, Waterman and Patterson,
//! "Roofline", CACM 52(4), 2009).

use anyhow::Result;
use device::{Device, Element, Recording};
use kernels::gemm::{self, Op};
use kernels::{GemmVariant, Precision, Variants, relu_squared};
use serde::Serialize;

use super::{best_seconds, operations};
use crate::print::say;

/// Shorter runs measure what it costs to submit them.
const LONG_ENOUGH: f64 = 0.02;

/// Sides of the square matrices that are multiplied, until one takes long enough.
const SIDES: [usize; 4] = [512, 1024, 2048, 4096];

/// Numbers that are streamed: more than caches hold.
const STREAMED: usize = 1 << 24;

/// Most launches of one streaming run.
const MOST_LAUNCHES: usize = 256;

/// Measured rates that no kernel should exceed.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Peaks {
    /// Of the fastest matrix product, in FLOP/s.
    pub(super) flop_per_second: f64,
    /// Of reading one buffer and writing another, in bytes/s.
    pub(super) bytes_per_second: f64,
}

impl Peaks {
    /// Measures and prints them.
    pub(super) fn measure(
        device: &mut Device,
        precision: Precision,
        repeats: usize,
    ) -> Result<Self> {
        let peaks = Self {
            flop_per_second: product(device, precision, repeats)?,
            bytes_per_second: stream(device, repeats)?,
        };
        say!(
            "peaks   {:.1} GFLOP/s (product of square matrices), {:.1} GB/s (one buffer read, another written)",
            peaks.flop_per_second * 1e-9,
            peaks.bytes_per_second * 1e-9
        );
        Ok(peaks)
    }

    /// The least time that so much arithmetic and traffic can take, in seconds.
    pub(super) fn floor(&self, flop: f64, bytes: f64) -> f64 {
        (flop / self.flop_per_second).max(bytes / self.bytes_per_second)
    }
}

fn product(device: &mut Device, precision: Precision, repeats: usize) -> Result<f64> {
    let mut peak = 0.0_f64;
    for variant in operations::candidates::<GemmVariant>(device) {
        let variants = Variants::products(variant);
        if !GemmVariant::of(Op::Nt, &device.capabilities(), precision).any(|of| of == variant) {
            continue;
        }
        for side in SIDES {
            let mut floats = || device.allocate("peak", Element::Float, side * side);
            let io = gemm::Buffers { a: floats()?, b: floats()?, c: floats()? };
            let mut step = Recording::default();
            gemm::record(&mut step, &variants, Op::Nt, io, [side; 3], false);
            let flop = step.flop() as f64;
            let program = device.compile(step)?;
            let seconds = best_seconds(device, &program, io.c, repeats)?;
            peak = peak.max(flop / seconds);
            if seconds >= LONG_ENOUGH {
                break;
            }
        }
    }
    Ok(peak)
}

fn stream(device: &mut Device, repeats: usize) -> Result<f64> {
    let mut floats = || device.allocate("peak", Element::Float, STREAMED);
    let (x, out) = (floats()?, floats()?);
    let mut launches = 1;
    loop {
        let mut step = Recording::default();
        for _ in 0..launches {
            relu_squared::forward(&mut step, relu_squared::Forward { x, out });
        }
        let bytes: u64 = step.launches().iter().map(device::Launch::bytes).sum();
        let program = device.compile(step)?;
        let seconds = best_seconds(device, &program, out, repeats)?;
        if seconds >= LONG_ENOUGH || launches == MOST_LAUNCHES {
            return Ok(bytes as f64 / seconds);
        }
        launches *= 4;
    }
}
