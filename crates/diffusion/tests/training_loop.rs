//! Training of a tiny network on a tiny corpus, on the CPU device.

use device::Device;
use diffusion::Schedule;
use diffusion::metrics::Scorer;
use diffusion::training::team::Share;
use diffusion::training::{
    Data, Evaluation, MAX_SKIPPED, MAX_WINDOW, Split, Training, TrainingOptions, TrainingState,
};
use kernels::Variants;
use model::{Beta, Config, Init, Model, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

const CONFIG: Config = Config {
    n_layer: 2,
    n_head: 2,
    n_embd: 16,
    block_size: 16,
    timesteps: 10,
    ..Config::reference(19)
};

const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 8,
    length: 16,
    accumulation: 1,
    objective: Objective::Masked,
    span_length: 3.0,
    schedule: Schedule::Linear,
    times: Times::Uniform,
    weighting: Weighting::Mean,
    stratified: true,
    seed: 5,
    recompute: false,
    window: MAX_WINDOW,
    share: Share::WHOLE,
    outer: None,
    story_starts: 0.0,
    end_of_text: None,
    complementary: 0.0,
    dropout: 0.0,
};

/// The same with every option.
const OPTIONAL: Config = Config {
    timestep_embedding: false,
    value_mixing: true,
    embedding_shortcut: true,
    skips: true,
    head_gates: true,
    ..CONFIG
};

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.01 },
    scalar_lr: 5e-2,
    muon: None,
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

/// Counts upwards, again and again: a token follows from any other.
fn counting() -> Vec<u32> {
    (0..400).map(|n| 3 + n % 16).collect()
}

/// Nothing follows from anything.
fn noise() -> Vec<u32> {
    (0..400u32).map(|n| 3 + (n.wrapping_mul(2_654_435_761) >> 13) % 16).collect()
}

fn random_weights(seed: u64) -> Vec<f32> {
    weights_of(CONFIG, seed)
}

fn weights_of(config: Config, seed: u64) -> Vec<f32> {
    initial_values(&config, &Init { std: 0.05, zero_projections: false, seed })
}

fn training(device: &mut Device, init: &[f32], options: &TrainingOptions) -> Training {
    training_of(device, CONFIG, init, options)
}

fn training_of(
    device: &mut Device,
    config: Config,
    init: &[f32],
    options: &TrainingOptions,
) -> Training {
    let (variants, data) = (Variants::default(), Data::new(counting(), noise()));
    Training::new(device, &variants, config, init, &data, options, &OPTIMIZER)
        .expect("possible settings")
}

fn losses(training: &mut Training, device: &mut Device, steps: u32) -> Vec<f32> {
    (0..steps).for_each(|_| training.step(device).expect("the device answers"));
    let log = block_on(training.log(device)).expect("the device answers");
    log.into_iter().map(|step| step.loss).collect()
}

fn evaluate(training: &mut Training, device: &mut Device, split: Split) -> Evaluation {
    block_on(training.evaluate(device, split, 4)).expect("the device answers")
}

#[test]
fn the_loss_falls_where_there_is_something_to_learn() {
    let mut device = Device::cpu();
    let mut training = training(&mut device, &random_weights(1), &OPTIONS);
    let losses = losses(&mut training, &mut device, 600);
    let guessing = (CONFIG.vocab_size as f32).ln();
    assert!((losses[0] - guessing).abs() < 0.1, "at first {}, guessing {guessing}", losses[0]);
    let last = losses[550..].iter().sum::<f32>() / 50.0;
    assert!(last < 0.7 * guessing, "at last {last}");
    let train = evaluate(&mut training, &mut device, Split::Train);
    let validation = evaluate(&mut training, &mut device, Split::Validation);
    assert!(train.loss < 0.7 * f64::from(guessing), "{train:?}");
    assert!(train.accuracy > 0.4, "{train:?}");
    assert!(validation.loss > f64::from(guessing), "nothing to learn in noise: {validation:?}");
}

/// An evaluation depends on the weights and on nothing else.
#[test]
fn other_weights_have_another_loss() {
    let mut device = Device::cpu();
    let mut evaluation = |init: &[f32], options: &TrainingOptions| {
        let mut training = training(&mut device, init, options);
        evaluate(&mut training, &mut device, Split::Validation)
    };
    // Logits of zero: every token is equally likely, and the first one is no target.
    let zeros = evaluation(&vec![0.0; CONFIG.flat_len()], &OPTIONS);
    let guessing = (CONFIG.vocab_size as f64).ln();
    assert!((zeros.loss - guessing).abs() < 1e-6, "{zeros:?}");
    assert!((zeros.entropy - guessing).abs() < 1e-6, "{zeros:?}");
    assert_eq!(zeros.accuracy, 0.0);
    // 4 batches of 8 x 16 positions, 55% of them masked.
    assert!((200..360).contains(&zeros.masked), "{zeros:?}");

    let one = evaluation(&random_weights(1), &OPTIONS);
    assert_ne!(one, evaluation(&random_weights(2), &OPTIONS));
    assert_ne!(one.loss, zeros.loss);
    let times = Times::Beta(Beta { a: 3.0, b: 3.0, uniform: 0.2 });
    let other_seed = TrainingOptions { seed: 77, times, stratified: false, ..OPTIONS };
    assert_eq!(one, evaluation(&random_weights(1), &other_seed));
}

/// What is dropped belongs to training alone; each microbatch drops something else, and each step.
#[test]
fn dropout_is_noise_of_training_alone() {
    let run = |dropout: f64, seed: u64| {
        let mut device = Device::cpu();
        let options = TrainingOptions { dropout, seed, ..OPTIONS };
        let mut training = training(&mut device, &random_weights(1), &options);
        let evaluation = evaluate(&mut training, &mut device, Split::Validation);
        (evaluation, losses(&mut training, &mut device, 3))
    };
    let (plain, dropped, more) = (run(0.0, 5), run(0.3, 5), run(0.6, 5));
    assert_eq!(plain.0, dropped.0);
    assert!(plain.1[0] != dropped.1[0] && dropped.1[0] != more.1[0]);
    assert_eq!(dropped.1, run(0.3, 5).1);
}

/// The running average is the mean that it should be of the parameters after each step.
#[test]
fn averages_follow_the_parameters() {
    let mut device = Device::cpu();
    let (variants, init) = (Variants::default(), random_weights(1));
    let data = Data::new(counting(), noise());
    let optimizer = OptimizerConfig { average: 0.1, ..OPTIMIZER };
    let mut training =
        Training::new(&mut device, &variants, CONFIG, &init, &data, &OPTIONS, &optimizer)
            .expect("possible settings");
    // The exponent that belongs to a tenth.
    let exponent = 7.937;
    let mut expected = vec![0.0; init.len()];
    for n in 1..=20 {
        training.step(&mut device).expect("the device answers");
        let state = block_on(training.state(&device)).expect("the device answers");
        let keep = (1.0 - 1.0 / f64::from(n)).powf(exponent);
        for (mean, &p) in expected.iter_mut().zip(&state.parameters) {
            *mean = keep * *mean + (1.0 - keep) * f64::from(p);
        }
        let average = state.moments.iter().find(|(name, _)| name == "average");
        let (_, average) = average.expect("an average");
        let far = expected.iter().zip(average).map(|(a, &b)| (a - f64::from(b)).abs());
        assert!(far.fold(0.0, f64::max) < 1e-4, "after {n} steps");
        // It lags behind.
        assert!(n == 1 || *average != state.parameters);
    }
}

/// Sequences that cannot be drawn as they should be are refused.
#[test]
fn impossible_windows_get_a_sentence() {
    let error = |options: TrainingOptions| {
        let mut device = Device::cpu();
        let (variants, data) = (Variants::default(), Data::new(counting(), noise()));
        let init = random_weights(1);
        let training =
            Training::new(&mut device, &variants, CONFIG, &init, &data, &options, &OPTIMIZER);
        training.expect_err("impossible options").to_string()
    };
    let stories = error(TrainingOptions { story_starts: 0.5, ..OPTIONS });
    assert!(stories.contains("set train.story_starts to 0"), "{stories}");
    let pairs = error(TrainingOptions { complementary: 0.5, batch: 1, ..OPTIONS });
    assert!(pairs.contains("no second one for the opposite mask"), "{pairs}");
}

/// Two microbatches of 8 sequences are the batch of 16 with the same draws: only the order of the
/// additions differs.
#[test]
fn accumulation_is_a_larger_batch() {
    for config in [CONFIG, OPTIONAL] {
        accumulates(config);
    }
}

fn accumulates(config: Config) {
    let run = |batch: usize, accumulation: usize| {
        let mut device = Device::cpu();
        let options = TrainingOptions { batch, accumulation, ..OPTIONS };
        let mut training = training_of(&mut device, config, &weights_of(config, 1), &options);
        let losses = losses(&mut training, &mut device, 5);
        (losses, block_on(training.state(&device)).expect("the device answers").parameters)
    };
    let (whole, expected) = run(16, 1);
    for (batch, accumulation) in [(8, 2), (4, 4)] {
        let (losses, parameters) = run(batch, accumulation);
        for (a, b) in losses.iter().zip(&whole) {
            assert!((a - b).abs() < 1e-5, "{accumulation} x {batch}: losses {losses:?}, {whole:?}");
        }
        // AdamW divides by the gradient's own size: float noise of gradients near 0 moves their
        // parameters by a fraction of the learning rate, 0.01.
        let distance = |(a, b): (&f32, &f32)| (a - b).abs();
        let largest = parameters.iter().zip(&expected).map(distance).fold(0.0, f32::max);
        assert!(largest < 1e-3, "{accumulation} x {batch}: parameters differ by {largest}");
        let moved = weights_of(config, 1).iter().zip(&expected).map(distance).fold(0.0, f32::max);
        assert!(moved > 1e-2, "five steps moved the parameters by {moved} at most");
    }
}

/// What is optional changes nothing at first: its weights say so. Then each learns at its own rate,
/// which is the length of AdamW's first step.
#[test]
fn options_begin_as_if_they_were_not_there() {
    let timed = Config { timestep_embedding: true, ..OPTIONAL };
    let (plain, with) = (weights_of(CONFIG, 1), weights_of(timed, 1));
    assert_eq!(with[..CONFIG.flat_len()], plain);
    let mut device = Device::cpu();
    let mut run = training(&mut device, &plain, &OPTIONS);
    let expected = losses(&mut run, &mut device, 1)[0];
    let mut run = training_of(&mut device, timed, &with, &OPTIONS);
    let loss = losses(&mut run, &mut device, 1)[0];
    assert!((loss - expected).abs() < 1e-6, "{loss}, without options {expected}");

    let after = block_on(run.state(&device)).expect("the device answers").parameters;
    let scalars = timed.scalars();
    for tensor in timed.tensors() {
        let change = tensor.range().map(|i| (after[i] - with[i]).abs()).fold(0.0, f32::max);
        let rate = if scalars.contains(&tensor.offset) { 5e-2 } else { 1e-2 };
        assert!((change / rate - 1.0).abs() < 0.02, "{} moved by {change}", tensor.name);
    }
}

#[test]
fn a_run_with_accumulation_resumes_bit_for_bit() {
    let plain = TrainingOptions { batch: 4, accumulation: 2, ..OPTIONS };
    resumes(&plain);
    let (complementary, story_starts, dropout) = (0.5, 0.5, 0.2);
    resumes(&TrainingOptions {
        complementary,
        story_starts,
        end_of_text: Some(3),
        dropout,
        ..plain
    });
}

fn resumes(options: &TrainingOptions) {
    let options = *options;
    let mut device = Device::cpu();
    let mut whole = training(&mut device, &random_weights(1), &options);
    let expected = losses(&mut whole, &mut device, 6);
    let end = block_on(whole.state(&device)).expect("the device answers");

    let mut first = training(&mut device, &random_weights(1), &options);
    let mut found = losses(&mut first, &mut device, 3);
    let state = block_on(first.state(&device)).expect("the device answers");
    let mut device = Device::cpu();
    let mut second = training(&mut device, &random_weights(9), &options);
    second.restore(&mut device, &state).expect("the device answers");
    found.extend(losses(&mut second, &mut device, 3));
    assert_eq!(found, expected);
    assert_eq!(block_on(second.state(&device)).expect("the device answers"), end);
}

#[test]
fn steps_without_a_finite_gradient_are_skipped_and_counted() {
    let mut device = Device::cpu();
    let mut run = training(&mut device, &random_weights(1), &OPTIONS);
    losses(&mut run, &mut device, 3);
    let good = block_on(run.state(&device)).expect("the device answers");
    // Logits overflow.
    let huge = vec![f32::MAX; CONFIG.flat_len()];
    let bad = TrainingState { parameters: huge, ..good.clone() };
    run.restore(&mut device, &bad).expect("a state of this training");
    for n in 1..=MAX_SKIPPED {
        assert!(!run.diverged(), "after {n} steps");
        run.step(&mut device).expect("the device answers");
        let log = block_on(run.log(&device)).expect("the device answers");
        assert!(log.len() == 1 && log[0].skipped(), "{log:?}");
    }
    assert!(run.diverged());
    let after = block_on(run.state(&device)).expect("the device answers");
    let step = bad.step + MAX_SKIPPED;
    assert_eq!(after, TrainingState { step, ..bad }, "parameters and moments stay");

    run.restore(&mut device, &good).expect("a state of this training");
    run.step(&mut device).expect("the device answers");
    let log = block_on(run.log(&device)).expect("the device answers");
    assert!(!log[0].skipped() && !run.diverged(), "{log:?}");
}

#[test]
fn states_of_another_training_are_refused() {
    let mut device = Device::cpu();
    let mut run = training(&mut device, &random_weights(1), &OPTIONS);
    let state = block_on(run.state(&device)).expect("the device answers");
    let mut lacking = state.clone();
    let (name, _) = lacking.moments.pop().expect("a buffer");
    let mut longer = state.clone();
    longer.moments[0].1.push(0.0);
    let mut more = state.clone();
    more.moments.push(("momentum".to_owned(), vec![0.0]));
    let mut fewer = state.clone();
    fewer.parameters.pop();
    let first = format!("`{}`", state.moments[0].0);
    for (other, part) in [
        (lacking, format!("`{name}`").as_str()),
        (longer, &first),
        (more, "`momentum`"),
        (fewer, "parameters and the model"),
    ] {
        let error = run.restore(&mut device, &other).expect_err("another state").to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(block_on(run.state(&device)).expect("the device answers"), state);
    }
}

/// Keeping only the inputs of blocks changes no bit, whatever the number of passes of a step, and
/// saves what follows from its sizes.
#[test]
fn recomputed_activations_are_the_same_and_take_less_memory() {
    const DEEP: Config = Config { n_layer: 5, ..CONFIG };
    let init = initial_values(&DEEP, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let run = |recompute: bool| {
        let mut device = Device::cpu();
        let dropout = 0.2;
        let options = TrainingOptions { batch: 4, accumulation: 2, recompute, dropout, ..OPTIONS };
        let (variants, data) = (Variants::default(), Data::new(counting(), noise()));
        let mut training =
            Training::new(&mut device, &variants, DEEP, &init, &data, &options, &OPTIMIZER)
                .expect("possible settings");
        let memory = device.memory();
        let losses = losses(&mut training, &mut device, 3);
        let evaluation = evaluate(&mut training, &mut device, Split::Validation);
        let state = block_on(training.state(&device)).expect("the device answers");
        ((losses, evaluation, state), memory, training.kept_bytes())
    };
    let (kept, all, kept_bytes) = run(false);
    let (recomputed, fewer, input_bytes) = run(true);
    assert_eq!(recomputed, kept);
    // Floats of a position: two norms, q, k, v, output of the heads and 4 C of the MLP, the norms'
    // factors, and two factors and a sum per head.
    let (positions, c) = (4 * DEEP.block_size as u64, DEEP.n_embd as u64);
    let block = 4 * positions * (10 * c + 2 + 3 * DEEP.n_head as u64);
    let input = 4 * positions * c;
    assert_eq!((kept_bytes, input_bytes), (5 * block, block + 4 * input));
    assert_eq!(all - fewer, 4 * (block - input));
}

/// Scoring keeps the buffers of one block, whatever the depth.
#[test]
fn scoring_takes_no_memory_for_a_backward_pass() {
    let memory = |n_layer: usize| {
        let mut device = Device::cpu();
        let config = Config { n_layer, ..CONFIG };
        let model = Model::new(&mut device, config).expect("it fits");
        let before = device.memory();
        Scorer::new(&mut device, &Variants::default(), &model, 8, 16).expect("it fits");
        device.memory() - before
    };
    assert_eq!(memory(1), memory(9));
}
