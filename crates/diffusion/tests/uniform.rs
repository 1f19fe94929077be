//! Uniform diffusion by brute force over all texts of three tokens: the likelihood of a text, its bound,
//! and how often it is written.

use device::{AdapterChoice, Device, Gpu};
use diffusion::metrics::{Scorer, stratified_times};
use diffusion::sampler::{
    Generation, Parts, PassOptions, SampleOptions, SamplerKind, State, Workspace,
};
use diffusion::{Probe, Schedule};
use kernels::Variants;
use model::{Config, Init, Model, Objective, initial_values};
use pollster::block_on;

/// `[MASK]` and three tokens; the network is not told the time.
const CONFIG: Config = Config {
    n_layer: 1,
    n_head: 2,
    n_embd: 8,
    block_size: 3,
    timesteps: 4,
    mask_id: 0,
    timestep_embedding: false,
    ..Config::reference(4)
};
const TOKENS: usize = 3;
const TEXTS: usize = 27;
const SCHEDULE: Schedule = Schedule::Cosine2;
const OBJECTIVES: [Objective; 2] = [Objective::Uniform, Objective::Replaced];

fn network(device: &mut Device, objective: Objective) -> Model {
    let values = initial_values(&CONFIG, &Init { std: 0.7, zero_projections: false, seed: 4 });
    let model = Model::new(device, CONFIG).expect("it fits");
    model.parameters.write(device, &values).expect("the device answers");
    Model { objective, ..model }
}

/// Tokens of text `n`, from 0.
fn digits(n: usize) -> [usize; 3] {
    [n / 9, n / 3 % 3, n % 3]
}

/// What the network says of the clean token at each position of each noisy text, `[mask]` left out.
fn answers(device: &mut Device, model: &Model) -> Vec<[[f64; TOKENS]; 3]> {
    let seen: Vec<u32> = (0..TEXTS).flat_map(|n| digits(n).map(|d| 1 + d as u32)).collect();
    let size = [TEXTS, 3];
    let scorer =
        Scorer::with_costs(device, &Variants::default(), model, SCHEDULE, size).expect("it fits");
    let mut answers = vec![[[0.0; TOKENS]; 3]; TEXTS];
    for (token, target) in (1..=TOKENS as u32).enumerate() {
        let targets = vec![target; 3 * TEXTS];
        let times = [1; TEXTS];
        let scores = block_on(scorer.score_at(device, &seen, &targets, &times, &[0; TEXTS]));
        for (place, nats) in scores.expect("the device answers").loss.into_iter().enumerate() {
            answers[place / 3][place % 3][token] = f64::from(-nats).exp();
        }
    }
    for answer in answers.iter_mut().flatten() {
        let total: f64 = answer.iter().sum();
        answer.iter_mut().for_each(|p| *p /= total);
    }
    answers
}

/// Chance that a token becomes another one.
fn noisy(from: usize, to: usize, kept: f64) -> f64 {
    kept * f64::from(u8::from(from == to)) + (1.0 - kept) / TOKENS as f64
}

fn normalized(weights: [f64; TOKENS]) -> [f64; TOKENS] {
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// What the other positions say of a token, where the network sees `z` at its place.
fn left_out(objective: Objective, answer: [f64; TOKENS], z: usize, a: f64) -> [f64; TOKENS] {
    match objective {
        Objective::Uniform => normalized(std::array::from_fn(|x| answer[x] / noisy(x, z, a))),
        _ => answer,
    }
}

/// The reverse step at a position: from `z` to each token, for a distribution of the clean one.
fn reverse(clean: [f64; TOKENS], z: usize, [a, s]: [f64; 2]) -> [f64; TOKENS] {
    let prior = |j: usize| (0..TOKENS).map(|x| clean[x] * noisy(x, j, s)).sum::<f64>();
    normalized(std::array::from_fn(|j| prior(j) * noisy(j, z, a / s)))
}

fn alphas(t: usize) -> [f64; 2] {
    [t, t - 1].map(|t| SCHEDULE.alpha(t, CONFIG.timesteps))
}

/// Probability of every text, by going through all of them at each step.
fn likelihoods(objective: Objective, answers: &[[[f64; TOKENS]; 3]]) -> Vec<f64> {
    let mut reach = vec![1.0 / TEXTS as f64; TEXTS];
    for t in (1..=CONFIG.timesteps).rev() {
        let mut next = vec![0.0; TEXTS];
        for (from, chance) in reach.iter().enumerate() {
            let z = digits(from);
            let steps: [_; 3] = std::array::from_fn(|i| {
                let clean = left_out(objective, answers[from][i], z[i], alphas(t)[0]);
                reverse(clean, z[i], alphas(t))
            });
            for (to, next) in next.iter_mut().enumerate() {
                let tokens = digits(to);
                *next += chance * (0..3).map(|i| steps[i][tokens[i]]).product::<f64>();
            }
        }
        reach = next;
    }
    reach
}

/// The bound of a text: the divergences of all steps, from all that can stand there.
fn bound(objective: Objective, answers: &[[[f64; TOKENS]; 3]], text: usize) -> f64 {
    let x = digits(text);
    let mut bound = 0.0;
    for t in 1..=CONFIG.timesteps {
        let [a, _] = alphas(t);
        for (from, answers) in answers.iter().enumerate() {
            let z = digits(from);
            let chance: f64 = (0..3).map(|i| noisy(x[i], z[i], a)).product();
            for i in 0..3 {
                let mut clean = [0.0; TOKENS];
                clean[x[i]] = 1.0;
                let known = reverse(clean, z[i], alphas(t));
                let predicted = left_out(objective, answers[i], z[i], a);
                let predicted = reverse(predicted, z[i], alphas(t));
                let terms = known.iter().zip(predicted).filter(|(known, _)| **known > 0.0);
                let nats: f64 = terms.map(|(known, p)| known * (known / p).ln()).sum();
                bound += chance * nats;
            }
        }
    }
    bound
}

/// The likelihoods are those of a distribution, the bound holds, and it is what `eval` estimates.
#[test]
fn the_bound_holds() {
    let mut device = Device::oracle();
    for objective in OBJECTIVES {
        let model = network(&mut device, objective);
        let answers = answers(&mut device, &model);
        let likelihoods = likelihoods(objective, &answers);
        let total: f64 = likelihoods.iter().sum();
        assert!((total - 1.0).abs() < 1e-9, "{total}");
        let probe = Probe::new(&CONFIG, objective, SCHEDULE, SCHEDULE);
        let count = 3000;
        let size = [count, 3];
        let scorer = Scorer::with_costs(&mut device, &Variants::default(), &model, SCHEDULE, size);
        let scorer = scorer.expect("it fits");
        for (text, likelihood) in likelihoods.iter().enumerate() {
            let (exactly, bound) = (-likelihood.ln(), bound(objective, &answers, text));
            assert!(bound >= exactly - 1e-9, "{objective}, {text}: {bound}, exactly {exactly}");

            let tokens = digits(text).map(|d| 1 + d as u32);
            let times = stratified_times(count, CONFIG.timesteps, text as u64);
            let questions: Vec<_> = times
                .iter()
                .zip(0..)
                .map(|(&t, n)| probe.question(&tokens, &[t], text as u64, n))
                .collect();
            let seen: Vec<u32> = questions.iter().flat_map(|asked| asked.seen.clone()).collect();
            let numbers: Vec<u32> = times.iter().map(|&t| t as u32).collect();
            let told: Vec<u32> = questions.iter().flat_map(|asked| asked.told.clone()).collect();
            let targets = tokens.repeat(count);
            let scores = scorer.score_at(&mut device, &seen, &targets, &numbers, &told);
            let costs = block_on(scores).expect("the device answers").costs;
            let mut estimate = probe.bound();
            for ((t, costs), asked) in times.into_iter().zip(costs.chunks(3)).zip(&questions) {
                estimate.add(&[t], costs, &asked.mask);
            }
            let (mean, error) = estimate.nats_per_sequence();
            assert!(error < 0.05 * bound, "{objective}, {text}: {mean} +- {error}");
            assert!(
                (mean - bound).abs() < 4.5 * error,
                "{objective}, {text}: {mean} +- {error}, not {bound}"
            );
        }
    }
}

/// Texts of `prompts`, written by the model.
fn write(device: &mut Device, model: &Model, prompts: &[Vec<Option<u32>>], seed: u64) -> State {
    let workspace = Workspace::for_model(device, model, prompts.len(), 3).expect("it fits");
    let options = SampleOptions {
        sampler: SamplerKind::Uniform.into(),
        schedule: SCHEDULE,
        seed,
        ..Default::default()
    };
    let variants = Variants::default();
    let parts = Parts { model, variants: &variants, workspace: &workspace };
    let generation = Generation::new(device, parts, prompts, &options, PassOptions::default());
    let mut generation = generation.expect("possible");
    let first = block_on(generation.read_state(device)).expect("the device answers");
    let free = first.generated.iter().zip(first.ids.iter().zip(&first.confidence));
    for (&generated, (&id, &confidence)) in free {
        assert!(id != CONFIG.mask_id, "the text begins as noise");
        assert_eq!(confidence, if generated { 0.0 } else { 1.0 });
    }
    assert_eq!((generation.passes(), first.time), (CONFIG.timesteps, CONFIG.timesteps));
    generation.run(device).expect("the device answers");
    let state = block_on(generation.read_state(device)).expect("the device answers");
    assert!(state.confidence.iter().all(|&confidence| confidence > 0.0), "nothing is noise");
    state
}

fn devices() -> [Device; 3] {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any)).expect("a GPU or a software driver");
    [Device::oracle(), Device::cpu(), Device::Gpu(Box::new(gpu))]
}

/// Texts are written as often as their likelihood says, on every device.
#[test]
fn texts_follow_their_likelihood() {
    for mut device in devices() {
        for objective in OBJECTIVES {
            let model = network(&mut device, objective);
            let likelihoods = likelihoods(objective, &answers(&mut device, &model));
            let most = likelihoods.iter().copied().fold(0.0, f64::max);
            assert!(most > 2.0 / TEXTS as f64, "the network has an opinion: {most}");
            let count = 4000;
            let state = write(&mut device, &model, &vec![vec![None; 3]; count], 9);
            for (text, expected) in likelihoods.into_iter().enumerate() {
                let wanted = digits(text).map(|d| 1 + d as u32);
                let found = (0..count).filter(|&row| state.row(row) == wanted).count() as f64;
                let error = 4.5 * (expected * (1.0 - expected) * count as f64).sqrt();
                let expected = expected * count as f64;
                assert!(
                    (found - expected).abs() < error,
                    "{device}, {objective}, {wanted:?}: {found} times, not {expected:.1}"
                );
            }
        }
    }
}

/// What is given stays, before, between and behind what is written, and is seen.
#[test]
fn given_tokens_stay() {
    let mut device = Device::cpu();
    let model = network(&mut device, Objective::Uniform);
    let count = 500;
    let mut seconds = vec![];
    for given in [1, 3] {
        let state = write(&mut device, &model, &vec![vec![Some(given), None, Some(2)]; count], 5);
        let texts = || state.ids.chunks(3);
        assert!(texts().all(|text| text[0] == given && text[2] == 2 && text[1] != CONFIG.mask_id));
        seconds.push(texts().filter(|text| text[1] == 1).count());
    }
    let difference = seconds[0].abs_diff(seconds[1]);
    assert!(difference > 60, "a given token makes a difference: {seconds:?}");
}

/// Going back to a state repeats what followed, and an erased token is noise again.
#[test]
fn states_can_be_returned_to() {
    let mut device = Device::cpu();
    let model = network(&mut device, Objective::Replaced);
    let workspace = Workspace::for_model(&mut device, &model, 2, 3).expect("it fits");
    let sampler = SamplerKind::Uniform.into();
    let options = SampleOptions { sampler, schedule: SCHEDULE, seed: 3, ..Default::default() };
    let variants = Variants::default();
    let parts = Parts { model: &model, variants: &variants, workspace: &workspace };
    let prompts = vec![vec![None; 3]; 2];
    let pass = PassOptions { predictions: true, ..Default::default() };
    let generation = Generation::new(&mut device, parts, &prompts, &options, pass);
    let mut generation = generation.expect("possible");
    let mut states = vec![];
    while !generation.finished() {
        let step = block_on(generation.step_with_predictions(&mut device));
        let (state, predictions) = step.expect("the device answers").expect("passes are left");
        assert!(predictions.iter().all(Option::is_some), "every position is drawn in every pass");
        states.push(state);
    }
    let last = states.last().expect("passes").clone();
    generation.set_state(&mut device, &states[1]).expect("the device answers");
    generation.run(&mut device).expect("the device answers");
    assert_eq!(block_on(generation.read_state(&device)).expect("the device answers"), last);

    let mut erased = states[2].clone();
    erased.ids[1] = CONFIG.mask_id;
    generation.set_state(&mut device, &erased).expect("the device answers");
    let state = block_on(generation.read_state(&device)).expect("the device answers");
    assert_eq!((state.ids[0], state.ids[2]), (erased.ids[0], erased.ids[2]));
    assert!(state.ids[1] != CONFIG.mask_id, "noise stands where a token was erased");
}

/// What only another model or sampler could do gets one sentence.
#[test]
fn impossible_wishes_get_a_sentence() {
    let mut device = Device::cpu();
    let workspace = Workspace::new(&mut device, &CONFIG, 1, 3).expect("it fits");
    let variants = Variants::default();
    for (objective, sampler, sentence) in [
        (Objective::Uniform, "maskgit", "`maskgit` needs masks; use the sampler `uniform`"),
        (Objective::Replaced, "left-to-right", "needs masks; use the sampler `uniform`"),
        (Objective::Masked, "uniform", "`uniform` writes from random tokens"),
        (Objective::Uniform, "uniform+apart", "the correction noise draws the whole text again"),
        (Objective::Uniform, "confidence+chance+noise", "goes with order random, commit chance"),
    ] {
        let model = network(&mut device, objective);
        let sampler = sampler.parse().expect("a sampler");
        let options = SampleOptions { sampler, ..Default::default() };
        let parts = Parts { model: &model, variants: &variants, workspace: &workspace };
        let prompts = [vec![None; 3]];
        let made = Generation::new(&mut device, parts, &prompts, &options, PassOptions::default());
        let error = made.expect_err("it cannot").to_string();
        assert!(error.contains(sentence) && error.lines().count() == 1, "{error}");
    }
    for objective in OBJECTIVES {
        let last = Config { mask_id: 2, ..CONFIG };
        let error = objective.check(&last).expect_err("no room for noise").to_string();
        assert!(error.contains("needs a vocabulary with at least two there"), "{error}");
        assert!(objective.check(&CONFIG).is_ok());
    }
}
