//! The launches of a pass.

use device::{Recording, Slice};
use kernels::{
    Variants, remask, sample_begin, sample_explain, sample_order, sample_tokens, sample_uniforms,
};
use model::Model;
use model::forward::{self, Pass};

use super::workspace::Buffers;
use super::{SampleOptions, SamplerKind};

/// Where the uniform random numbers of a pass come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uniforms {
    /// Drawn on the device, from seed, sample, pass and position.
    #[default]
    Drawn,
    /// Written by the host before each pass ([`super::Generation::write_uniforms`]): reproduces
    /// runs whose random numbers come from elsewhere.
    Given,
}

/// What a pass is recorded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassOptions {
    /// Also computes the top tokens, their probabilities and the entropy of every position.
    pub predictions: bool,
    /// Source of the random numbers that tokens are drawn with.
    pub uniforms: Uniforms,
}

/// One denoising pass.
pub(super) fn pass(
    variants: &Variants,
    model: &Model,
    buffers: &Buffers,
    options: &SampleOptions,
    pass: PassOptions,
) -> Recording {
    let mask_id = model.config.mask_id;
    let length = buffers.acts.length;
    let sampling = options.sampling(mask_id);
    let mut step = Recording::default();
    let Buffers { table, cursor, timesteps, control, uniforms, .. } = *buffers;
    sample_begin::record(&mut step, sample_begin::Buffers { table, cursor, timesteps, control });
    let (seed, first_sample) = (options.seed, options.first_sample);
    if pass.uniforms == Uniforms::Drawn {
        let io = sample_uniforms::Buffers { control, uniforms };
        sample_uniforms::record(&mut step, io, length, first_sample, seed);
    }
    let (acts, ids) = (&buffers.acts, buffers.ids);
    let forward_pass = Pass { variants, model, acts, ids, timesteps };
    forward::logits(&mut step, &forward_pass, |step, rows, logits| {
        let part = |slice: Slice, width| slice.part(rows.start * width, rows.len() * width);
        let io = sample_tokens::Buffers {
            logits,
            uniforms: part(uniforms, 1),
            ids: part(ids, 1),
            confidence: part(buffers.confidence, 1),
            kinds: part(buffers.kinds, 1),
            control,
            tokens: part(buffers.tokens, 1),
            token_confidence: part(buffers.token_confidence, 1),
        };
        sample_tokens::record(step, io, &sampling);
        if pass.predictions {
            let excluded = options.sampler.keeps_visible().then_some(mask_id);
            let io = sample_explain::Buffers {
                logits,
                tokens: part(buffers.top_tokens, sample_explain::BEST),
                probabilities: part(buffers.top_probabilities, sample_explain::BEST),
                entropy: part(buffers.entropy, 1),
            };
            sample_explain::record(step, io, excluded);
        }
    });
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
            kinds: buffers.kinds,
            control,
            ids: buffers.ids,
            confidence: buffers.confidence,
            readback: buffers.readback,
        },
        length,
        mask_id,
    );
    step
}
