//! Writing with a model of blocks: with a cache of finished blocks it writes what passes over the whole
//! context would, also beyond the context; every sampler works in a block.

use device::{AdapterChoice, Device, Gpu, Recording};
use diffusion::Schedule;
use diffusion::sampler::{
    Generation, Parts, PassOptions, SampleOptions, SamplerKind, State, Workspace,
};
use kernels::Variants;
use kernels::attention::Mask;
use model::forward::{self, Pass};
use model::{Activations, Config, Init, Model, Objective, initial_values};
use pollster::block_on;

/// Every option of a network; the time of each block is told.
const CONFIG: Config = Config {
    n_layer: 3,
    n_head: 2,
    n_embd: 32,
    block_size: 12,
    timesteps: 10,
    mask_id: 2,
    value_mixing: true,
    embedding_shortcut: true,
    skips: true,
    head_gates: true,
    ..Config::reference(31)
};
const BLOCK: usize = 4;
const SCHEDULE: Schedule = Schedule::Cosine2;

fn devices() -> [Device; 3] {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any)).expect("a GPU or a software driver");
    [Device::oracle(), Device::cpu(), Device::Gpu(Box::new(gpu))]
}

fn network(device: &mut Device, config: Config, objective: Objective) -> Model {
    let init = Init { std: 0.3, zero_projections: false, seed: 4 };
    let model = Model::new(device, config).expect("it fits");
    let values = initial_values(&config, &init);
    model.parameters.write(device, &values).expect("the device answers");
    Model { objective, ..model }
}

fn options(sampler: &str, temperature: f32) -> SampleOptions {
    let sampler = sampler.parse().expect("a sampler");
    SampleOptions { sampler, schedule: SCHEDULE, temperature, seed: 6, ..Default::default() }
}

fn begin(
    device: &mut Device,
    model: &Model,
    workspace: &Workspace,
    prompts: &[Vec<Option<u32>>],
    options: &SampleOptions,
) -> Generation {
    let variants = Variants::default();
    let parts = Parts { model, variants: &variants, workspace };
    let pass = PassOptions::default();
    Generation::new(device, parts, prompts, options, pass).expect("possible")
}

fn state(device: &Device, generation: &mut Generation) -> State {
    block_on(generation.read_state(device)).expect("the device answers")
}

/// `given` tokens, and masks behind them.
fn prompt(given: usize, length: usize, text: usize) -> Vec<Option<u32>> {
    (0..length).map(|n| (n < given).then_some(3 + (7 * n + text) as u32 % 28)).collect()
}

/// A pass over whole texts of so many positions, whose blocks have times of their own.
struct Whole {
    program: device::Program,
    ids: device::Slice,
    times: device::Slice,
    logits: device::Slice,
}

impl Whole {
    fn new(device: &mut Device, model: &Model, length: usize) -> Self {
        let config = model.config;
        let mut acts = Activations::for_inference(device, &config, 1, length).expect("it fits");
        acts.mask = Mask::Blocks(BLOCK);
        let ids = device.words("ids", &vec![0; length]).expect("it fits");
        let times = device.words("times", &vec![0; length / BLOCK]).expect("it fits");
        let variants = Variants::default();
        let pass =
            Pass { variants: &variants, model, acts: &acts, ids, timesteps: times, dropout: None };
        let mut step = Recording::default();
        let mut logits = acts.logits;
        forward::logits(&mut step, &pass, |_, rows, all| {
            assert_eq!(rows, 0..length, "all logits at once");
            logits = all;
        });
        Self { program: device.compile(step).expect("it fits"), ids, times, logits }
    }

    /// Probabilities at the positions of the last block, of all tokens but the mask.
    fn last_block(&self, device: &mut Device, ids: &[u32], time: u32) -> Vec<Vec<f64>> {
        let mut times = vec![0; ids.len() / BLOCK];
        times[ids.len() / BLOCK - 1] = time;
        device.write_words(self.ids, ids).expect("the device answers");
        device.write_words(self.times, &times).expect("the device answers");
        device.run(&self.program).expect("the device answers");
        let logits = block_on(device.read_wide(self.logits)).expect("the device answers");
        let rows = logits.chunks(CONFIG.vocab_size).skip(ids.len() - BLOCK);
        let of_row = |row: &[f64]| {
            let weight = |(id, &logit): (usize, &f64)| {
                if id == CONFIG.mask_id as usize { 0.0 } else { logit.exp() }
            };
            let weights: Vec<f64> = row.iter().enumerate().map(weight).collect();
            let total: f64 = weights.iter().sum();
            weights.into_iter().map(|weight| weight / total).collect()
        };
        rows.take(BLOCK).map(of_row).collect()
    }
}

/// Token after token, the surest first, over three contexts: each is the one that a pass over the whole
/// context has as its surest, with the same confidence.
#[test]
fn a_cache_changes_no_token() {
    let length = 40;
    for mut device in devices() {
        let model = network(&mut device, CONFIG, Objective::Block(BLOCK));
        let workspace = Workspace::for_model(&mut device, &model, 1, length).expect("it fits");
        let whole: Vec<Whole> =
            [1, 2, 3].map(|blocks| Whole::new(&mut device, &model, blocks * BLOCK)).into();
        for given in [0, 6, 39] {
            let prompts = [prompt(given, length, 0)];
            let options = options("confidence+one", 0.0);
            let mut generation = begin(&mut device, &model, &workspace, &prompts, &options);
            assert_eq!(generation.passes(), length - given);
            let mut before = state(&device, &mut generation);
            for _ in given..length {
                generation.step(&mut device).expect("the device answers");
                let after = state(&device, &mut generation);
                let changed: Vec<usize> =
                    (0..length).filter(|&n| before.ids[n] != after.ids[n]).collect();
                let [place] = changed[..] else { panic!("{changed:?} in one pass") };
                // Three blocks fit; when they are full, two of them go.
                let block = place / BLOCK;
                let first = if block < 3 { 0 } else { (block - 1) / 2 * 2 };
                let end = (block + 1) * BLOCK;
                let window = &before.ids[first * BLOCK..end];
                let masks = |ids: &[u32]| ids.iter().filter(|&&id| id == CONFIG.mask_id).count();
                let left = masks(&before.ids[block * BLOCK..end]);
                assert_eq!(masks(window), left, "{place}: earlier blocks are finished");
                let free = BLOCK - given.saturating_sub(block * BLOCK).min(BLOCK);
                let share = left as f64 / free as f64;
                let time = SCHEDULE.nearest(1.0 - share, CONFIG.timesteps) as u32;
                let reference = &whole[window.len() / BLOCK - 1];
                let found = reference.last_block(&mut device, window, time);
                let best = |row: usize| {
                    (0..CONFIG.vocab_size).max_by(|&a, &b| found[row][a].total_cmp(&found[row][b]))
                };
                let open =
                    (0..BLOCK).filter(|row| before.ids[block * BLOCK + row] == CONFIG.mask_id);
                let sure = |row: usize| found[row][best(row).expect("tokens")];
                let surest = open.max_by(|&a, &b| sure(a).total_cmp(&sure(b))).expect("a mask");
                let what = format!("{device}, {given} given, position {place}");
                // Before the first token all masks are nearly alike: rounding may choose among them.
                let here = place % BLOCK;
                assert!(sure(here) > sure(surest) - 1e-5, "{what}: {surest} is surer");
                assert_eq!(after.ids[place] as usize, best(here).expect("tokens"), "{what}");
                let confidence = f64::from(after.confidence[place]);
                assert!((confidence - sure(here)).abs() < 1e-4, "{what}: {confidence}");
                before = after;
            }
            assert!(generation.finished());
        }
    }
}

/// Several texts at once, with and without a cache; within the context, since whole texts have no other.
#[test]
fn passes_over_whole_texts_write_the_same() {
    let config = Config { timestep_embedding: false, block_size: 20, ..CONFIG };
    for mut device in devices() {
        let model = network(&mut device, config, Objective::Block(BLOCK));
        let whole = Workspace::new(&mut device, &config, 3, 20).expect("it fits");
        let cached = Workspace::for_model(&mut device, &model, 3, 20).expect("it fits");
        for (sampler, given) in
            [("threshold:0.2", 0), ("left-to-right", 5), ("entropy+bound:4", 9), ("margin+one", 2)]
        {
            let prompts: Vec<_> = (0..3).map(|text| prompt(given, 20, text)).collect();
            let options = options(sampler, 0.0);
            let [whole, cached] = [&whole, &cached].map(|workspace| {
                let mut generation = begin(&mut device, &model, workspace, &prompts, &options);
                generation.run(&mut device).expect("the device answers");
                let passes = block_on(generation.passes_run(&device)).expect("the device answers");
                (state(&device, &mut generation), generation.recording().flop(), passes)
            });
            assert_eq!(whole.0.ids, cached.0.ids, "{device}, {sampler}");
            assert!(!whole.0.ids.contains(&config.mask_id));
            assert!(cached.1 < whole.1 / 2, "{} FLOP, without a cache {}", cached.1, whole.1);
        }
    }
}

const SAMPLERS: [&str; 11] = [
    "maskgit",
    "carry",
    "seed",
    "ancestral",
    "threshold:0.1",
    "entropy",
    "remdm:0.3",
    "left-to-right",
    "random+schedule+apart+none",
    "maskgit+blocks:2",
    "threshold:0.1+targeted:0.05:2",
];

/// Every sampler, in texts that end within a block and are longer than the context: tokens come block by
/// block, given ones stay, and from a state on the same text is written.
#[test]
fn every_sampler_writes_in_blocks() {
    let length = 30;
    for mut device in devices() {
        let model = network(&mut device, CONFIG, Objective::Block(BLOCK));
        let workspace = Workspace::for_model(&mut device, &model, 2, length).expect("it fits");
        let mut prompts = [prompt(6, length, 0), prompt(6, length, 1)];
        // A gap before a given token of the same block.
        prompts[1][4] = None;
        for sampler in SAMPLERS {
            let options = options(sampler, 0.8);
            let mut generation = begin(&mut device, &model, &workspace, &prompts, &options);
            let mut states = vec![state(&device, &mut generation)];
            while !generation.finished() {
                generation.step(&mut device).expect("the device answers");
                states.push(state(&device, &mut generation));
            }
            let what = format!("{device}, {sampler}");
            let masked = |state: &State, block: usize| {
                let places = (0..2 * length).filter(|n| n % length / BLOCK == block);
                places.into_iter().any(|n| state.ids[n] == CONFIG.mask_id)
            };
            for state in &states {
                for (n, token) in prompts.concat().into_iter().enumerate() {
                    assert!(token.is_none_or(|token| state.ids[n] == token), "{what}");
                }
                let open = (0..8).find(|&block| masked(state, block)).unwrap_or(8);
                for n in (open + 1) * BLOCK..length {
                    assert_eq!(state.ids[n], CONFIG.mask_id, "{what}: behind the block");
                }
            }
            let end = states[states.len() - 1].clone();
            assert!(!end.ids.contains(&CONFIG.mask_id), "{what}");
            assert_eq!((end.time, end.pass <= generation.passes()), (0, true), "{what}");
            for at in [0, states.len() / 3, 2 * states.len() / 3, states.len() - 2] {
                generation.set_state(&mut device, &states[at]).expect("the device answers");
                assert_eq!(state(&device, &mut generation).ids, states[at].ids, "{what}");
                generation.run(&mut device).expect("the device answers");
                assert_eq!(state(&device, &mut generation).ids, end.ids, "{what}, from {at}");
            }
        }
    }
}

/// What a person erases in a finished block is written anew, and what stands behind it stays.
#[test]
fn erased_tokens_are_written_again() {
    let mut device = Device::cpu();
    let model = network(&mut device, CONFIG, Objective::Block(BLOCK));
    let workspace = Workspace::for_model(&mut device, &model, 1, 30).expect("it fits");
    for sampler in ["maskgit", "threshold:0.1", "ancestral"] {
        let options = options(sampler, 0.8);
        let mut generation = begin(&mut device, &model, &workspace, &[prompt(3, 30, 0)], &options);
        generation.run(&mut device).expect("the device answers");
        let end = state(&device, &mut generation);
        let mut erased = end.clone();
        for place in [5, 17] {
            (erased.ids[place], erased.confidence[place]) = (CONFIG.mask_id, 0.0);
        }
        generation.set_state(&mut device, &erased).expect("the device answers");
        assert_eq!(state(&device, &mut generation).ids, erased.ids);
        assert!(!generation.finished() && generation.passes() > erased.pass, "{sampler}");
        generation.run(&mut device).expect("the device answers");
        let again = state(&device, &mut generation);
        assert!(!again.ids.contains(&CONFIG.mask_id), "{sampler}: {:?}", again.ids);
        for n in (0..30).filter(|n| ![5, 17].contains(n)) {
            assert_eq!(again.ids[n], end.ids[n], "{sampler}: position {n}");
        }
        // The first state of the run is where it was.
        let tokens = prompt(3, 30, 0).into_iter();
        let ids = tokens.map(|token| token.unwrap_or(CONFIG.mask_id)).collect();
        let first = State { pass: 0, ids, ..end.clone() };
        generation.set_state(&mut device, &first).expect("the device answers");
        generation.run(&mut device).expect("the device answers");
        assert_eq!(state(&device, &mut generation).ids, end.ids, "{sampler}");
    }
}

/// Predictions are of the block that is written.
#[test]
fn predictions_stand_where_the_masks_are() {
    let mut device = Device::cpu();
    let model = network(&mut device, CONFIG, Objective::Block(BLOCK));
    let workspace = Workspace::for_model(&mut device, &model, 1, 20).expect("it fits");
    let variants = Variants::default();
    let parts = Parts { model: &model, variants: &variants, workspace: &workspace };
    let pass = PassOptions { predictions: true, ..PassOptions::default() };
    let (options, prompts) = (options("left-to-right", 0.0), [prompt(6, 20, 0)]);
    let generation = Generation::new(&mut device, parts, &prompts, &options, pass);
    let mut generation = generation.expect("possible");
    let mut before = state(&device, &mut generation);
    for place in 6..20 {
        let step = block_on(generation.step_with_predictions(&mut device));
        let (after, predictions) = step.expect("the device answers").expect("a pass");
        for (n, prediction) in predictions.iter().enumerate() {
            let asked = before.ids[n] == CONFIG.mask_id && n / BLOCK == place / BLOCK;
            assert_eq!(prediction.is_some(), asked, "position {n} before {place}");
        }
        let top = predictions[place].as_ref().expect("a prediction").top[0];
        assert_eq!(after.ids[place], top.0);
        before = after;
    }
}

/// With blocks of one token, texts are drawn as often as their likelihood says.
#[test]
fn texts_follow_their_likelihood() {
    let config = Config { block_size: 3, vocab_size: 4, mask_id: 3, ..CONFIG };
    let config = Config { timestep_embedding: false, ..config };
    let mut device = Device::cpu();
    let model = network(&mut device, config, Objective::Block(1));
    let count = 3000;
    let workspace = Workspace::for_model(&mut device, &model, count, 3).expect("it fits");
    let prompts = vec![vec![None; 3]; count];
    let mut generation =
        begin(&mut device, &model, &workspace, &prompts, &options("ancestral", 1.0));
    generation.run(&mut device).expect("the device answers");
    let drawn = state(&device, &mut generation);
    // What stands before decides.
    let mut acts = Activations::for_inference(&mut device, &config, 1, 3).expect("it fits");
    acts.mask = Mask::Blocks(1);
    let ids = device.words("ids", &[0; 3]).expect("it fits");
    let times = device.words("times", &[0; 3]).expect("it fits");
    let variants = Variants::default();
    let pass = Pass {
        variants: &variants,
        model: &model,
        acts: &acts,
        ids,
        timesteps: times,
        dropout: None,
    };
    let mut step = Recording::default();
    forward::logits(&mut step, &pass, |_, _, _| ());
    let program = device.compile(step).expect("it fits");
    for text in (0..27u32).map(|n| [n / 9, n / 3 % 3, n % 3]) {
        let chance = |place: usize| {
            let mut seen = text;
            seen[place..].fill(config.mask_id);
            device.write_words(ids, &seen).expect("the device answers");
            device.run(&program).expect("the device answers");
            let logits = block_on(device.read_wide(acts.logits)).expect("the device answers");
            let weights: Vec<f64> = logits[4 * place..][..3].iter().map(|l| l.exp()).collect();
            weights[text[place] as usize] / weights.iter().sum::<f64>()
        };
        let expected: f64 = (0..3).map(chance).product();
        let found = (0..count).filter(|&row| drawn.row(row) == text).count() as f64;
        let error = 4.5 * (expected * (1.0 - expected) * count as f64).sqrt();
        let expected = expected * count as f64;
        assert!((found - expected).abs() < error, "{text:?}: {found} times, not {expected:.1}");
    }
}

/// What a model of blocks cannot do gets one sentence.
#[test]
fn impossible_wishes_get_a_sentence() {
    let mut device = Device::cpu();
    let model = network(&mut device, CONFIG, Objective::Block(BLOCK));
    let cached = Workspace::for_model(&mut device, &model, 1, 16).expect("it fits");
    let whole = Workspace::new(&mut device, &CONFIG, 1, 12).expect("it fits");
    let variants = Variants::default();
    let mut error = |workspace: &Workspace, sampler: &str, prompt: &[Option<u32>]| {
        let parts = Parts { model: &model, variants: &variants, workspace };
        let (options, pass) = (options(sampler, 1.0), PassOptions::default());
        let made = Generation::new(&mut device, parts, &[prompt.to_vec()], &options, pass);
        let error = made.expect_err("it cannot").to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    };
    let mut gap = vec![Some(5); 9];
    gap[2] = None;
    let sentence = "does not see given text in a block behind a gap; put the gap at the end";
    assert!(error(&cached, "maskgit", &gap).contains(sentence));
    let open = [None; 12];
    assert!(error(&cached, "maskgit+blocks:3", &open).contains("blocks of 3 do not divide"));
    assert!(error(&whole, "maskgit", &open).contains("is told the time of each block"));
    assert!(
        error(&cached, "uniform", &open).contains("random tokens, which the model has never seen")
    );
    assert!(error(&cached, "maskgit", &[None; 17]).contains("do not fit a workspace"));
    let long = error(&whole, "maskgit", &[None; 13]);
    assert!(long.contains("13 tokens together, the model's block holds 12"), "{long}");

    let config = Config { timestep_embedding: false, ..CONFIG };
    let model = network(&mut device, config, Objective::Block(BLOCK));
    let whole = Workspace::new(&mut device, &config, 1, 12).expect("it fits");
    for sampler in ["ancestral", "carry", "seed", "random+schedule+apart+none"] {
        let parts = Parts { model: &model, variants: &variants, workspace: &whole };
        let (options, pass) = (options(sampler, 1.0), PassOptions::default());
        let made = Generation::new(&mut device, parts, &[open.to_vec()], &options, pass);
        let error = made.expect_err("it cannot").to_string();
        assert!(error.contains("needs a cache to write with a model of blocks"), "{error}");
    }
    let tested = |name| SAMPLERS.iter().any(|sampler| sampler.starts_with(name));
    let mut kinds = SamplerKind::ALL.into_iter().filter(|&kind| kind != SamplerKind::Uniform);
    assert!(kinds.all(|kind| tested(kind.name())));
}
