//! The golden traces, token for token, on every device; interference; refusals.

mod parts;

use device::Device;
use kernels::Variants;
use model::{Model, Schedule};
use pollster::block_on;
use serde_json::Value;

use super::*;
use crate::golden::{Golden, devices, numbers};

/// The network of the golden traces, ready to generate.
struct Bench {
    device: Device,
    model: Model,
    workspace: Workspace,
}

const MASK: u32 = 2;

impl Bench {
    fn all(golden: &Golden) -> [Self; 3] {
        devices().map(|device| Self::new(device, golden))
    }

    fn new(mut device: Device, golden: &Golden) -> Self {
        let model = Model::load(&mut device, &golden.checkpoint()).unwrap();
        let workspace = Workspace::new(&mut device, &model.config, 3, 32).unwrap();
        Self { device, model, workspace }
    }

    fn generation(&mut self, prompts: &[Vec<Option<u32>>], options: &SampleOptions) -> Generation {
        self.recorded(prompts, options, PassOptions::default())
    }

    fn recorded(
        &mut self,
        prompts: &[Vec<Option<u32>>],
        options: &SampleOptions,
        pass: PassOptions,
    ) -> Generation {
        let Self { device, model, workspace } = self;
        let parts = Parts { model, variants: &Variants::default(), workspace };
        Generation::new(device, parts, prompts, options, pass).unwrap()
    }

    fn state(&self, generation: &mut Generation) -> State {
        block_on(generation.read_state(&self.device)).unwrap()
    }

    /// The texts after the last pass.
    fn texts(&mut self, prompts: &[Vec<Option<u32>>], options: &SampleOptions) -> State {
        let mut generation = self.generation(prompts, options);
        generation.run(&mut self.device).unwrap();
        self.state(&mut generation)
    }
}

/// A prompt with `gen_len` gaps behind it.
fn prompt(tokens: &[u32], gen_len: usize) -> Vec<Option<u32>> {
    tokens.iter().copied().map(Some).chain(std::iter::repeat_n(None, gen_len)).collect()
}

fn golden_prompt(run: &Value) -> Vec<Option<u32>> {
    let tokens: Vec<u32> = numbers(&run["prompt"]).iter().map(|&id| id as u32).collect();
    prompt(&tokens, run["gen_len"].as_u64().unwrap() as usize)
}

#[test]
fn golden_traces_token_for_token() {
    let golden = Golden::sampler();
    let mut compared = 0;
    for bench in &mut Bench::all(&golden) {
        for family in ["greedy", "window", "cosine", "temperature"] {
            for run in golden.json["runs"][family].as_array().unwrap() {
                compare_trace(bench, &golden, run);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 30);
}

fn compare_trace(bench: &mut Bench, golden: &Golden, run: &Value) {
    let key = run["key"].as_str().unwrap();
    let text = golden_prompt(run);
    let options = SampleOptions {
        sampler: SamplerKind::Reference.into(),
        schedule: serde_json::from_value(run["schedule"].clone()).unwrap(),
        temperature: run["temperature"].as_f64().unwrap() as f32,
        ..SampleOptions::default()
    };
    // Uniform numbers come from the fixture instead of the generator.
    let given = !run["uniform_stream"].is_null();
    let (uniforms, source) = if given {
        (golden.floats(&format!("{key}.uniforms")), Uniforms::Given)
    } else {
        (Vec::new(), Uniforms::Drawn)
    };
    let pass = PassOptions { uniforms: source, ..PassOptions::default() };
    let mut generation = bench.recorded(std::slice::from_ref(&text), &options, pass);

    let states = golden.words(&format!("{key}.states"));
    let tokens = golden.words(&format!("{key}.tokens"));
    let confidence = golden.floats(&format!("{key}.conf"));
    let counts = numbers(&run["k"]);
    let gen_len = text.iter().filter(|token| token.is_none()).count();
    let start = text.len() - gen_len;
    assert_eq!(generation.passes(), 11);
    for pass in 0..=generation.passes() {
        let what = format!("{key} on {}, after {pass} passes", bench.device);
        let state = bench.state(&mut generation);
        let expected = &states[pass * 32..(pass + 1) * 32];
        assert_eq!(state.ids, expected[..text.len()], "{what}");
        // What lies behind the text stays masked.
        let whole = block_on(bench.device.read_words(generation.buffers.ids)).unwrap();
        assert_eq!(whole, expected, "{what}");
        let Some(drawn) = pass.checked_sub(1) else {
            step(bench, &mut generation, &uniforms);
            continue;
        };
        let drawn_tokens = block_on(bench.device.read_words(generation.buffers.tokens)).unwrap();
        let drawn_tokens = &drawn_tokens[start..text.len()];
        assert_eq!(drawn_tokens, &tokens[drawn * gen_len..(drawn + 1) * gen_len], "{what}");
        let sure = block_on(bench.device.read_floats(generation.buffers.token_confidence)).unwrap();
        for (i, (a, e)) in
            sure[start..text.len()].iter().zip(&confidence[drawn * gen_len..]).enumerate()
        {
            assert!((a - e).abs() < 2e-5, "{what}: confidence {i} is {a}, expected {e}");
        }
        let masks = state.ids[start..].iter().filter(|&&id| id == MASK).count();
        assert_eq!(masks as f64, counts.get(drawn).copied().unwrap_or(0.0), "{what}");
        if pass < generation.passes() {
            step(bench, &mut generation, &uniforms);
        }
    }
    assert!(generation.finished());
}

fn step(bench: &mut Bench, generation: &mut Generation, uniforms: &[f32]) {
    if !uniforms.is_empty() {
        let row = generation.passes_done() * 32;
        generation.write_uniforms(&mut bench.device, &uniforms[row..row + 32]).unwrap();
    }
    generation.step(&mut bench.device).unwrap();
}

fn carry(temperature: f32) -> SampleOptions {
    let (sampler, schedule) = (SamplerKind::Carry.into(), Schedule::Cosine2);
    SampleOptions { sampler, schedule, temperature, seed: 5, ..SampleOptions::default() }
}

fn maskgit(temperature: f32) -> SampleOptions {
    SampleOptions { sampler: SamplerKind::MaskGit.into(), ..carry(temperature) }
}

#[test]
fn carry_and_maskgit_keep_what_is_visible() {
    let carry = keeps_what_is_visible(&carry(0.0));
    let maskgit = maskgit(0.0);
    let once = keeps_what_is_visible(&maskgit);
    assert_ne!(once, carry);
    // The order is drawn, too, with the seed: also at temperature 0.
    assert_ne!(keeps_what_is_visible(&SampleOptions { seed: 6, ..maskgit.clone() }), once);
    let surest = SampleOptions { choice_temperature: 0.0, ..maskgit };
    let kept = keeps_what_is_visible(&surest);
    assert_eq!(keeps_what_is_visible(&SampleOptions { seed: 6, ..surest }), kept);
}

/// The text that all devices write.
fn keeps_what_is_visible(options: &SampleOptions) -> Vec<u32> {
    let golden = Golden::sampler();
    let mut texts: Vec<State> = Vec::new();
    for bench in &mut Bench::all(&golden) {
        // Gaps before, between and behind given tokens.
        let mut text = prompt(&[19, 30, 23, 23, 38, 4, 9, 3], 20);
        text[2] = None;
        text[0] = None;
        let options = SampleOptions { steps: Some(7), ..options.clone() };
        let mut generation = bench.generation(std::slice::from_ref(&text), &options);
        assert_eq!(generation.passes(), 7);
        assert_eq!(
            (0..=7).map(|pass| generation.time(pass)).collect::<Vec<_>>(),
            [10, 9, 8, 6, 5, 3, 2, 0]
        );
        let mut before = bench.state(&mut generation);
        while !generation.finished() {
            generation.step(&mut bench.device).unwrap();
            let after = bench.state(&mut generation);
            for (i, given) in text.iter().enumerate() {
                if let Some(id) = given {
                    assert_eq!((after.ids[i], after.confidence[i]), (*id, 1.0));
                } else if before.ids[i] != MASK && after.ids[i] != MASK {
                    assert_eq!(after.ids[i], before.ids[i]);
                    assert_eq!(after.confidence[i], before.confidence[i]);
                }
                let again = before.ids[i] != MASK && after.ids[i] == MASK;
                assert!(!again || options.sampler == SamplerKind::Carry.into(), "visible for good");
                assert_eq!(after.confidence[i] == 0.0, after.ids[i] == MASK);
            }
            let masks = after.ids.iter().filter(|&&id| id == MASK).count();
            assert_eq!(masks, Schedule::Cosine2.masked_count(after.time, 10, 22));
            before = after;
        }
        assert_eq!(before.time, 0);
        assert!(!before.ids.contains(&MASK));
        texts.push(before);
    }
    assert_eq!(texts[1].ids, texts[0].ids, "CPU device against the oracle");
    assert_eq!(texts[2].ids, texts[0].ids, "GPU against the oracle");
    texts[0].ids.clone()
}

#[test]
fn the_same_seed_gives_the_same_text() {
    let golden = Golden::sampler();
    let mut texts: Vec<Vec<u32>> = Vec::new();
    let text = prompt(&[19, 30, 23], 20);
    for bench in &mut Bench::all(&golden) {
        let batch = vec![text.clone(); 3];
        let options = SampleOptions { top_p: Some(0.95), top_k: Some(30), ..maskgit(0.9) };
        let state = bench.texts(&batch, &options);
        assert_ne!(state.row(0), state.row(1));
        // A sample does not depend on the batch that it is drawn in.
        let alone = bench.texts(&batch[..1], &SampleOptions { first_sample: 1, ..options.clone() });
        assert_eq!(alone.row(0), state.row(1));
        let other = bench.texts(&batch, &SampleOptions { seed: 6, ..options });
        assert_ne!(other.ids, state.ids);
        texts.push(state.ids);
    }
    assert_eq!(texts[1], texts[0], "CPU device against the oracle");
    assert_eq!(texts[2], texts[0], "GPU against the oracle");
}

#[test]
fn going_back_repeats_and_branches() {
    let golden = Golden::sampler();
    for bench in &mut Bench::all(&golden) {
        let mut generation = bench.generation(&[prompt(&[19, 30], 24)], &maskgit(0.8));
        let mut states = vec![bench.state(&mut generation)];
        while !generation.finished() {
            generation.step(&mut bench.device).unwrap();
            states.push(bench.state(&mut generation));
        }
        // The same draws again from the middle on.
        generation.set_state(&mut bench.device, &states[4]).unwrap();
        assert_eq!(bench.state(&mut generation), states[4]);
        for expected in &states[5..] {
            generation.step(&mut bench.device).unwrap();
            assert_eq!(&bench.state(&mut generation), expected);
        }
        // Another text from there, with a token that somebody typed.
        let mut branch = states[4].clone();
        (branch.ids[12], branch.confidence[12], branch.generated[12]) = (40, 1.0, false);
        generation.set_state(&mut bench.device, &branch).unwrap();
        generation.run(&mut bench.device).unwrap();
        let end = bench.state(&mut generation);
        assert_eq!((end.ids[12], end.confidence[12], end.generated[12]), (40, 1.0, false));
        assert!(!end.ids.contains(&MASK));
        assert_ne!(end.ids, states[10].ids);
    }
}

const PREDICTIONS: PassOptions = PassOptions { predictions: true, uniforms: Uniforms::Drawn };

#[test]
fn predictions_change_nothing_and_say_what_is_drawn() {
    let golden = Golden::sampler();
    for bench in &mut Bench::all(&golden) {
        let (text, options) = ([prompt(&[19, 30], 24)], maskgit(0.0));
        let mut plain = bench.generation(&text, &options);
        let mut states = Vec::new();
        while !plain.finished() {
            plain.step(&mut bench.device).unwrap();
            states.push(bench.state(&mut plain));
        }
        let mut generation = bench.recorded(&text, &options, PREDICTIONS);
        let mut before = bench.state(&mut generation).ids;
        for expected in states {
            let step = block_on(generation.step_with_predictions(&mut bench.device)).unwrap();
            let (state, predictions) = step.unwrap();
            assert_eq!(state, expected);
            // The network is asked about masks, and about nothing else.
            assert_eq!(predictions.len(), 26);
            let asked = |(id, prediction): (&u32, &Option<Prediction>)| {
                (*id == MASK) == prediction.is_some()
            };
            assert!(before.iter().zip(&predictions).all(asked));
            for Prediction { top, entropy } in predictions.iter().flatten() {
                let probabilities: Vec<f32> = top.iter().map(|top| top.1).collect();
                assert_eq!(probabilities.len(), 5);
                assert!(probabilities.is_sorted_by(|a, b| a >= b));
                assert!(probabilities.iter().sum::<f32>() <= 1.0 + 1e-5);
                assert!(top.iter().all(|top| top.0 != MASK));
                assert!(*entropy > 0.0 && *entropy < 97f32.ln());
            }
            // Greedy: what is drawn is the likeliest.
            let tokens = block_on(bench.device.read_words(generation.buffers.tokens)).unwrap();
            for (i, prediction) in predictions.iter().enumerate() {
                let likeliest = prediction.as_ref().map(|prediction| prediction.top[0].0);
                assert!(likeliest.is_none_or(|token| token == tokens[i]), "position {i}");
            }
            before = state.ids;
        }
        let after = block_on(generation.step_with_predictions(&mut bench.device)).unwrap();
        assert_eq!(after, None);
    }
}

#[test]
fn a_changed_state_is_gone_on_from() {
    let golden = Golden::sampler();
    for bench in &mut Bench::all(&golden) {
        let mut generation = bench.recorded(&[prompt(&[19, 30], 24)], &maskgit(0.0), PREDICTIONS);
        for _ in 0..8 {
            generation.step(&mut bench.device).unwrap();
        }
        // An erased token is drawn again: greedily, the likeliest.
        let mut state = bench.state(&mut generation);
        let visible = (2..26).find(|&i| state.ids[i] != MASK).unwrap();
        (state.ids[visible], state.confidence[visible]) = (MASK, 0.0);
        generation.set_state(&mut bench.device, &state).unwrap();
        assert_eq!(bench.state(&mut generation), state);
        let step = block_on(generation.step_with_predictions(&mut bench.device)).unwrap();
        let tokens = block_on(bench.device.read_words(generation.buffers.tokens)).unwrap();
        let (_, predictions) = step.unwrap();
        assert_eq!(Some(tokens[visible]), predictions[visible].as_ref().map(|all| all.top[0].0));

        // Masks in the prompt and in a finished text are filled, a fixed token stays.
        generation.run(&mut bench.device).unwrap();
        let mut state = bench.state(&mut generation);
        (state.pass, state.time) = (9, generation.time(9));
        for i in [0, 20] {
            (state.ids[i], state.confidence[i], state.generated[i]) = (MASK, 0.0, true);
        }
        (state.ids[21], state.confidence[21], state.generated[21]) = (50, 1.0, false);
        generation.set_state(&mut bench.device, &state).unwrap();
        assert!(!generation.finished());
        generation.run(&mut bench.device).unwrap();
        let end = bench.state(&mut generation);
        assert!(!end.ids.contains(&MASK));
        assert_eq!(end.ids[21], 50);
        assert!(end.generated[0]);
    }
}

#[test]
fn gaps_do_not_end_the_text() {
    let golden = Golden::sampler();
    for mut bench in Bench::all(&golden) {
        let mut tokens = prompt(&[19, 20], 8);
        tokens.extend(prompt(&[21, 22], 6));
        let usual = bench.texts(&[tokens.clone()], &carry(0.0));
        let end = usual.ids[5];
        let options = SampleOptions { end_token: Some(end), ..carry(0.0) };
        let state = bench.texts(&[tokens], &options);
        assert!(!state.ids[2..10].contains(&end), "{:?} holds {end}", state.ids);
    }
}

#[test]
fn a_text_that_may_not_end_has_no_end() {
    let golden = Golden::sampler();
    for mut bench in Bench::all(&golden) {
        let usual = bench.texts(&[prompt(&[19], 8)], &carry(0.0));
        let end = usual.ids[5];
        let options = SampleOptions { end_token: Some(end), ..carry(0.0) };
        assert!(bench.texts(&[prompt(&[19], 8)], &options).ids.contains(&end));
        let options = SampleOptions { may_end: false, ..options };
        let state = bench.texts(&[prompt(&[19], 8)], &options);
        assert!(!state.ids.contains(&end), "{:?} holds {end}", state.ids);
    }
}

#[test]
fn stepping_behind_the_end_changes_nothing() {
    let golden = Golden::sampler();
    let mut bench = Bench::new(Device::cpu(), &golden);
    let mut generation = bench.generation(&[prompt(&[19], 5)], &carry(0.7));
    generation.run(&mut bench.device).unwrap();
    let end = bench.state(&mut generation);
    generation.step(&mut bench.device).unwrap();
    assert_eq!(bench.state(&mut generation), end);
}

#[test]
fn impossible_requests_are_refused_in_a_sentence() {
    let golden = Golden::sampler();
    let mut bench = Bench::new(Device::cpu(), &golden);
    let mut refuse = |prompts: &[Vec<Option<u32>>], options: SampleOptions, sentence: &str| {
        let Bench { device, model, workspace } = &mut bench;
        let parts = Parts { model, variants: &Variants::default(), workspace };
        let error = Generation::new(device, parts, prompts, &options, PassOptions::default())
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains(sentence), "{error}");
    };
    let good = || vec![prompt(&[5, 6], 8)];
    let options = SampleOptions::default;
    refuse(&good(), SampleOptions { steps: Some(0), ..options() }, "steps is 0");
    refuse(&good(), SampleOptions { steps: Some(11), ..options() }, "between 1 and 10");
    refuse(&good(), SampleOptions { temperature: -1.0, ..options() }, "temperature is -1");
    refuse(
        &good(),
        SampleOptions { choice_temperature: f32::INFINITY, ..options() },
        "choice_temperature is inf",
    );
    refuse(&good(), SampleOptions { temperature: f32::NAN, ..options() }, "temperature is NaN");
    refuse(&good(), SampleOptions { top_k: Some(0), ..options() }, "top_k is 0");
    refuse(&good(), SampleOptions { top_p: Some(0.0), ..options() }, "top_p is 0");
    refuse(&good(), SampleOptions { top_p: Some(1.5), ..options() }, "top_p is 1.5");
    refuse(&[], options(), "no prompt");
    refuse(&[prompt(&[5], 32)], options(), "33 tokens together, the model's block holds 32");
    refuse(&[prompt(&[97], 3)], options(), "token 97");
    refuse(&[prompt(&[5, 6], 0)], options(), "nothing to generate");
    refuse(&[prompt(&[5], 3), prompt(&[5], 4)], options(), "differ in length");
    refuse(&vec![prompt(&[5], 3); 4], options(), "do not fit a workspace");
}
