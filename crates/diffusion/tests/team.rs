//! Several devices that share a step: the same bits in any number.

use std::thread;

use device::{AdapterChoice, Device, Gpu};
use diffusion::Schedule;
use diffusion::training::team::{self, Alone, Member, Share, Team};
use diffusion::training::{Training, TrainingError, TrainingOptions, TrainingState};
use kernels::Variants;
use model::{Config, Init, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

const CONFIG: Config = Config {
    n_layer: 2,
    n_head: 2,
    n_embd: 16,
    block_size: 16,
    timesteps: 10,
    timestep_embedding: false,
    ..Config::reference(19)
};

const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 4,
    length: 16,
    accumulation: 8,
    objective: Objective::Masked,
    span_length: 3.0,
    schedule: Schedule::Linear,
    times: Times::Uniform,
    weighting: Weighting::Mean,
    stratified: true,
    seed: 5,
    recompute: false,
    share: Share { parts: 4, rank: 0, ranks: 1 },
    story_starts: 0.0,
    end_of_text: None,
    complementary: 0.0,
    dropout: 0.1,
};

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.01 },
    scalar_lr: 5e-2,
    muon: None,
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.1,
};

const STEPS: usize = 6;

/// What a device knows at the end.
#[derive(Debug, PartialEq)]
struct End {
    losses: Vec<f32>,
    norms: Vec<f32>,
    state: TrainingState,
}

fn train(mut device: Device, team: &mut dyn Team, options: &TrainingOptions) -> End {
    let options = TrainingOptions {
        share: Share { rank: team.rank(), ranks: team.ranks(), ..options.share },
        ..*options
    };
    let ids: Vec<u32> = (0..400).map(|n| 3 + n % 16).collect();
    let init = initial_values(&CONFIG, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let variants = Variants::default();
    let mut training =
        Training::new(&mut device, &variants, CONFIG, &init, &ids, &ids, &options, &OPTIMIZER)
            .expect("possible settings");
    for _ in 0..STEPS {
        block_on(training.step_with(&mut device, team)).expect("the others answer");
    }
    let log = block_on(training.log(&device)).expect("the device answers");
    let mut losses: Vec<_> = log.iter().map(|step| step.loss).collect();
    team::sum(team, &mut losses).expect("the others answer");
    let state = block_on(training.state(&device)).expect("the device answers");
    End { losses, norms: log.iter().map(|step| step.grad_norm).collect(), state }
}

fn together(open: fn() -> Device, ranks: usize, options: &TrainingOptions) -> Vec<End> {
    thread::scope(|scope| {
        let members = Member::connected(ranks).into_iter();
        let threads: Vec<_> = members
            .map(|mut member| scope.spawn(move || train(open(), &mut member, options)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

fn gpu() -> Device {
    Device::Gpu(Box::new(block_on(Gpu::open(&AdapterChoice::Any)).expect("a GPU or its driver")))
}

#[test]
fn any_number_of_devices_gives_the_same_bits() {
    for open in [Device::cpu as fn() -> Device, gpu] {
        let alone = train(open(), &mut Alone, &OPTIONS);
        for ranks in [1, 2, 4] {
            for (rank, end) in together(open, ranks, &OPTIONS).iter().enumerate() {
                assert_eq!(end, &alone, "rank {rank} of {ranks} on {}", open());
            }
        }
    }
}

/// The parts of a step are summed in another order than its microbatches are without parts, and that is all.
#[test]
fn a_divided_step_is_the_step() {
    for objective in [Objective::Masked, Objective::Autoregressive, Objective::Block(4)] {
        let divided = TrainingOptions { objective, ..OPTIONS };
        let whole = TrainingOptions { share: Share::WHOLE, ..divided };
        let whole = train(Device::cpu(), &mut Alone, &whole);
        let divided = train(Device::cpu(), &mut Alone, &divided);
        assert!(whole.losses[0] > whole.losses[STEPS - 1], "{objective}: {:?}", whole.losses);
        for (whole, divided) in whole.losses.iter().zip(&divided.losses) {
            assert!((whole - divided).abs() < 2e-5, "{objective}: {divided}, undivided {whole}");
        }
        for (whole, divided) in whole.norms.iter().zip(&divided.norms) {
            assert!((whole - divided).abs() < 1e-3 * whole, "{objective}: {divided}, {whole}");
        }
    }
}

#[test]
fn one_that_ends_is_named_to_the_others() {
    let [mut first, second] = Member::connected(2).try_into().expect("two members");
    let waiting = thread::spawn(move || team::sum(&mut first, &mut [1.0]));
    drop(second);
    let error = waiting.join().expect("no panic").expect_err("nobody answers");
    assert_eq!(error.to_string(), "rank 1 ended before the training did");
}

#[test]
fn a_step_that_cannot_be_shared_is_refused() {
    let options = TrainingOptions { accumulation: 6, ..OPTIONS };
    let init = initial_values(&CONFIG, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let (variants, ids, mut device) = (Variants::default(), vec![3; 400], Device::cpu());
    let error =
        Training::new(&mut device, &variants, CONFIG, &init, &ids, &ids, &options, &OPTIMIZER)
            .expect_err("no four equal parts");
    assert!(matches!(error, TrainingError::Impossible(_)), "{error}");
}
