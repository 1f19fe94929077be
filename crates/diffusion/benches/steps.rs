//! A training step and a denoising step of a small network (2 layers, 128 wide, 8 x 64 tokens), on
//! the CPU device, and on the GPU if there is one (a software driver counts).
//!
//! `cargo bench --bench steps`; `trainer bench` measures the shapes of any settings.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use device::{AdapterChoice, Device, Gpu};
use diffusion::Schedule;
use diffusion::sampler::{Generation, Parts, PassOptions, SampleOptions, Workspace};
use diffusion::training::team::Share;
use diffusion::training::{Data, MAX_WINDOW, Training, TrainingOptions};
use model::{Config, Init, Model, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

const BATCH: usize = 8;
const LENGTH: usize = 64;

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0 },
    scalar_lr: 0.02,
    muon: None,
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

fn all(criterion: &mut Criterion) {
    let config = Config {
        n_layer: 2,
        n_head: 2,
        n_embd: 128,
        block_size: LENGTH,
        ..Config::reference(2048)
    };
    let values = initial_values(&config, &Init { seed: 1, std: 0.02, zero_projections: false });
    let ids: Vec<u32> = (0..4096).map(|n| n * 7919 % 2048).collect();
    let mut devices = vec![("CPU", Device::cpu())];
    if let Ok(gpu) = block_on(Gpu::open(&AdapterChoice::Any)) {
        devices.push(("GPU", Device::Gpu(Box::new(gpu))));
    }
    for (name, mut device) in devices {
        let variants = block_on(kernels::tune::measure(&mut device, kernels::Precision::F32))
            .expect("the device answers");
        let mut group = criterion.benchmark_group("steps");
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        group.throughput(Throughput::Elements((BATCH * LENGTH) as u64));

        let options = TrainingOptions {
            batch: BATCH,
            length: LENGTH,
            accumulation: 1,
            recompute: false,
            window: MAX_WINDOW,
            share: Share::WHOLE,
            outer: None,
            story_starts: 0.0,
            end_of_text: None,
            complementary: 0.0,
            dropout: 0.0,
            objective: Objective::Masked,
            span_length: 1.0,
            schedule: Schedule::Cosine2,
            times: Times::Uniform,
            weighting: Weighting::Mean,
            stratified: true,
            seed: 1,
        };
        let mut training = Training::new(
            &mut device,
            &variants,
            config,
            &values,
            &Data::new(ids.clone(), ids.clone()),
            &options,
            &OPTIMIZER,
        )
        .expect("it fits");
        group.bench_function(format!("training, {name}"), |bencher| {
            bencher.iter(|| {
                training.step(&mut device).expect("the device answers");
                // Reading waits for the step.
                block_on(training.log(&device)).expect("the device answers")
            });
        });

        let model = Model::new(&mut device, config).expect("it fits");
        model.parameters.write(&mut device, &values).expect("it fits");
        let workspace = Workspace::new(&mut device, &config, BATCH, LENGTH).expect("it fits");
        let prompts = vec![vec![None; LENGTH]; BATCH];
        let options = SampleOptions::default();
        let parts = Parts { model: &model, variants: &variants, workspace: &workspace };
        let pass = PassOptions::default();
        let mut generation =
            Generation::new(&mut device, parts, &prompts, &options, pass).expect("possible");
        let start = block_on(generation.read_state(&device)).expect("the device answers");
        group.bench_function(format!("denoising, {name}"), |bencher| {
            bencher.iter(|| {
                if generation.finished() {
                    generation.set_state(&mut device, &start).expect("the device answers");
                }
                generation.step(&mut device).expect("the device answers");
                block_on(generation.read_state(&device)).expect("the device answers")
            });
        });
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
