//! What each objective promises: gradients, likelihoods by brute force over all texts of three tokens,
//! and learning.

use device::{AdapterChoice, Device, Gpu, Recording};
use diffusion::metrics::{NoiseBound, Scorer, stratified_times};
use diffusion::sampler::{
    Generation, Parts as Sampling, PassOptions, Prediction, SampleOptions, SamplerKind, Workspace,
};
use diffusion::training::step::{self, Parts};
use diffusion::training::team::Share;
use diffusion::training::{Batches, Corpus, Data, MAX_WINDOW, Split, Training, TrainingOptions};
use diffusion::{Probe, Question, Schedule};
use kernels::Variants;
use kernels::dropout::Dropout;
use model::{Config, Init, Model, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

/// Three tokens and `[MASK]`.
const TINY: Config = Config {
    n_layer: 1,
    n_head: 2,
    n_embd: 8,
    block_size: 3,
    timesteps: 4,
    mask_id: 3,
    timestep_embedding: false,
    ..Config::reference(4)
};
const CLEAN: u32 = 3;

const OBJECTIVES: [Objective; 6] = [
    Objective::Masked,
    Objective::Span,
    Objective::Uniform,
    Objective::Replaced,
    Objective::Block(4),
    Objective::Autoregressive,
];

const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 4,
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

fn network(device: &mut Device, config: Config, objective: Objective, std: f32) -> Model {
    let values = initial_values(&config, &Init { std, zero_projections: false, seed: 4 });
    let model = Model::new(device, config).expect("it fits");
    model.parameters.write(device, &values).expect("the device answers");
    Model { objective, ..model }
}

/// All texts of three of the first `tokens` tokens.
fn texts(tokens: u32) -> Vec<Vec<u32>> {
    (0..tokens.pow(3))
        .map(|n| [n / tokens / tokens, n / tokens % tokens, n % tokens].to_vec())
        .collect()
}

/// Cross-entropy in f64 of each position of `targets` for a network that sees `seen` at `times`.
fn losses(
    device: &mut Device,
    model: &Model,
    seen: &[u32],
    targets: &[u32],
    times: &[u32],
) -> Vec<f64> {
    let length = model.config.block_size;
    let scorer = Scorer::new(device, &Variants::default(), model, times.len(), length);
    let scores = scorer.expect("it fits");
    let scores = block_on(scores.score(device, seen, targets, times)).expect("the device answers");
    scores.loss.into_iter().map(f64::from).collect()
}

fn probe(objective: Objective) -> Probe {
    Probe::new(&TINY, objective, Schedule::Cosine2, Schedule::Cosine2)
}

/// Probability of every text of [`texts`] of four tokens.
fn autoregressive_likelihoods(device: &mut Device, model: &Model) -> Vec<f64> {
    let (all, probe) = (texts(4), probe(Objective::Autoregressive));
    assert_eq!(probe.times(), 1);
    let questions: Vec<_> = all.iter().map(|text| probe.question(text, &[1], 0, 0)).collect();
    let seen: Vec<u32> = questions.iter().flat_map(|question| question.seen.clone()).collect();
    let told: Vec<u32> = questions.iter().flat_map(|question| question.told.clone()).collect();
    let losses = losses(device, model, &seen, &all.concat(), &told);
    let of_text = |(loss, question): (&[f64], &Question)| {
        let mut bound = probe.bound();
        let loss: Vec<f32> = loss.iter().map(|&nats| nats as f32).collect();
        bound.add(&[1], &loss, &question.mask);
        (-bound.nats_per_sequence().0).exp()
    };
    losses.chunks(3).zip(&questions).map(of_text).collect()
}

/// No token knows itself or one behind it: the probabilities of all texts sum to one.
#[test]
fn autoregressive_likelihoods_are_those_of_a_distribution() {
    let mut device = Device::oracle();
    let model = network(&mut device, TINY, Objective::Autoregressive, 0.7);
    let likelihoods = autoregressive_likelihoods(&mut device, &model);
    let total: f64 = likelihoods.iter().sum();
    assert!((total - 1.0).abs() < 1e-5, "{total}");
    let most = likelihoods.iter().copied().fold(0.0, f64::max);
    assert!(most > 2.0 / 64.0, "the network has an opinion: {most}");
    // The same network, bidirectional, would see what it is asked.
    let model = Model { objective: Objective::Masked, ..model };
    let total: f64 = autoregressive_likelihoods(&mut device, &model).iter().sum();
    assert!((total - 1.0).abs() > 1e-3, "{total}");
}

/// Texts are drawn as often as their likelihood says, given that no token is the mask.
#[test]
fn autoregressive_texts_follow_their_likelihood() {
    let mut device = Device::cpu();
    let model = network(&mut device, TINY, Objective::Autoregressive, 0.7);
    let likelihoods = autoregressive_likelihoods(&mut device, &model);
    let whole = |given: &[u32]| -> f64 {
        let texts = texts(4).into_iter().zip(&likelihoods);
        texts.filter(|(text, _)| text.starts_with(given)).map(|(_, p)| p).sum()
    };
    let drawn_with = |text: &[u32]| -> f64 {
        let step = |i: usize| {
            let others = (0..CLEAN).map(|token| whole(&[&text[..i], &[token]].concat()));
            whole(&text[..=i]) / others.sum::<f64>()
        };
        (0..3).map(step).product()
    };
    let count = 3000;
    let workspace = Workspace::new(&mut device, &TINY, count, 3).expect("it fits");
    let options =
        SampleOptions { sampler: SamplerKind::LeftToRight.into(), seed: 9, ..Default::default() };
    let variants = Variants::default();
    let parts = Sampling { model: &model, variants: &variants, workspace: &workspace };
    let prompts = vec![vec![None; 3]; count];
    let generation =
        Generation::new(&mut device, parts, &prompts, &options, PassOptions::default());
    let mut generation = generation.expect("possible");
    generation.run(&mut device).expect("the device answers");
    let state = block_on(generation.read_state(&device)).expect("the device answers");
    for text in texts(CLEAN) {
        let expected = drawn_with(&text);
        let found = (0..count).filter(|&row| state.row(row) == text).count() as f64;
        let error = 4.5 * (expected * (1.0 - expected) * count as f64).sqrt();
        let expected = expected * count as f64;
        assert!((found - expected).abs() < error, "{text:?}: {found} times, not {expected:.1}");
    }
}

/// Every state on the way from three masks to a text, and the bound on the text's likelihood that
/// they give: it is one, and it is what random masks estimate.
#[test]
fn the_bound_of_a_masked_network_holds() {
    let mut device = Device::oracle();
    let config = Config { timestep_embedding: true, ..TINY };
    let model = network(&mut device, config, Objective::Masked, 0.7);
    let (all, last, probe) = (texts(CLEAN), config.timesteps, probe(Objective::Masked));
    let (mut seen, mut targets, mut times) = (vec![], vec![], vec![]);
    for text in &all {
        for (t, set) in (1..=last).flat_map(|t| (0..8u32).map(move |set| (t, set))) {
            let hidden = |i: usize| set >> i & 1 == 1;
            seen.extend((0..3).map(|i| if hidden(i) { config.mask_id } else { text[i] }));
            targets.extend(text);
            times.push(probe.told(t));
        }
    }
    assert_eq!(times[..9], [1, 1, 1, 1, 1, 1, 1, 1, 2]);
    let raw = losses(&mut device, &model, &seen, &targets, &times);
    // Texts are drawn from what is left without `[MASK]`.
    let masks = vec![config.mask_id; targets.len()];
    let lost = losses(&mut device, &model, &seen, &masks, &times);
    let losses: Vec<f64> =
        raw.iter().zip(lost).map(|(nats, lost)| nats + (1.0 - (-lost).exp()).ln()).collect();
    let schedule = Schedule::Cosine2;
    let mut total = 0.0;
    for (number, (text, losses)) in all.iter().zip(losses.chunks(3 * 8 * last)).enumerate() {
        let loss = |t: usize, set: u32| &losses[3 * (8 * (t - 1) + set as usize)..][..3];
        let (mut bound, mut reach) = (0.0, [0.0; 8]);
        reach[7] = 1.0;
        for t in (1..=last).rev() {
            let (alpha, before) = (schedule.alpha(t, last), schedule.alpha(t - 1, last));
            let reveal = (before - alpha) / (1.0 - alpha);
            let mut next = [0.0; 8];
            for set in 0..8u32 {
                let masked = |i: &u32| set >> i & 1 == 1;
                let nats: f64 = (0..3).filter(masked).map(|i| loss(t, set)[i as usize]).sum();
                let (hidden, clean) = (set.count_ones() as i32, (!set & 7).count_ones() as i32);
                let chance = (1.0 - alpha).powi(hidden) * alpha.powi(clean);
                bound += schedule.elbo_weight(t, last) * chance * nats;
                for after in (0..8).filter(|after| after & !set == 0) {
                    let revealed = (0..3).filter(|i| (set & !after) >> i & 1 == 1);
                    let nats: f64 = revealed.clone().map(|i: u32| loss(t, set)[i as usize]).sum();
                    let chance = reveal.powi(revealed.count() as i32)
                        * (1.0 - reveal).powi(after.count_ones() as i32);
                    next[after as usize] += reach[set as usize] * chance * (-nats).exp();
                }
            }
            reach = next;
        }
        assert!(bound >= -reach[0].ln() - 1e-6, "{text:?}: {bound}, exactly {}", -reach[0].ln());
        total += reach[0];

        let mut estimate = NoiseBound::new(schedule, last);
        for (n, t) in stratified_times(4000, last, number as u64).into_iter().enumerate() {
            let mask = probe.question(text, &[t], number as u64, n as u32).mask;
            let set = mask[0] + 2 * mask[1] + 4 * mask[2];
            let answers: Vec<f32> = loss(t, set).iter().map(|&nats| nats as f32).collect();
            estimate.add(&[t], &answers, &mask);
        }
        let (mean, error) = estimate.nats_per_sequence();
        assert!((mean - bound).abs() < 4.5 * error, "{text:?}: {mean} +- {error}, not {bound}");
    }
    assert!((total - 1.0).abs() < 1e-5, "{total}");
}

/// The gradient of the batches that each objective draws, under each weighting of its loss, with and without
/// dropout, by central differences of the oracle's loss.
#[test]
fn gradients_agree_with_finite_differences() {
    let config = Config {
        n_layer: 2,
        block_size: 16,
        timestep_embedding: false,
        timesteps: 10,
        mask_id: 2,
        ..Config { vocab_size: 11, ..TINY }
    };
    let ids: Vec<u32> = (0..300u32).map(|n| n * n % 11).collect();
    let all = OBJECTIVES.map(|objective| (objective, Weighting::Mean));
    let weighted = [
        (Objective::Masked, Weighting::Elbo),
        (Objective::Masked, Weighting::Llada),
        (Objective::Block(4), Weighting::Elbo),
    ];
    let plain =
        all.into_iter().chain(weighted).map(|(objective, weighting)| (objective, weighting, None));
    let recompute = [false, true];
    let dropped =
        recompute.map(|recompute| (Objective::Autoregressive, Weighting::Mean, Some(recompute)));
    for (objective, weighting, dropout) in plain.chain(dropped) {
        let mut device = Device::oracle();
        let model = network(&mut device, config, objective, 0.3);
        let values = block_on(model.parameters.read(&device)).expect("the device answers");
        let options = TrainingOptions { objective, weighting, ..OPTIONS };
        let corpus = Corpus::new(&mut device, "corpus", &ids, MAX_WINDOW, config.vocab_size)
            .expect("it fits");
        let batches = Batches::drawn(&mut device, &config, &options, corpus).expect("it fits");
        let variants = Variants::default();
        let recompute = dropout == Some(true);
        let parts = Parts::new(&mut device, &variants, model, batches, &OPTIMIZER, 1, recompute);
        let mut parts = parts.expect("it fits");
        parts.dropout = dropout.map(|_| Dropout { rate: 0.3, seed: 5 });
        let mut recording = Recording::default();
        step::record_gradient(&mut recording, &variants, &parts);
        let program = device.compile(recording).expect("it fits");
        let loss = |device: &mut Device, values: &[f32]| {
            parts.model.parameters.write(device, values).expect("the device answers");
            // The same batch again.
            device.write_words(parts.optimizer.counter, &[6]).expect("the device answers");
            device.run(&program).expect("the device answers");
            block_on(device.read_wide(parts.losses)).expect("the device answers")[0]
        };
        loss(&mut device, &values);
        let whole = parts.gradient.part(0, config.flat_len());
        let gradient = block_on(device.read_wide(whole)).expect("the device answers");
        for tensor in config.tensors() {
            let largest =
                tensor.range().max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
            for at in [largest.expect("a tensor"), tensor.offset + tensor.len() / 2] {
                let moved = |by: f32| {
                    let mut values = values.clone();
                    values[at] += by;
                    values
                };
                let (below, above) = (moved(-1e-3), moved(1e-3));
                let distance = f64::from(above[at]) - f64::from(below[at]);
                let slope = (loss(&mut device, &above) - loss(&mut device, &below)) / distance;
                let error = (slope - gradient[at]).abs();
                let name = &tensor.name;
                assert!(
                    error < 1e-6 + 1e-4 * slope.abs(),
                    "{objective}, {weighting:?}, {name}: {}, by differences {slope}",
                    gradient[at]
                );
            }
        }
    }
}

/// Counts upwards, again and again.
fn counting() -> Vec<u32> {
    (0..400).map(|n| 3 + n % 16).collect()
}

/// Each objective learns to count, and an autoregressive network then counts on from its prompt.
#[test]
fn every_objective_learns() {
    let config =
        Config { n_layer: 2, n_embd: 16, block_size: 16, vocab_size: 19, mask_id: 2, ..TINY };
    let init = initial_values(&config, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let (variants, ids) = (Variants::default(), counting());
    let guessing = 19f64.ln();
    for objective in OBJECTIVES {
        let mut device = Device::cpu();
        let options = TrainingOptions { objective, batch: 8, ..OPTIONS };
        let training = Training::new(
            &mut device,
            &variants,
            config,
            &init,
            &Data::new(ids.clone(), ids.clone()),
            &options,
            &OPTIMIZER,
        );
        let mut training = training.expect("possible settings");
        (0..600).for_each(|_| training.step(&mut device).expect("the device answers"));
        let log = block_on(training.log(&device)).expect("the device answers");
        let first = f64::from(log[0].loss);
        assert!((first - guessing).abs() < 0.1, "{objective}: at first {first}");
        let found = block_on(training.evaluate(&mut device, Split::Validation, 4));
        let found = found.expect("the device answers");
        // Where nobody says which tokens are wrong, a network has to find out first.
        let most = if objective.replaces() { 0.85 } else { 0.7 };
        assert!(found.loss < most * guessing && found.bound < first, "{objective}: {found:?}");
        assert!(found.bound_error > 0.0 && found.bound_error < found.bound, "{found:?}");
        if objective != Objective::Autoregressive {
            continue;
        }
        // Only the first of 16 tokens has to be guessed; the sum over a text is its likelihood.
        let least = 16f64.ln() / 16.0;
        assert!(
            found.loss > 0.9 * least && found.loss < 1.3 * least,
            "{found:?}, at least {least}"
        );
        assert!((found.bound - found.loss).abs() < 1e-6, "{found:?}");
        assert_eq!(found.masked, 4 * 8 * 16);

        let workspace = Workspace::new(&mut device, &config, 1, 16).expect("it fits");
        let options = SampleOptions {
            sampler: SamplerKind::LeftToRight.into(),
            temperature: 0.0,
            ..Default::default()
        };
        let model = training.model();
        let parts = Sampling { model, variants: &variants, workspace: &workspace };
        let prompt: Vec<_> = (0..16).map(|n| (n < 3).then_some(9 + n)).collect();
        let generation =
            Generation::new(&mut device, parts, &[prompt], &options, PassOptions::default());
        let mut generation = generation.expect("possible");
        let expected: Vec<u32> = (0..16).map(|n| 3 + (6 + n) % 16).collect();
        for pass in 1..=13 {
            generation.step(&mut device).expect("the device answers");
            let state = block_on(generation.read_state(&device)).expect("the device answers");
            let (written, behind) = state.ids.split_at(3 + pass);
            assert_eq!(written, &expected[..3 + pass]);
            assert!(behind.iter().all(|&id| id == config.mask_id), "one token a pass");
        }
        assert!(generation.finished());
    }
}

/// A network with every option, writing three texts on three devices: with a cache each token is the
/// one that a pass over the whole text draws, also after going back.
#[test]
fn a_cache_changes_no_token() {
    let config = Config {
        n_layer: 3,
        n_embd: 48,
        block_size: 70,
        vocab_size: 41,
        mask_id: 2,
        value_mixing: true,
        embedding_shortcut: true,
        skips: true,
        head_gates: true,
        ..TINY
    };
    let gpu = block_on(Gpu::open(&AdapterChoice::Any)).expect("a GPU or a software driver");
    for mut device in [Device::oracle(), Device::cpu(), Device::Gpu(Box::new(gpu))] {
        let model = network(&mut device, config, Objective::Autoregressive, 0.3);
        let whole = Workspace::new(&mut device, &config, 3, 70).expect("it fits");
        let cached = Workspace::for_model(&mut device, &model, 3, 70).expect("it fits");
        let variants = Variants::default();
        for (given, temperature, top_k, top_p) in
            [(0, 1.0, None, None), (5, 0.8, Some(20), Some(0.9)), (69, 0.0, None, None)]
        {
            let prompt = |text: usize| -> Vec<_> {
                (0..70).map(|n| (n < given).then_some(3 + (7 * n + text) as u32 % 38)).collect()
            };
            let prompts: Vec<_> = (0..3).map(prompt).collect();
            let options = SampleOptions {
                sampler: SamplerKind::LeftToRight.into(),
                temperature,
                top_k,
                top_p,
                seed: 6,
                ..Default::default()
            };
            let mut begin = |workspace: &Workspace| {
                let parts = Sampling { model: &model, variants: &variants, workspace };
                let pass = PassOptions { predictions: true, ..Default::default() };
                Generation::new(&mut device, parts, &prompts, &options, pass).expect("possible")
            };
            let [mut whole, mut cached] = [begin(&whole), begin(&cached)];
            assert!(cached.recording().flop() < whole.recording().flop() / 20, "{device}");
            let first = block_on(cached.read_state(&device)).expect("the device answers");
            let mut half = first.clone();
            for pass in 0..whole.passes() {
                if pass == whole.passes() / 2 {
                    half = block_on(cached.read_state(&device)).expect("the device answers");
                }
                let [of_whole, of_cached] = [&mut whole, &mut cached].map(|generation| {
                    let made = block_on(generation.step_with_predictions(&mut device));
                    made.expect("the device answers").expect("a pass is left").1
                });
                same_expectations(&of_whole, &of_cached, given + pass);
            }
            let expected = block_on(whole.read_state(&device)).expect("the device answers");
            for back in [None, Some(&half), Some(&first)] {
                if let Some(state) = back {
                    cached.set_state(&mut device, state).expect("the device answers");
                    cached.run(&mut device).expect("the device answers");
                }
                let state = block_on(cached.read_state(&device)).expect("the device answers");
                assert_eq!(state.ids, expected.ids, "{device}, {given} given");
                for (a, b) in state.confidence.iter().zip(&expected.confidence) {
                    assert!((a - b).abs() < 1e-4, "{device}: {a}, without a cache {b}");
                }
            }
            assert!(!expected.ids.contains(&config.mask_id));
        }
    }
}

/// What the network expects of three texts of 70 tokens is the same with a cache, and it is asked about
/// the position that is written alone.
fn same_expectations(whole: &[Option<Prediction>], cached: &[Option<Prediction>], position: usize) {
    assert_eq!((whole.len(), cached.len()), (210, 210));
    for (n, (whole, cached)) in whole.iter().zip(cached).enumerate() {
        assert_eq!((whole.is_some(), cached.is_some()), (n % 70 == position, n % 70 == position));
        let (Some(whole), Some(cached)) = (whole, cached) else { continue };
        assert_eq!(whole.top.len(), cached.top.len());
        assert!((whole.entropy - cached.entropy).abs() < 1e-3, "{whole:?}, {cached:?}");
        for (a, b) in whole.top.iter().zip(&cached.top) {
            // Two that nearly tie may change places.
            assert!((a.1 - b.1).abs() < 1e-4, "{whole:?}, {cached:?}");
        }
    }
}

/// What only another model could do gets one sentence.
#[test]
fn impossible_wishes_get_a_sentence() {
    let mut device = Device::cpu();
    let model = network(&mut device, TINY, Objective::Autoregressive, 0.1);
    let workspace = Workspace::new(&mut device, &TINY, 1, 3).expect("it fits");
    let variants = Variants::default();
    let mut error = |sampler: &str, prompt: [Option<u32>; 3]| {
        let sampler = sampler.parse().expect("a sampler");
        let options = SampleOptions { sampler, ..Default::default() };
        let parts = Sampling { model: &model, variants: &variants, workspace: &workspace };
        let prompts = [prompt.to_vec()];
        let made = Generation::new(&mut device, parts, &prompts, &options, PassOptions::default());
        made.expect_err("it cannot").to_string()
    };
    for sampler in ["maskgit", "seed", "left-to-right+targeted", "confidence+one"] {
        let error = error(sampler, [None; 3]);
        assert!(error.contains("the model is autoregressive") && error.contains("left-to-right"));
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    for prompt in [[None, Some(1), None], [Some(0), None, Some(1)]] {
        let error = error("left-to-right", prompt);
        assert!(error.contains("cannot fill one before given text"), "{error}");
    }
}
