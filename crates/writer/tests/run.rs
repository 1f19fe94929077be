//! Runs of a small network with random weights: frames, snapshots, traces.

use corpus::tokenizer::{Tokenizer, TrainOptions};
use device::Device;
use diffusion::Schedule;
use diffusion::sampler::{SampleOptions, Workspace};
use kernels::Variants;
use model::{Card, Checkpoint, Config, Init, Model, Objective, initial_values};
use plot::{Frame, Trace};
use pollster::block_on;
use writer::{Edit, Length, Run, Snapshot, Writer, edit};

const TIMESTEPS: usize = 8;

fn writer(device: &mut Device) -> Writer {
    let options = TrainOptions { vocab_size: 290, ..TrainOptions::default() };
    let story = "Tom had a ball. Lily saw the ball and was happy.";
    let tokenizer = Tokenizer::train([story, story].into_iter(), &options, |_| ()).expect("one");
    let config = Config {
        n_layer: 1,
        n_head: 2,
        n_embd: 16,
        block_size: 32,
        timesteps: TIMESTEPS,
        mask_id: tokenizer.mask_id(),
        ..Config::reference(tokenizer.vocab_size() as usize)
    };
    let init = Init { std: 0.5, zero_projections: false, seed: 3 };
    let values = initial_values(&config, &init);
    let checkpoint = Checkpoint { config, card: Card::default(), values };
    let defaults = writer::options(Objective::Masked, Schedule::Cosine2, &tokenizer);
    Writer {
        model: Model::load(device, &checkpoint).expect("it fits"),
        variants: Variants::default(),
        workspace: Workspace::new(device, &config, 2, config.block_size).expect("it fits"),
        tokenizer,
        defaults,
        name: "toy".to_owned(),
    }
}

/// The positions of a text without gaps of open length.
fn one(writer: &Writer, prompt: &str, length: usize) -> Vec<Option<u32>> {
    writer.choices(prompt, Length::Exactly(length)).expect("it fits").swap_remove(0)
}

/// Everything that is left of a run, frame by frame.
fn rest(device: &mut Device, run: &mut Run) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((frame, predictions)) =
        block_on(run.step_with_predictions(device)).expect("the CPU does not fail")
    {
        assert_eq!(predictions.entropy.len(), frame.ids.len());
        frames.push(frame);
    }
    assert!(run.over());
    frames
}

/// A run of one text over its whole length, and its trace.
fn whole(device: &mut Device, writer: &Writer) -> (Run, Trace) {
    let positions = one(writer, "Tom ", 12);
    let options = SampleOptions { may_end: false, ..writer.defaults.clone() };
    let run = writer.begin(device, &positions, 1, &options, true);
    let mut run = block_on(run).expect("possible");
    let mut trace = writer.trace(&run, "Tom ");
    for frame in rest(device, &mut run) {
        trace.push(frame, |id| writer::piece(&writer.tokenizer, id));
    }
    (run, trace)
}

#[test]
fn a_trace_is_whole_and_names_its_model() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let (_, trace) = whole(device, &writer);
    trace.check().expect("whole");
    assert_eq!((trace.model.as_str(), trace.schedule.as_str()), ("toy", "cosine2"));
    assert_eq!((trace.sampler.as_str(), trace.prompt.as_str()), ("maskgit", "Tom "));
    assert_eq!((trace.steps as usize, trace.frames.len()), (TIMESTEPS, TIMESTEPS + 1));
    assert!(trace.runs_on && trace.masks(TIMESTEPS) == 0);
    assert!(trace.text(TIMESTEPS).starts_with("Tom"));
}

#[test]
fn a_trace_tells_writing_from_correcting() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let positions = one(&writer, "Tom ", 12);
    let sampler = "maskgit+targeted:0.5:2".parse().expect("a sampler");
    let options = SampleOptions { may_end: false, sampler, ..writer.defaults.clone() };
    let run = writer.begin(device, &positions, 1, &options, true);
    let mut run = block_on(run).expect("possible");
    let mut trace = writer.trace(&run, "Tom ");
    for frame in rest(device, &mut run) {
        trace.push(frame, |id| writer::piece(&writer.tokenizer, id));
    }
    assert_eq!((trace.steps as usize, trace.corrections), (TIMESTEPS, 2 * (8 + 4)));
    assert_eq!(trace.masks(TIMESTEPS), 0, "the text stands");
    let last = trace.frames.last().expect("frames").step;
    assert!(last > trace.steps && last <= trace.planned(), "{last}");
    let clock = trace.clock(last);
    assert_eq!((clock.correcting, clock.done), (true, last - trace.steps));
}

#[test]
fn a_run_goes_on_from_any_of_its_frames() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let (mut run, trace) = whole(device, &writer);
    assert!(run.suits(&run.generation().options().clone(), trace.len()));
    assert!(!run.suits(&writer.defaults, trace.len()), "that one may end its text");
    assert!(!run.suits(&run.generation().options().clone(), trace.len() - 1));
    // The same draws again.
    for at in [0, 3, TIMESTEPS] {
        let mut before = trace.clone();
        before.frames.truncate(at + 1);
        run.resume(device, &Snapshot::last(&before)).expect("the CPU");
        assert_eq!(rest(device, &mut run), trace.frames[at + 1..]);
    }
    run.restart(device).expect("the CPU");
    assert_eq!(rest(device, &mut run), trace.frames[1..]);
}

#[test]
fn edits_are_gone_on_from() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let (mut run, mut trace) = whole(device, &writer);
    let last = trace.len() - 1;
    let cat = writer.tokenizer.encode(" ball")[0];
    edit(&mut trace, last - 1, Edit::Replace(cat));
    edit(&mut trace, last, Edit::Erase);
    run.resume(device, &Snapshot::last(&trace)).expect("the CPU");
    assert!(!run.over(), "there are steps to fill the mask");
    let frames = rest(device, &mut run);
    let end = frames.last().expect("frames");
    assert_eq!((end.ids[last - 1], end.confidence[last - 1]), (cat, 1.0));
    assert!(!end.ids.contains(&trace.mask_id));
}

#[test]
fn a_text_is_complete_when_everything_up_to_its_end_is_visible() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let positions = one(&writer, "Tom", 20);
    let mut early = 0;
    // Another token takes the part of the end: this model seldom draws that of its tokenizer.
    for end in 0..290 {
        let options = SampleOptions { end_token: Some(end), seed: 4, ..writer.defaults.clone() };
        let run = block_on(writer.begin(device, &positions, 1, &options, true));
        let mut run = run.expect("possible");
        let frames = rest(device, &mut run);
        let frame = frames.last().expect("frames");
        let end_at = plot::trace::text_end(&frame.ids, end, |i| positions[i].is_some());
        if frames.len() < TIMESTEPS {
            early += 1;
            let end_at = end_at.expect("it ends");
            assert!(!frame.ids[..end_at].contains(&writer.tokenizer.mask_id()));
        }
        let state = block_on(run.state(device)).expect("the CPU");
        assert_eq!(run.text(&state, 0), &frame.ids[..end_at.unwrap_or(frame.ids.len())]);
    }
    assert!(early > 0, "no text was complete before the last step");
}

#[test]
fn the_length_of_the_likeliest_tokens_is_chosen() {
    let device = &mut Device::cpu();
    let writer = writer(device);
    let choices = writer.choices("Tom[MASK:1-9] ball.", Length::Auto).expect("it fits");
    assert_eq!(choices.len(), 9);
    // One token after the other as the passes go, likeliest tokens at the surest places.
    let options = SampleOptions {
        sampler: "maskgit+confidence".parse().expect("a sampler"),
        temperature: 0.0,
        steps: Some(TIMESTEPS),
        may_end: false,
        ..writer.defaults.clone()
    };
    let mut likelihoods = vec![];
    for positions in &choices {
        let run = block_on(writer.begin(device, positions, 1, &options, true));
        let mut run = run.expect("possible");
        let last = rest(device, &mut run).pop().expect("frames");
        let drawn = last.confidence.iter().zip(positions).filter(|(_, given)| given.is_none());
        let logs: Vec<f64> = drawn.map(|(confidence, _)| f64::from(*confidence).ln()).collect();
        likelihoods.push(logs.iter().sum::<f64>() / logs.len() as f64);
    }
    let best = (0..9).max_by(|&a, &b| likelihoods[a].total_cmp(&likelihoods[b])).expect("nine");
    let wild = SampleOptions { temperature: 1.0, seed: 9, ..writer.defaults.clone() };
    let fit = block_on(writer.fit(device, choices.clone(), &wild)).expect("possible");
    assert_eq!(fit, choices[best], "{likelihoods:?}");
    assert!(best > 0 && best < 8, "a test that the ends would pass: {likelihoods:?}");
    let only = block_on(writer.fit(device, choices[..1].to_vec(), &wild)).expect("possible");
    assert_eq!(only, choices[0]);
}
