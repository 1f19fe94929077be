//! Texts generated for the metrics of generation.

use anyhow::Result;
use device::Device;
use diffusion::metrics::change_rate;
use diffusion::sampler::{Parts, SampleOptions, State, Workspace};
use diffusion::{Schedule, reference_sampler};
use indicatif::ProgressBar;
use kernels::Variants;
use model::Model;
use pollster::block_on;
use writer::Run;

use super::denoise::{BATCH, Windows};

/// Tokens of a prompt and of what is generated behind it, as far as the block holds them.
const PROMPT: usize = 32;
const GENERATED: usize = 128;

/// Generated texts and how they came about.
pub(super) struct Texts {
    /// The generated part of each text.
    pub(super) generated: Vec<Vec<u32>>,
    /// Mean share of the generated positions that differ between consecutive states.
    pub(super) change_rate: f64,
}

/// 16 greedy continuations of held-out text: from left to right by an autoregressive model, by others
/// with the reference sampler.
pub(super) fn texts(
    device: &mut Device,
    variants: &Variants,
    model: &Model,
    schedule: Schedule,
    windows: &Windows,
    bar: &ProgressBar,
) -> Result<Texts> {
    let block = model.config.block_size;
    let prompt = PROMPT.min(block / 4);
    let length = GENERATED.min(block - prompt);
    let prompts: Vec<Vec<Option<u32>>> = windows
        .sequences()
        .take(BATCH)
        .map(|window| {
            let given = window[..prompt].iter().map(|&id| Some(id));
            given.chain(std::iter::repeat_n(None, length)).collect()
        })
        .collect();
    let workspace = Workspace::for_model(device, model, BATCH, block)?;
    let options = SampleOptions {
        sampler: reference_sampler(model.objective).into(),
        schedule,
        temperature: 0.0,
        ..SampleOptions::default()
    };
    let parts = Parts { model, variants, workspace: &workspace };
    let mut run = block_on(Run::new(device, parts, &prompts, &options, false))?;
    let mut states: Vec<State> = vec![run.first().clone()];
    while !run.over() {
        run.step(device)?;
        states.push(block_on(run.state(device))?);
        bar.inc(1);
    }
    let ids: Vec<_> = states.iter().map(|state| &state.ids).collect();
    let last = &states[states.len() - 1];
    Ok(Texts {
        change_rate: change_rate(&ids, &last.generated),
        generated: (0..BATCH).map(|row| last.row(row)[prompt..].to_vec()).collect(),
    })
}
