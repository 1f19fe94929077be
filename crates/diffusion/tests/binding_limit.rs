//! An adapter that kernels can be bound to little of at once computes the same: parameters,
//! gradient, moments and logits lie in several pages there.

use device::{AdapterChoice, Device, Gpu};
use diffusion::Schedule;
use diffusion::sampler::{
    Generation, Parts, PassOptions, Prediction, SampleOptions, State, Workspace,
};
use diffusion::training::team::Share;
use diffusion::training::{
    Data, Evaluation, MAX_WINDOW, Split, Training, TrainingError, TrainingOptions, TrainingState,
};
use kernels::Variants;
use model::{Config, Init, Model, Objective, Times, Weighting, initial_values};
use optim::{AdamW, Coefficients, DecaySchedule, LrSchedule, MuonConfig, OptimizerConfig};
use pollster::block_on;

/// Bytes: the smallest size that a whole activation of this batch fits.
const LIMIT: u64 = 1 << 20;

/// `configs/tiny.toml`
const TINY: Config = Config {
    n_layer: 2,
    n_head: 4,
    n_embd: 128,
    block_size: 64,
    timesteps: 50,
    mask_id: 2,
    ..Config::reference(1024)
};

const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 8,
    length: 64,
    accumulation: 2,
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
    seed: 1337,
};

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 5e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0 },
    scalar_lr: 0.02,
    muon: Some(MuonConfig {
        lr: 0.01,
        momentum: 0.95,
        weight_decay: 0.0,
        coefficients: Coefficients::Jordan,
    }),
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

fn gpu() -> Device {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any));
    Device::Gpu(Box::new(gpu.expect("the tests need a GPU or a software driver")))
}

fn weights(config: &Config) -> Vec<f32> {
    initial_values(config, &Init { std: 0.05, zero_projections: false, seed: 3 })
}

/// 1 MB: all that can be bound.
fn corpus() -> Vec<u32> {
    (0..250_000u32).map(|n| 3 + (n.wrapping_mul(2_654_435_761) >> 12) % 1021).collect()
}

fn training(
    device: &mut Device,
    config: Config,
    optimizer: &OptimizerConfig,
) -> Result<Training, TrainingError> {
    let (variants, ids, init) = (Variants::default(), corpus(), weights(&config));
    let data = Data::new(ids.clone(), ids[..200_000].to_vec());
    Training::new(device, &variants, config, &init, &data, &OPTIONS, optimizer)
}

/// What three steps leave behind.
fn train(
    mut device: Device,
    limit: Option<u64>,
    optimizer: &OptimizerConfig,
) -> (TrainingState, Vec<[f32; 2]>, Evaluation) {
    if let Some(limit) = limit {
        device.limit_bindings(limit);
    }
    let mut training = training(&mut device, TINY, optimizer).expect("it fits");
    let parameters = &training.model().parameters;
    let pages = parameters.parts(0..parameters.len());
    assert_eq!(pages.count() > 1, limit.is_some());
    if let Some(limit) = limit {
        let bound = training.recording().launches().iter().flat_map(|launch| &launch.buffers);
        let largest = bound.map(|slice| slice.bytes()).max();
        assert!(largest <= Some(limit), "{largest:?} bytes are bound");
    }
    for _ in 0..3 {
        training.step(&mut device).expect("the device answers");
    }
    let log = block_on(training.log(&device)).expect("the device answers");
    let log = log.into_iter().map(|step| [step.loss, step.grad_norm]).collect();
    let evaluation = block_on(training.evaluate(&mut device, Split::Validation, 2));
    let state = block_on(training.state(&device)).expect("the device answers");
    (state, log, evaluation.expect("the device answers"))
}

#[test]
fn a_network_in_pages_trains_to_the_same_numbers() {
    let adamw = OptimizerConfig { muon: None, ..OPTIMIZER };
    let cases: [(fn() -> Device, _); 3] =
        [(Device::cpu, OPTIMIZER), (Device::cpu, adamw), (gpu, OPTIMIZER)];
    for (open, optimizer) in cases {
        let whole = train(open(), None, &optimizer);
        let in_pages = train(open(), Some(LIMIT), &optimizer);
        assert!(whole.1.iter().flatten().all(|number| number.is_finite()));
        assert_eq!((&in_pages.1, in_pages.2), (&whole.1, whole.2), "on {}", open());
        assert!(in_pages.0 == whole.0, "parameters or moments differ on {}", open());
    }
}

#[test]
fn a_state_moves_between_adapters() {
    let mut device = Device::cpu();
    let mut whole = training(&mut device, TINY, &OPTIMIZER).expect("it fits");
    whole.step(&mut device).expect("the device answers");
    let state = block_on(whole.state(&device)).expect("the device answers");
    let mut other = Device::cpu();
    other.limit_bindings(LIMIT);
    let mut in_pages = training(&mut other, TINY, &OPTIMIZER).expect("it fits");
    in_pages.restore(&mut other, &state).expect("a state of this training");
    assert!(block_on(in_pages.state(&other)).expect("the device answers") == state);
}

#[test]
fn a_tensor_beyond_the_limit_is_one_sentence() {
    let mut device = gpu();
    device.limit_bindings(LIMIT);
    let config = Config { vocab_size: 4096, ..TINY };
    let error = training(&mut device, config, &OPTIMIZER).expect_err("too large").to_string();
    let expected = "is too small: embed_forward needs maxStorageBufferBindingSize of 2097152, it has 1048576; choose a smaller batch or model";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn activations_beyond_the_limit_are_one_sentence() {
    for open in [Device::cpu, gpu] {
        let mut device = open();
        device.limit_bindings(LIMIT);
        let (variants, data) = (Variants::default(), Data::new(corpus(), corpus()));
        let init = weights(&TINY);
        // Queries, keys and values of 16 x 64 positions.
        let options = TrainingOptions { batch: 16, ..OPTIONS };
        let training =
            Training::new(&mut device, &variants, TINY, &init, &data, &options, &OPTIMIZER);
        let error = training.map(|_| ()).expect_err("too large").to_string();
        let expected = format!(
            "`qkv` takes 1572864 bytes, and kernels of {device} can be bound to 1048576 at a time; make the batch or the sequences smaller"
        );
        assert_eq!(error, expected);
    }
}

/// Greedy texts of 32 x 64 positions, whose logits are 2 MiB at a time.
fn generate(mut device: Device, limit: Option<u64>) -> Vec<(State, Vec<Option<Prediction>>)> {
    const NARROW: Config = Config { n_embd: 32, vocab_size: 2048, ..TINY };
    if let Some(limit) = limit {
        device.limit_bindings(limit);
    }
    let model = Model::new(&mut device, NARROW).expect("it fits");
    model.parameters.write(&mut device, &weights(&NARROW)).expect("it fits");
    let workspace = Workspace::new(&mut device, &NARROW, 32, 64).expect("it fits");
    let variants = Variants::default();
    let parts = Parts { model: &model, variants: &variants, workspace: &workspace };
    let prompts: Vec<Vec<Option<u32>>> = (0..32).map(|n| vec![Some(3 + n); 5]).collect();
    let prompts: Vec<_> =
        prompts.into_iter().map(|given| [given, vec![None; 59]].concat()).collect();
    let options =
        SampleOptions { steps: Some(3), temperature: 0.0, seed: 7, ..SampleOptions::default() };
    let pass = PassOptions { predictions: true, ..PassOptions::default() };
    let mut generation =
        Generation::new(&mut device, parts, &prompts, &options, pass).expect("possible");
    let largest = generation.recording().launches().iter().flat_map(|launch| &launch.buffers);
    let largest = largest.map(|slice| slice.bytes()).max();
    assert_eq!(largest > Some(LIMIT), limit.is_none(), "{largest:?} bytes are bound");
    let mut frames = Vec::new();
    while let Some(frame) =
        block_on(generation.step_with_predictions(&mut device)).expect("the device answers")
    {
        frames.push(frame);
    }
    frames
}

#[test]
fn logits_in_runs_give_the_same_texts() {
    for open in [Device::cpu, gpu] {
        let whole = generate(open(), None);
        assert_eq!(whole.len(), 3);
        assert!(generate(open(), Some(LIMIT)) == whole, "on {}", open());
    }
}
