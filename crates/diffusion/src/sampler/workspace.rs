//! Device memory for generations.

use std::convert::Infallible;

use device::{ALIGNMENT, Device, DeviceError, Element, Slice};
use kernels::attention::Mask;
use kernels::cross_entropy::TokenStats;
use kernels::rows::LIVE;
use kernels::{decode, sample_begin, sample_explain, sample_survey};
use model::{Activations, Config, LOGIT_BYTES, Model, Objective};

use super::plans::Plans;
use super::window::Memory;

/// Buffers for generating up to `batch` texts of up to `length` tokens at a time. Made once and
/// reused by one generation after the other, because devices do not free buffers.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(super) batch: usize,
    pub(super) length: usize,
    pub(super) buffers: Buffers,
    /// For models that write from left to right.
    cache: Option<Cache>,
    /// For models that write in blocks.
    window: Option<Memory>,
}

/// Keys and values of the positions that are written, so that a pass is over one position alone.
#[derive(Clone, Debug)]
struct Cache {
    /// Of each layer, `(batch, length, 2, H, D)`.
    layers: Vec<Slice>,
    filled: Slice,
    inputs: Slice,
    angles: Slice,
}

/// What a pass over one position of each text reads and writes besides [`Buffers`]; see
/// [`kernels::decode`].
#[derive(Clone, Debug)]
pub(super) struct Decoding {
    pub(super) acts: Activations,
    pub(super) filled: Slice,
    pub(super) inputs: Slice,
}

/// Everything a pass reads or writes, N = batch x length.
#[derive(Clone, Debug)]
pub(super) struct Buffers {
    pub(super) acts: Activations,
    /// `(passes, 7 + batch)`, see [`sample_begin`].
    pub(super) table: Slice,
    pub(super) cursor: Slice,
    pub(super) timesteps: Slice,
    pub(super) control: Slice,
    pub(super) uniforms: Slice,
    pub(super) ids: Slice,
    pub(super) confidence: Slice,
    /// Kind of each position, see [`kernels::remask`].
    pub(super) kinds: Slice,
    pub(super) tokens: Slice,
    pub(super) token_confidence: Slice,
    /// Order of re-masking, where it is not the confidence, and a second one computed from it.
    pub(super) order: Slice,
    pub(super) verdict: Slice,
    /// See [`kernels::sample_certainty`].
    pub(super) margin: Slice,
    pub(super) uncertainty: Slice,
    /// See [`sample_survey`].
    pub(super) told: Slice,
    pub(super) progress: Slice,
    pub(super) live: Slice,
    pub(super) layers: Slice,
    /// What the network sees where that is not the text: while it is judged, or shifted.
    pub(super) seen: Slice,
    /// Positions that a pass needs logits of, and where they stand side by side, see
    /// [`kernels::rows`].
    pub(super) asked: Slice,
    pub(super) rows: Slice,
    pub(super) places: Slice,
    pub(super) run_live: Slice,
    pub(super) row_targets: Slice,
    pub(super) row_weights: Slice,
    /// What the network thinks of hidden tokens, side by side.
    pub(super) stats: TokenStats,
    /// Ids and confidence packed, `(2, N)`, see [`kernels::remask`].
    pub(super) readback: Slice,
    pub(super) top_tokens: Slice,
    pub(super) top_probabilities: Slice,
    pub(super) entropy: Slice,
}

impl Buffers {
    /// All buffers beside `acts`, for up to `passes` passes. `make` gets label, element and length
    /// of each, and where it lies in another set.
    fn new<E>(
        acts: Activations,
        passes: usize,
        mut make: impl FnMut(&str, Element, usize, fn(&Self) -> Slice) -> Result<Slice, E>,
    ) -> Result<Self, E> {
        use Element::{Float, Word};
        let (n, batch) = (acts.rows(), acts.batch);
        let (row, top) = (sample_begin::HEADER + batch, n * sample_explain::BEST);
        Ok(Self {
            table: make("sample_table", Word, passes * row, |all| all.table)?,
            cursor: make("sample_cursor", Word, 1, |all| all.cursor)?,
            timesteps: make("sample_timesteps", Word, batch, |all| all.timesteps)?,
            control: make("sample_control", Word, row, |all| all.control)?,
            uniforms: make("sample_uniforms", Float, n, |all| all.uniforms)?,
            ids: make("sample_ids", Word, n, |all| all.ids)?,
            confidence: make("sample_confidence", Float, n, |all| all.confidence)?,
            kinds: make("sample_kinds", Word, n, |all| all.kinds)?,
            tokens: make("sample_tokens", Word, n, |all| all.tokens)?,
            token_confidence: make("token_confidence", Float, n, |all| all.token_confidence)?,
            order: make("sample_order", Float, n, |all| all.order)?,
            verdict: make("sample_verdict", Float, n, |all| all.verdict)?,
            margin: make("sample_margin", Float, n, |all| all.margin)?,
            uncertainty: make("sample_uncertainty", Float, n, |all| all.uncertainty)?,
            told: make("sample_told", Word, n + batch, |all| all.told)?,
            progress: make("sample_progress", Word, sample_survey::PROGRESS, |all| all.progress)?,
            live: make("sample_live", Word, 1, |all| all.live)?,
            layers: make("sample_layers", Word, 1, |all| all.layers)?,
            seen: make("sample_seen", Word, n, |all| all.seen)?,
            asked: make("sample_asked", Float, n, |all| all.asked)?,
            rows: make("sample_rows", Word, n, |all| all.rows)?,
            places: make("sample_places", Word, n, |all| all.places)?,
            run_live: make("sample_run_live", Word, n.div_ceil(ALIGNMENT) * LIVE, |all| {
                all.run_live
            })?,
            row_targets: make("sample_row_targets", Word, n, |all| all.row_targets)?,
            row_weights: make("sample_row_weights", Float, n, |all| all.row_weights)?,
            stats: TokenStats {
                lse: make("sample_lse", Float, n, |all| all.stats.lse)?,
                loss: make("sample_loss", Float, n, |all| all.stats.loss)?,
                hit: make("sample_hit", Float, n, |all| all.stats.hit)?,
                entropy: make("sample_loss_entropy", Float, n, |all| all.stats.entropy)?,
            },
            readback: make("sample_readback", Word, 2 * n, |all| all.readback)?,
            top_tokens: make("top_tokens", Word, top, |all| all.top_tokens)?,
            top_probabilities: make("top_probabilities", Float, top, |all| all.top_probabilities)?,
            entropy: make("prediction_entropy", Float, n, |all| all.entropy)?,
            acts,
        })
    }
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
        let acts = Activations::for_sampling(device, config, batch, length)?;
        let most = Plans::most(config, length, length);
        let buffers = Buffers::new(acts, most, |label, element, len, _| {
            device.allocate(label, element, len)
        })?;
        Ok(Self { batch, length, buffers, cache: None, window: None })
    }

    /// Buffers for a model. One that writes from left to right, token by token or in blocks, gets a
    /// cache, too; with it, texts of blocks may be longer than the model's context.
    pub fn for_model(
        device: &mut Device,
        model: &Model,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        if let Objective::Block(block) = model.objective {
            return Self::in_blocks(device, &model.config, block, batch, length);
        }
        let mut workspace = Self::new(device, &model.config, batch, length)?;
        if model.objective.shifts() {
            workspace.add_cache(device, &model.config)?;
        }
        Ok(workspace)
    }

    /// Buffers for texts that are written in blocks, with a cache.
    fn in_blocks(
        device: &mut Device,
        config: &Config,
        block: usize,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        let memory = Memory::new(device, config, block, [batch, length])?;
        let acts = Activations::for_sampling(device, config, batch, block)?;
        let most = Plans::most(config, memory.length, block);
        let buffers = Buffers::new(acts, most, |label, element, len, _| {
            device.allocate(label, element, len)
        })?;
        Ok(Self { batch, length, buffers, cache: None, window: Some(memory) })
    }

    /// Whether texts may be longer than the model's context, which moves on with them.
    pub(super) fn slides(&self) -> bool {
        self.window.is_some()
    }

    /// What writing `batch` texts of `length` tokens in blocks needs, if there is a cache for it.
    pub(super) fn window(&self, config: &Config, batch: usize, length: usize) -> Option<Memory> {
        self.window.as_ref().map(|memory| memory.narrowed(config, [batch, length]))
    }

    /// Adds a cache of keys and values: an autoregressive model then writes each token in a pass over
    /// its position alone.
    fn add_cache(&mut self, device: &mut Device, config: &Config) -> Result<(), DeviceError> {
        let Self { batch, length, .. } = *self;
        let size = batch * length * 2 * config.n_embd;
        let layers = (0..config.n_layer)
            .map(|_| device.allocate("keys_values", Element::Float, size))
            .collect::<Result<_, _>>()?;
        self.cache = Some(Cache {
            layers,
            filled: device.allocate("filled", Element::Word, 1)?,
            inputs: device.allocate("inputs", Element::Word, batch)?,
            angles: device.allocate("angles", Element::Float, config.head_dim())?,
        });
        Ok(())
    }

    /// What passes over one position of `batch` texts of `length` tokens need, if there is a cache.
    pub(super) fn decoding(&self, model: &Model, batch: usize, length: usize) -> Option<Decoding> {
        let Cache { layers, filled, inputs, angles } = self.cache.as_ref()?;
        let mut acts = self.buffers.acts.narrowed(&model.config, batch, 1);
        acts.rope = *angles;
        for (layer, cache) in acts.layers.iter_mut().zip(layers) {
            let keys_values = cache.part(0, batch * length * 2 * model.config.n_embd);
            layer.cache = Some(decode::Cache { keys_values, filled: *filled, length });
        }
        Some(Decoding { acts, filled: *filled, inputs: inputs.part(0, batch) })
    }

    /// How many texts of `length` tokens are generated at a time, so that their logits stay under
    /// [`LOGIT_BYTES`]; at least 1.
    pub fn texts_at_a_time(config: &Config, length: usize) -> usize {
        (LOGIT_BYTES / size_of::<f32>() / (length * config.vocab_size)).max(1)
    }

    /// The beginning of the buffers, for passes over `length` tokens of `batch` texts, `passes` of
    /// them.
    pub(super) fn narrowed(
        &self,
        model: &Model,
        batch: usize,
        length: usize,
        passes: usize,
    ) -> Buffers {
        let mut acts = self.buffers.acts.narrowed(&model.config, batch, length);
        acts.mask = match model.objective {
            // A text that is written stands there once.
            Objective::Block(block) => Mask::Blocks(block),
            other => other.attention(),
        };
        let Ok(narrowed) = Buffers::new(acts, passes, |_, _, len, of| {
            Ok::<_, Infallible>(of(&self.buffers).part(0, len))
        });
        narrowed
    }
}
