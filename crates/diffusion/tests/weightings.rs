//! What the weightings of the loss promise, by brute force over every way to mask a text of three
//! tokens.

use device::{Device, Recording};
use diffusion::Schedule;
use diffusion::metrics::Scorer;
use diffusion::training::step::{self, Parts};
use diffusion::training::team::Share;
use diffusion::training::{Batches, Corpus, MAX_WINDOW, TrainingOptions};
use kernels::Variants;
use model::{Config, Init, LEAST_SHARE, Model, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

/// Three tokens and `[MASK]`; the network is not told the time.
const CONFIG: Config = Config {
    n_layer: 1,
    n_head: 2,
    n_embd: 8,
    block_size: 3,
    timesteps: 4,
    mask_id: 3,
    timestep_embedding: false,
    ..Config::reference(4)
};
const TEXT: [u32; 3] = [1, 0, 2];
const SCHEDULE: Schedule = Schedule::Cosine2;
/// Steps whose losses are averaged.
const STEPS: usize = 1000;

const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 32,
    length: 3,
    accumulation: 1,
    objective: Objective::Masked,
    span_length: 3.0,
    schedule: SCHEDULE,
    times: Times::Uniform,
    weighting: Weighting::Mean,
    stratified: false,
    seed: 8,
    recompute: false,
    window: MAX_WINDOW,
    share: Share::WHOLE,
    outer: None,
    story_starts: 0.0,
    end_of_text: None,
    complementary: 0.0,
    dropout: 0.0,
};

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0 },
    scalar_lr: 5e-2,
    muon: None,
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

fn network(device: &mut Device) -> Model {
    let values = initial_values(&CONFIG, &Init { std: 0.7, zero_projections: false, seed: 4 });
    let model = Model::new(device, CONFIG).expect("it fits");
    model.parameters.write(device, &values).expect("the device answers");
    model
}

/// Sum of the cross-entropies of the masked tokens, for each of the eight sets of masks.
fn sums(device: &mut Device, model: &Model) -> [f64; 8] {
    let hidden = |set: u32, i: usize| set >> i & 1 == 1;
    let seen = (0..8)
        .flat_map(|set| (0..3).map(move |i| if hidden(set, i) { CONFIG.mask_id } else { TEXT[i] }));
    let seen: Vec<u32> = seen.collect();
    let scorer = Scorer::new(device, &Variants::default(), model, 8, 3).expect("it fits");
    let targets = TEXT.repeat(8);
    let scores = scorer.score(device, &seen, &targets, &[0; 8]);
    let losses = block_on(scores).expect("the device answers").loss;
    std::array::from_fn(|set| {
        let masked = (0..3).filter(|&i| hidden(set as u32, i));
        masked.map(|i| f64::from(losses[3 * set + i])).sum()
    })
}

/// Expectation of a sum over the masked tokens when each is masked with probability `share`.
fn expected(sums: &[f64; 8], share: f64) -> f64 {
    let chance = |set: usize| {
        let hidden = set.count_ones() as i32;
        share.powi(hidden) * (1.0 - share).powi(3 - hidden)
    };
    sums.iter().enumerate().map(|(set, sum)| chance(set) * sum).sum()
}

/// Mean and standard error of the losses of [`STEPS`] steps on batches of the text alone.
fn losses(options: &TrainingOptions) -> (f64, f64) {
    let mut device = Device::cpu();
    let model = Model { objective: options.objective, ..network(&mut device) };
    let corpus = Corpus::new(&mut device, "corpus", &TEXT.to_vec(), MAX_WINDOW, CONFIG.vocab_size)
        .expect("it fits");
    let batches = Batches::drawn(&mut device, &CONFIG, options, corpus).expect("it fits");
    let variants = Variants::default();
    let parts = Parts::new(&mut device, &variants, model, batches, &OPTIMIZER, STEPS, false);
    let parts = parts.expect("it fits");
    let mut recording = Recording::default();
    step::record_gradient(&mut recording, &variants, &parts);
    let program = device.compile(recording).expect("it fits");
    for _ in 0..STEPS {
        device.run(&program).expect("the device answers");
    }
    let losses = block_on(device.read_floats(parts.losses)).expect("the device answers");
    let count = losses.len() as f64;
    let mean = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / count;
    let scatter: f64 = losses.iter().map(|&loss| (f64::from(loss) - mean).powi(2)).sum();
    (mean, (scatter / (count - 1.0) / count).sqrt())
}

/// With `elbo` a loss estimates the bound, in nats per token: exactly what `eval` adds up.
#[test]
fn elbo_estimates_the_bound() {
    let mut device = Device::oracle();
    let model = network(&mut device);
    let sums = sums(&mut device, &model);
    let term = |t: usize| SCHEDULE.elbo_weight(t, 4) * expected(&sums, 1.0 - SCHEDULE.alpha(t, 4));
    let bound = (1..=4).map(term).sum::<f64>() / 3.0;
    for stratified in [false, true] {
        let options = TrainingOptions { weighting: Weighting::Elbo, stratified, ..OPTIONS };
        let (mean, error) = losses(&options);
        assert!(error < 0.01 * bound, "{mean} +- {error}");
        assert!((mean - bound).abs() < 4.0 * error, "{mean} +- {error}, not {bound}");
    }
    // The mean over masked tokens is another number.
    let (mean, error) = losses(&OPTIONS);
    assert!((mean - bound).abs() > 8.0 * error, "{mean} +- {error} cannot be told from {bound}");
}

/// With blocks of one token that bound is the likelihood: each token from those before it.
#[test]
fn elbo_of_single_tokens_estimates_their_likelihood() {
    let mut device = Device::oracle();
    let model = Model { objective: Objective::Block(1), ..network(&mut device) };
    let scorer = Scorer::new(&mut device, &Variants::default(), &model, 1, 3).expect("it fits");
    let seen = [&[CONFIG.mask_id; 3], &TEXT[..]].concat();
    let targets = TEXT.repeat(2);
    let scores = scorer.score(&mut device, &seen, &targets, &[0; 6]);
    let nats = block_on(scores).expect("the device answers").loss;
    let exact = nats[..3].iter().map(|&nats| f64::from(nats)).sum::<f64>() / 3.0;
    for stratified in [false, true] {
        let (objective, weighting) = (Objective::Block(1), Weighting::Elbo);
        let (mean, error) =
            losses(&TrainingOptions { objective, weighting, stratified, ..OPTIONS });
        assert!(error < 0.02 * exact, "{mean} +- {error}");
        assert!((mean - exact).abs() < 4.0 * error, "{mean} +- {error}, not {exact}");
    }
}

/// With `llada` a loss estimates the same integral over the masked share, whatever the schedule.
#[test]
fn llada_estimates_its_integral() {
    let mut device = Device::oracle();
    let model = network(&mut device);
    let sums = sums(&mut device, &model);
    let cells = 100_000;
    let term = |cell: usize| {
        let share = LEAST_SHARE + (1.0 - LEAST_SHARE) * (cell as f64 + 0.5) / f64::from(cells);
        expected(&sums, share) / share
    };
    let integral = (0..cells as usize).map(term).sum::<f64>() / f64::from(cells) / 3.0;
    for schedule in Schedule::ALL {
        let weighting = Weighting::Llada;
        let options = TrainingOptions { weighting, schedule, stratified: true, ..OPTIONS };
        let (mean, error) = losses(&options);
        assert!(error < 0.02 * integral, "{schedule}: {mean} +- {error}");
        assert!((mean - integral).abs() < 4.0 * error, "{schedule}: {mean} +- {error}, {integral}");
    }
}
