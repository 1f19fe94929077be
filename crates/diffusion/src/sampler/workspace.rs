//! Device memory for generations.

use device::{Device, DeviceError, Element, Slice};
use kernels::{sample_begin, sample_explain};
use model::{Activations, Config};

/// Buffers for generating up to `batch` texts of up to `length` tokens at a time. Made once, used
/// by one generation after the other: devices do not give buffers back.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) batch: usize,
    pub(super) length: usize,
    pub(super) buffers: Buffers,
}

/// Everything a pass reads or writes, N = batch x length.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    pub(super) acts: Activations,
    /// `(passes, 2 + batch)`, see [`sample_begin`].
    pub(super) table: Slice,
    pub(super) cursor: Slice,
    pub(super) timesteps: Slice,
    pub(super) control: Slice,
    pub(super) uniforms: Slice,
    pub(super) ids: Slice,
    pub(super) confidence: Slice,
    pub(super) generated: Slice,
    pub(super) tokens: Slice,
    pub(super) token_confidence: Slice,
    /// Order of re-masking, where it is not that of confidence.
    pub(super) order: Slice,
    /// `(2, N)`, see [`kernels::remask`].
    pub(super) frame: Slice,
    /// Tokens of a question that is no part of the run, `(N)`.
    pub(super) asked_ids: Slice,
    pub(super) asked_timesteps: Slice,
    pub(super) best: Slice,
    pub(super) probabilities: Slice,
    pub(super) entropy: Slice,
}

impl Workspace {
    /// Buffers for a model of this config. The sampler `seed` always needs `length` to be the
    /// model's block size.
    pub fn new(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        let n = batch * length;
        let acts = Activations::for_inference(device, config, batch, length)?;
        let passes = config.timesteps + 1;
        let mut words = |label, len| device.allocate(label, Element::Word, len);
        let table = words("sample_table", passes * (sample_begin::HEADER + batch))?;
        let cursor = words("sample_cursor", 1)?;
        let timesteps = words("sample_timesteps", batch)?;
        let control = words("sample_control", sample_begin::HEADER + batch)?;
        let ids = words("sample_ids", n)?;
        let generated = words("sample_generated", n)?;
        let tokens = words("sample_tokens", n)?;
        let frame = words("sample_frame", 2 * n)?;
        let asked_ids = words("asked_ids", n)?;
        let asked_timesteps = words("asked_timesteps", batch)?;
        let best = words("best_tokens", n * sample_explain::BEST)?;
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        let buffers = Buffers {
            acts,
            table,
            cursor,
            timesteps,
            control,
            uniforms: floats("sample_uniforms", n)?,
            ids,
            confidence: floats("sample_confidence", n)?,
            generated,
            tokens,
            token_confidence: floats("sample_token_confidence", n)?,
            order: floats("sample_order", n)?,
            frame,
            asked_ids,
            asked_timesteps,
            best,
            probabilities: floats("best_probabilities", n * sample_explain::BEST)?,
            entropy: floats("best_entropy", n)?,
        };
        Ok(Self { batch, length, buffers })
    }

    /// The beginning of the buffers, for `batch` texts of `length` tokens in `passes` passes.
    pub(super) fn narrowed(
        &self,
        config: &Config,
        batch: usize,
        length: usize,
        passes: usize,
    ) -> Buffers {
        let n = batch * length;
        let row = sample_begin::HEADER + batch;
        let whole = &self.buffers;
        let first = |slice: Slice, len: usize| slice.part(0, len);
        Buffers {
            acts: whole.acts.narrowed(config, batch, length),
            table: first(whole.table, passes * row),
            cursor: whole.cursor,
            timesteps: first(whole.timesteps, batch),
            control: first(whole.control, row),
            uniforms: first(whole.uniforms, n),
            ids: first(whole.ids, n),
            confidence: first(whole.confidence, n),
            generated: first(whole.generated, n),
            tokens: first(whole.tokens, n),
            token_confidence: first(whole.token_confidence, n),
            order: first(whole.order, n),
            frame: first(whole.frame, 2 * n),
            asked_ids: first(whole.asked_ids, n),
            asked_timesteps: first(whole.asked_timesteps, batch),
            best: first(whole.best, n * sample_explain::BEST),
            probabilities: first(whole.probabilities, n * sample_explain::BEST),
            entropy: first(whole.entropy, n),
        }
    }
}
