//! Whether a device computes what a model's card says.

use device::Device;
use diffusion::default_sampler;
use diffusion::sampler::{Parts, SampleError, SampleOptions, Workspace};
use kernels::Variants;
use model::{Check, Config, Model, Objective};

use crate::{Predictions, Run};

/// Most that a logarithm of a probability may differ. Devices that compute rightly differ by less than
/// a thousandth, since all of them add in f32; a wrong one by far more.
pub const TOLERANCE: f32 = 0.01;

/// Positions of the input.
const LENGTH: usize = 16;

/// The check of a model, as `device` computes it. Every other position of the input is a mask, or of the
/// last block for a model that writes in blocks, or all of the second half for one that writes from left
/// to right; the likeliest token of each is kept.
///
/// # Errors
/// When the device fails.
pub async fn expectation(
    device: &mut Device,
    model: &Model,
    variants: &Variants,
) -> Result<Check, SampleError> {
    let Config { vocab_size, mask_id, block_size, .. } = model.config;
    let given = |position: usize| {
        let id = (7 + 37 * position) % vocab_size;
        let id = if id == mask_id as usize { (id + 1) % vocab_size } else { id };
        id as u32
    };
    let length = LENGTH.min(block_size);
    let is_given = |position: &usize| match model.objective {
        Objective::Block(block) => {
            let last = (length - 1) / block * block;
            *position < last || (position - last) % 2 == 1
        }
        Objective::Autoregressive => 2 * position < length,
        _ => position.is_multiple_of(2),
    };
    let token = |position: usize| is_given(&position).then(|| given(position));
    let tokens: Vec<Option<u32>> = (0..length).map(token).collect();
    let predictions = predict(device, model, variants, &tokens).await?;
    let masks = (0..tokens.len()).filter(|&position| tokens[position].is_none());
    let best = |position| {
        let (token, probability) = predictions.top(position).next()?;
        Some((position, token, probability.ln()))
    };
    let expected = masks.filter_map(best).collect();
    Ok(Check { tokens, expected })
}

/// Largest difference between what `device` computes and what is expected of it; infinite where it
/// does not even find the token.
///
/// # Errors
/// When the input is longer than the model's block, or the device fails.
pub async fn deviation(
    device: &mut Device,
    model: &Model,
    variants: &Variants,
    check: &Check,
) -> Result<f32, SampleError> {
    let predictions = predict(device, model, variants, &check.tokens).await?;
    let differences = check.expected.iter().map(|&(position, token, expected)| {
        let found = predictions.top(position).find(|&(id, _)| id == token);
        let difference = found.map_or(f32::INFINITY, |(_, p)| (p.ln() - expected).abs());
        if difference.is_nan() { f32::INFINITY } else { difference }
    });
    Ok(differences.fold(0.0, f32::max))
}

/// What the network expects in the first pass over these tokens.
async fn predict(
    device: &mut Device,
    model: &Model,
    variants: &Variants,
    tokens: &[Option<u32>],
) -> Result<Predictions, SampleError> {
    let Config { block_size, .. } = model.config;
    if tokens.is_empty() || tokens.len() > block_size {
        let long = tokens.len();
        return Err(SampleError::Impossible(format!(
            "the model's check has {long} tokens, and its block holds {block_size}"
        )));
    }
    let workspace = Workspace::for_model(device, model, 1, tokens.len())?;
    let parts = Parts { model, variants, workspace: &workspace };
    let sampler = default_sampler(model.objective).into();
    let options = SampleOptions { sampler, steps: Some(1), ..SampleOptions::default() };
    let mut run = Run::new(device, parts, &[tokens.to_vec()], &options, true).await?;
    let step = run.step_with_predictions(device).await?;
    Ok(step.map(|(_, predictions)| predictions).unwrap_or_default())
}
