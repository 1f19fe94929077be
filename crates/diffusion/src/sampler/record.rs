//! The launches of a pass.

use device::{Recording, Slice};
use kernels::{
    Variants, remask, sample_begin, sample_explain, sample_order, sample_tokens, sample_uniforms,
};
use model::Model;
use model::forward::{self, Pass};

use super::workspace::Buffers;
use super::{SampleOptions, SamplerKind};

/// One denoising pass.
pub(super) fn pass(
    variants: &Variants,
    model: &Model,
    buffers: &Buffers,
    options: &SampleOptions,
) -> Recording {
    let mask_id = model.config.mask_id;
    let length = buffers.acts.length;
    let sampling = options.sampling(mask_id);
    let mut step = Recording::default();
    let Buffers { table, cursor, timesteps, control, uniforms, .. } = *buffers;
    sample_begin::record(&mut step, sample_begin::Buffers { table, cursor, timesteps, control });
    let (seed, first_sample) = (options.seed, options.first_sample);
    let io = sample_uniforms::Buffers { control, uniforms };
    sample_uniforms::record(&mut step, io, length, first_sample, seed);
    network(&mut step, variants, model, buffers, buffers.ids, timesteps);
    sample_tokens::record(
        &mut step,
        sample_tokens::Buffers {
            logits: buffers.acts.logits,
            uniforms,
            ids: buffers.ids,
            confidence: buffers.confidence,
            generated: buffers.generated,
            control,
            tokens: buffers.tokens,
            token_confidence: buffers.token_confidence,
        },
        &sampling,
    );
    let order = match options.sampler {
        SamplerKind::Carry | SamplerKind::Reference => buffers.token_confidence,
        SamplerKind::MaskGit => {
            let (token_confidence, ids, order) =
                (buffers.token_confidence, buffers.ids, buffers.order);
            let io = sample_order::Buffers { token_confidence, ids, control, order };
            let temperature = options.choice_temperature;
            let choice = sample_order::Choice { temperature, length, first_sample, seed, mask_id };
            sample_order::record(&mut step, io, &choice);
            order
        }
    };
    remask::record(
        &mut step,
        remask::Buffers {
            tokens: buffers.tokens,
            token_confidence: buffers.token_confidence,
            order,
            generated: buffers.generated,
            control,
            ids: buffers.ids,
            confidence: buffers.confidence,
            frame: buffers.frame,
        },
        length,
        mask_id,
    );
    step
}

/// One denoising pass and what the network thought in it.
pub(super) fn watched(
    variants: &Variants,
    model: &Model,
    buffers: &Buffers,
    options: &SampleOptions,
) -> Recording {
    let mut step = pass(variants, model, buffers, options);
    explain(&mut step, model, buffers, options);
    step
}

/// Explains the logits that are there.
pub(super) fn explanation(model: &Model, buffers: &Buffers, options: &SampleOptions) -> Recording {
    let mut step = Recording::default();
    explain(&mut step, model, buffers, options);
    step
}

/// Explains what the network says of the tokens that are asked about.
pub(super) fn question(
    variants: &Variants,
    model: &Model,
    buffers: &Buffers,
    options: &SampleOptions,
) -> Recording {
    let mut step = Recording::default();
    network(&mut step, variants, model, buffers, buffers.asked_ids, buffers.asked_timesteps);
    explain(&mut step, model, buffers, options);
    step
}

fn network(
    step: &mut Recording,
    variants: &Variants,
    model: &Model,
    buffers: &Buffers,
    ids: Slice,
    timesteps: Slice,
) {
    forward::logits(step, &Pass { variants, model, acts: &buffers.acts, ids, timesteps });
}

fn explain(step: &mut Recording, model: &Model, buffers: &Buffers, options: &SampleOptions) {
    let excluded = options.sampler.keeps_visible().then_some(model.config.mask_id);
    let Buffers { best, probabilities, entropy, .. } = *buffers;
    let logits = buffers.acts.logits;
    let io = sample_explain::Buffers { logits, tokens: best, probabilities, entropy };
    sample_explain::record(step, io, excluded);
}
