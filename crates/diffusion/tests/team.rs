//! Several devices that share a step: the same bits in any number.

use std::thread;

use device::{AdapterChoice, Device, Gpu};
use diffusion::Schedule;
use diffusion::training::team::{self, Alone, Member, Share, Team};
use diffusion::training::{
    Data, MAX_WINDOW, OuterConfig, Training, TrainingError, TrainingOptions, TrainingState,
};
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
    window: MAX_WINDOW,
    outer: None,
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

fn new(device: &mut Device, options: &TrainingOptions) -> Training {
    let ids: Vec<u32> = (0..400).map(|n| 3 + n % 16).collect();
    let data = Data::new(ids.clone(), ids);
    let init = initial_values(&CONFIG, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let variants = Variants::default();
    Training::new(device, &variants, CONFIG, &init, &data, options, &OPTIMIZER)
        .expect("possible settings")
}

fn train(mut device: Device, team: &mut dyn Team, options: &TrainingOptions) -> End {
    let options = TrainingOptions {
        share: Share { rank: team.rank(), ranks: team.ranks(), ..options.share },
        ..*options
    };
    let mut training = new(&mut device, &options);
    for _ in 0..STEPS {
        block_on(training.step_with(&mut device, team)).expect("the others answer");
    }
    let log = block_on(training.log_with(&device, team)).expect("the others answer");
    let losses = log.iter().map(|step| step.loss).collect();
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
fn rounds_end_with_one_network() {
    let outer = OuterConfig { every: 3, lr: 0.7, momentum: 0.9 };
    let rounds = TrainingOptions { outer: Some(outer), ..OPTIONS };
    let plain = together(Device::cpu, 2, &OPTIONS);
    for open in [Device::cpu as fn() -> Device, gpu] {
        let ends = together(open, 2, &rounds);
        // Two rounds were ended: parameters, moments and what is logged are those of both.
        assert_eq!(ends[0], ends[1], "on {}", open());
        assert_ne!(ends[0].state.parameters, plain[0].state.parameters);
        let (first, last) = (ends[0].losses[0], ends[0].losses[STEPS - 1]);
        // Until the first update each computes its part of the same mean.
        assert!((first - plain[0].losses[0]).abs() < 2e-5, "{first}, {}", plain[0].losses[0]);
        assert!(last < first, "{:?}", ends[0].losses);
    }
}

/// The end of a round without momentum at the full rate is the mean of the networks.
#[test]
fn a_round_ends_with_the_mean() {
    let outer = OuterConfig { every: STEPS as u32, lr: 1.0, momentum: 0.0 };
    let late = OuterConfig { every: 100, ..outer };
    let [ended, alone] = [outer, late]
        .map(|outer| together(Device::cpu, 2, &TrainingOptions { outer: Some(outer), ..OPTIONS }));
    assert_ne!(alone[0].state.parameters, alone[1].state.parameters);
    let both = alone[0].state.parameters.iter().zip(&alone[1].state.parameters);
    for ((one, other), mean) in both.zip(&ended[0].state.parameters) {
        assert!(((one + other) / 2.0 - mean).abs() < 1e-6, "{one} and {other}, {mean}");
    }
    for (number, (name, mean)) in ended[1].state.moments.iter().take(3).enumerate() {
        let [one, other] = [&alone[0], &alone[1]].map(|end| &end.state.moments[number]);
        assert_eq!((name, name), (&one.0, &other.0));
        for ((one, other), mean) in one.1.iter().zip(&other.1).zip(mean) {
            assert!(((one + other) / 2.0 - mean).abs() < 1e-6, "{name}: {one} and {other}, {mean}");
        }
    }
}

/// A device that goes on from the middle of a round, and from its end, goes on as if it had not stopped.
#[test]
fn a_round_is_resumed() {
    let outer = OuterConfig { every: 4, lr: 0.7, momentum: 0.9 };
    let options = TrainingOptions { outer: Some(outer), share: Share::WHOLE, ..OPTIONS };
    let mut device = Device::cpu();
    let mut training = new(&mut device, &options);
    let mut states = Vec::new();
    for _ in 0..9 {
        block_on(training.step_with(&mut device, &mut Alone)).expect("a CPU");
        states.push(block_on(training.state(&device)).expect("a CPU"));
    }
    for start in [4, 6] {
        let mut again = new(&mut device, &options);
        again.restore(&mut device, &states[start - 1]).expect("its own state");
        for state in &states[start..] {
            block_on(again.step_with(&mut device, &mut Alone)).expect("a CPU");
            assert_eq!(&block_on(again.state(&device)).expect("a CPU"), state, "from {start}");
        }
    }
    // Without rounds it is another optimizer.
    let mut plain = new(&mut device, &OPTIONS);
    let error = plain.restore(&mut device, &states[3]).expect_err("a momentum too many");
    assert!(error.to_string().contains("outer.momentum"), "{error}");
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
    let (variants, mut device) = (Variants::default(), Device::cpu());
    let data = Data::new(vec![3; 400], vec![3; 400]);
    let error = Training::new(&mut device, &variants, CONFIG, &init, &data, &options, &OPTIMIZER)
        .expect_err("no four equal parts");
    assert!(matches!(error, TrainingError::Impossible(_)), "{error}");
}
