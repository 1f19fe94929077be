//! Kernels of a training step at the shapes of a small model: 1,024 positions, 256 channels,
//! vocabulary 2,048. On the CPU device, and on the GPU if there is one (a software driver counts).
//!
//! `cargo bench --bench kernels`, with a name to measure only some.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use device::{AdapterChoice, Device, Element, Gpu, Recording, Slice};
use kernels::attention::{self, Shape};
use kernels::gemm::{self, Op};
use kernels::{Precision, Variants, adamw, cross_entropy, embed, relu_squared, rmsnorm};
use pollster::block_on;

const POSITIONS: usize = 1024;
const CHANNELS: usize = 256;
const VOCABULARY: usize = 2048;
const SHAPE: Shape = Shape::bidirectional(8, 128, 4, 64);

/// Records a kernel's launches and names a buffer that they write.
type Record = fn(&mut Device, &Variants, &mut Recording) -> Slice;

const KERNELS: [(&str, Record); 10] = [
    ("gemm_nt", |device, variants, step| product(device, variants, step, Op::Nt)),
    ("gemm_nn", |device, variants, step| product(device, variants, step, Op::Nn)),
    ("gemm_tn", |device, variants, step| product(device, variants, step, Op::Tn)),
    ("attention_forward", |device, variants, step| {
        let [qkv, y, lse] = attention_buffers(device);
        let io = attention::Forward { q: qkv, kv: qkv, y, lse };
        attention::forward(step, variants, io, &SHAPE);
        y
    }),
    ("attention_backward", |device, variants, step| {
        let [qkv, y, lse] = attention_buffers(device);
        let (d_y, d_qkv) = (floats(device, y.len), floats(device, qkv.len));
        let delta = floats(device, lse.len);
        let io =
            attention::Backward { q: qkv, kv: qkv, y, lse, d_y, delta, d_q: d_qkv, d_kv: d_qkv };
        attention::backward(step, variants, io, &SHAPE);
        d_qkv
    }),
    ("rmsnorm_residual_forward", |device, _, step| {
        let [x, y, sum, h] = [0; 4].map(|_| floats(device, POSITIONS * CHANNELS));
        let inv_rms = floats(device, POSITIONS);
        rmsnorm::residual_forward(step, rmsnorm::ResidualForward { x, y, sum, h, inv_rms });
        h
    }),
    ("cross_entropy", |device, _, step| {
        let logits = floats(device, POSITIONS * VOCABULARY);
        let targets = device.words("targets", &[7; POSITIONS]).expect("it fits");
        let [lse, loss, hit, entropy, weights] = [0; 5].map(|_| floats(device, POSITIONS));
        cross_entropy::forward(
            step,
            logits,
            targets,
            cross_entropy::TokenStats { lse, loss, hit, entropy },
        );
        cross_entropy::backward(step, cross_entropy::Backward { targets, weights, lse, logits });
        lse
    }),
    ("embed, timestep per sequence", |device, _, step| embedding(device, step, 128)),
    ("embed, timestep per position", |device, _, step| embedding(device, step, 1)),
    ("relu_squared_forward", |device, _, step| {
        let [x, out] = [0; 2].map(|_| floats(device, 4 * POSITIONS * CHANNELS));
        relu_squared::forward(step, relu_squared::Forward { x, out });
        out
    }),
];

fn floats(device: &mut Device, len: usize) -> Slice {
    let values: Vec<f32> = (0..len).map(|n| (n % 251) as f32 / 251.0 - 0.5).collect();
    device.floats("bench", &values).expect("it fits")
}

fn product(device: &mut Device, variants: &Variants, step: &mut Recording, op: Op) -> Slice {
    let (m, n, k) = (POSITIONS, 4 * CHANNELS, CHANNELS);
    let (a, b, c) = (floats(device, m * k), floats(device, n * k), floats(device, m * n));
    gemm::record(step, variants, op, gemm::Buffers { a, b, c }, [m, n, k], false);
    c
}

/// The backward pass of an embedding with a timestep for every `span` positions.
fn embedding(device: &mut Device, step: &mut Recording, span: usize) -> Slice {
    const TIMESTEPS: usize = 100;
    let numbers = |count: usize, below: usize| -> Vec<u32> {
        (0..count).map(|n| (n * 7919 % below) as u32).collect()
    };
    let mut words = |data: Vec<u32>| device.words("bench", &data).expect("it fits");
    let ids = words(numbers(POSITIONS, VOCABULARY));
    let timesteps = words(numbers(POSITIONS / span, TIMESTEPS));
    let smaller = words(vec![0; embed::BATCH_PARTS * (VOCABULARY + 1)]);
    let (starts, positions) = (words(vec![0; VOCABULARY + 1]), words(vec![0; POSITIONS]));
    let [d_e, run_sums] = [0; 2].map(|_| floats(device, POSITIONS * CHANNELS));
    let (d_token_emb, table) =
        (floats(device, VOCABULARY * CHANNELS), floats(device, (TIMESTEPS + 1) * CHANNELS));
    let d_time = Some(embed::Time { timesteps, span, table, rows: TIMESTEPS + 1 });
    let shape = embed::Shape { rows: POSITIONS, channels: CHANNELS, vocabulary: VOCABULARY };
    let io =
        embed::Backward { ids, d_e, smaller, starts, positions, run_sums, d_token_emb, d_time };
    embed::backward(step, io, shape, false);
    table
}

fn attention_buffers(device: &mut Device) -> [Slice; 3] {
    let qkv = floats(device, 3 * POSITIONS * CHANNELS);
    [qkv, floats(device, POSITIONS * CHANNELS), floats(device, POSITIONS * SHAPE.heads)]
}

fn adamw_update(device: &mut Device, step: &mut Recording) -> Slice {
    let [d_p, p, m, v] = [0; 4].map(|_| floats(device, 1 << 20));
    let counter = device.allocate("counter", Element::Word, 1).expect("it fits");
    let control = device.floats("control", &[1.0; 4]).expect("it fits");
    let config = adamw::AdamW { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0 };
    adamw::record(step, adamw::Buffers { counter, control, d_p, p, m, v }, config, false);
    p
}

fn all(criterion: &mut Criterion) {
    let mut devices = vec![("CPU", Device::cpu())];
    if let Ok(gpu) = block_on(Gpu::open(&AdapterChoice::Any)) {
        devices.push(("GPU", Device::Gpu(Box::new(gpu))));
    }
    for (name, mut device) in devices {
        let variants = block_on(kernels::tune::measure(&mut device, Precision::F32))
            .expect("the device answers");
        let update: Record = |device, _, step| adamw_update(device, step);
        for (kernel, record) in KERNELS.into_iter().chain([("adamw", update)]) {
            let mut step = Recording::default();
            let output = record(&mut device, &variants, &mut step);
            let mut group = criterion.benchmark_group(kernel);
            group.sample_size(10).warm_up_time(Duration::from_millis(300));
            group.measurement_time(Duration::from_secs(2));
            // Floating-point operations of a run.
            group.throughput(Throughput::Elements(step.flop()));
            let program = device.compile(step).expect("it compiles");
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    device.run(&program).expect("the device answers");
                    // Reading waits for what runs before it.
                    black_box(block_on(device.read_floats(output.part(0, 1)))).map(drop)
                });
            });
        }
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
