//! Buffers of the two passes.

use std::convert::Infallible;

use device::{ALIGNMENT, Device, DeviceError, Slice};
use kernels::attention::{self, Mask};
use kernels::{decode, embed, gate, rope_norm};

use crate::Config;

/// Bytes of logits at a time: a fraction of the 128 MiB that WebGPU promises for a binding, and
/// enough rows to keep a GPU busy.
pub const LOGIT_BYTES: usize = 64 << 20;

/// What one block keeps for its backward pass.
#[derive(Clone, Copy, Debug)]
pub struct LayerActivations {
    /// Output of the block before, `(N, C)`: that of the first is [`Activations::embedded`]; the
    /// others share a buffer, unless something needs it once more: a skip, the backward pass of a
    /// shortcut, or what is recomputed.
    pub x: Slice,
    /// The same with the skip that ends here, if the backward pass of a shortcut needs it: `(N, C)`.
    pub with_skip: Option<Slice>,
    /// Normalised input of attention, `(N, C)`.
    pub attn_h: Slice,
    /// `(N)`
    pub attn_inv_rms: Slice,
    /// Queries and keys after rotation and norm, values: `(N, 3, H, D)`.
    pub qkv: Slice,
    /// `(N, 2, H)`
    pub qk_inv_rms: Slice,
    /// Values before they are mixed with those of the first block, if the backward pass needs them:
    /// `(N, C)`.
    pub values: Option<Slice>,
    /// Output of the heads, `(N, C)`.
    pub y: Slice,
    /// log sum exp of each query's scores, `(N, H)`.
    pub lse: Slice,
    /// Normalised input of the MLP, `(N, C)`.
    pub mlp_h: Slice,
    /// `(N)`
    pub mlp_inv_rms: Slice,
    /// First matrix's output, before the activation: `(N, 4C)`.
    pub fc: Slice,
    /// Keys and values of earlier positions, where a pass is over the last ones of each sequence.
    pub cache: Option<decode::Cache>,
}

/// Buffers of the passes over a batch of `batch` sequences of `length` tokens; N = batch x length.
#[derive(Clone, Debug)]
pub struct Activations {
    /// Sequences.
    pub batch: usize,
    /// Tokens of a sequence.
    pub length: usize,
    /// Which tokens of a sequence see each other: all, unless this is changed before a step is
    /// recorded. Under [`Mask::BlockDiffusion`] positions repeat after half of the sequence.
    pub mask: Mask,
    /// Angles of the rotary embedding, `(length, D)`.
    pub rope: Slice,
    /// The residual stream before the first block, `(N, C)`.
    pub embedded: Slice,
    /// The residual stream after the last block, `(N, C)`.
    pub x: Slice,
    /// The residual stream that enters a block after a skip or shortcut, `(N, C)`.
    pub mixed: Option<Slice>,
    /// The residual stream in the middle of a block, `(N, C)`.
    pub mid: Slice,
    /// `(N)`
    pub embed_inv_rms: Slice,
    /// One per block; all but `x` and the first one's `qkv` are the same buffers if the blocks do not
    /// keep them.
    pub layers: Vec<LayerActivations>,
    /// Scratch: output of the MLP's activation, `(N, 4C)`.
    pub activated: Slice,
    /// Scratch: what a block adds to the residual stream, `(N, C)`.
    pub branch: Slice,
    /// Normalised output of the last block, `(N, C)`.
    pub final_h: Slice,
    /// `(N)`
    pub final_inv_rms: Slice,
    /// Logits of `logit_rows` positions at a time, `(logit_rows, V)`.
    pub logits: Slice,
    /// Rows of `logits`: N, or a multiple of 64.
    pub logit_rows: usize,
    keep: Keep,
    /// Bytes that the blocks keep from one pass to the other.
    kept: u64,
    /// All of them, in the order of [`Activations::cut`].
    buffers: Vec<Slice>,
}

/// What the blocks keep for the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// All that it needs.
    All,
    /// The residual stream, from which the backward pass computes the rest again.
    Inputs,
    /// Nothing: there is no backward pass.
    Nothing,
}

/// What the sizes of the buffers follow from.
#[derive(Clone, Copy)]
struct Sizes<'a> {
    config: &'a Config,
    batch: usize,
    length: usize,
    keep: Keep,
    logit_rows: usize,
}

/// Rows of logits at a time, of `rows`: all if they take at most [`LOGIT_BYTES`] and a kernel can
/// be bound to them, else a multiple of [`ALIGNMENT`].
fn logit_rows(device: &Device, config: &Config, rows: usize) -> usize {
    let bytes = device.capabilities().max_binding_size.min(LOGIT_BYTES as u64) as usize;
    let most = bytes / size_of::<f32>() / config.vocab_size;
    if rows <= most { rows } else { (most / ALIGNMENT * ALIGNMENT).max(ALIGNMENT).min(rows) }
}

/// Rows of logits at a time where those of `rows` that count are gathered: an eighth, so that few
/// of the last run that has any do not count.
fn gathered_run(rows: usize) -> usize {
    rows.div_ceil(8).next_multiple_of(ALIGNMENT)
}

impl Activations {
    /// Buffers for both passes; logits some rows at a time. The blocks keep everything that the
    /// backward pass needs, or with `recompute` only their inputs: it then computes all but the
    /// last product of every block but the last again (Chen et al., arXiv 1604.06174).
    pub fn for_training(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
        recompute: bool,
    ) -> Result<Self, DeviceError> {
        let keep = if recompute { Keep::Inputs } else { Keep::All };
        let rows = batch * length;
        let logit_rows = logit_rows(device, config, rows).min(gathered_run(rows));
        Self::new(device, Sizes { config, batch, length, keep, logit_rows })
    }

    /// Buffers for the forward pass alone: blocks share theirs.
    pub fn for_inference(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        let logit_rows = logit_rows(device, config, batch * length);
        Self::new(device, Sizes { config, batch, length, keep: Keep::Nothing, logit_rows })
    }

    /// [`Activations::for_inference`] where logits are made of gathered rows only (see
    /// [`kernels::rows`]), some at a time.
    pub fn for_sampling(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        let rows = batch * length;
        let logit_rows = logit_rows(device, config, rows).min(gathered_run(rows));
        Self::new(device, Sizes { config, batch, length, keep: Keep::Nothing, logit_rows })
    }

    fn new(device: &mut Device, sizes: Sizes<'_>) -> Result<Self, DeviceError> {
        let mut buffers = Vec::new();
        let mut acts = Self::cut(sizes, |label, len| {
            let buffer = device.allocate_whole(label, len)?;
            buffers.push(buffer);
            Ok::<_, DeviceError>(buffer)
        })?;
        let table = rope_norm::table(sizes.length, sizes.config.head_dim());
        device.write_floats(acts.rope, &table)?;
        acts.buffers = buffers;
        Ok(acts)
    }

    /// The beginning of these buffers, for fewer or shorter sequences; they must be made for
    /// sampling.
    ///
    /// # Panics
    /// When that many positions do not fit.
    pub fn narrowed(&self, config: &Config, batch: usize, length: usize) -> Self {
        assert!(self.keep == Keep::Nothing, "activations for sampling");
        assert!(length <= self.length, "{length} of {} positions", self.length);
        let mut whole = self.buffers.iter();
        let rows = batch * length;
        let logit_rows = self.logit_rows.min(rows).min(gathered_run(rows));
        let keep = Keep::Nothing;
        let sizes = Sizes { config, batch, length, keep, logit_rows };
        let Ok(narrowed) = Self::cut(sizes, |_, len| {
            let buffer = whole.next().expect("as many buffers as before");
            Ok::<_, Infallible>(buffer.part(0, len))
        });
        Self { mask: self.mask, ..narrowed }
    }

    /// Every buffer with its size, always in the same order: `take(label, len)`.
    fn cut<E>(
        sizes: Sizes<'_>,
        mut take: impl FnMut(&'static str, usize) -> Result<Slice, E>,
    ) -> Result<Self, E> {
        let Sizes { config, batch, length, keep, logit_rows } = sizes;
        let (n, c, heads) = (batch * length, config.n_embd, config.n_head);
        let rope = take("rope", length * config.head_dim())?;
        let embedded = take("embedded", n * c)?;
        let x = take("x", n * c)?;
        let mut kept = 0;
        let mut take_kept = |label, len| {
            let slice = take(label, len)?;
            kept += slice.bytes();
            Ok(slice)
        };
        let mut layers: Vec<LayerActivations> = Vec::new();
        for block in 0..config.n_layer {
            let own = match keep {
                Keep::Inputs => true,
                Keep::All => config.embedding_shortcut,
                Keep::Nothing => false,
            };
            let x = match block {
                0 => embedded,
                _ if own || config.skips_output(block - 1) => take_kept("block_x", n * c)?,
                _ => x,
            };
            // Blocks that share their buffers have them of the first one.
            let (backward, shared) = (keep != Keep::Nothing, keep == Keep::Inputs);
            let (mixed, skipped) =
                (shared || block > 0, shared || config.skip_from(block).is_some());
            let with_skip = backward && config.embedding_shortcut && config.skips && skipped;
            let values = backward && config.value_mixing && mixed;
            layers.push(match layers.first() {
                Some(shared) if keep != Keep::All => LayerActivations { x, ..*shared },
                _ => LayerActivations {
                    x,
                    with_skip: with_skip.then(|| take_kept("with_skip", n * c)).transpose()?,
                    attn_h: take_kept("attn_h", n * c)?,
                    attn_inv_rms: take_kept("attn_inv_rms", n)?,
                    qkv: take_kept("qkv", 3 * n * c)?,
                    qk_inv_rms: take_kept("qk_inv_rms", 2 * n * heads)?,
                    values: values.then(|| take_kept("values", n * c)).transpose()?,
                    y: take_kept("y", n * c)?,
                    lse: take_kept("lse", n * heads)?,
                    mlp_h: take_kept("mlp_h", n * c)?,
                    mlp_inv_rms: take_kept("mlp_inv_rms", n)?,
                    fc: take_kept("fc", 4 * n * c)?,
                    cache: None,
                },
            });
        }
        if keep != Keep::All && config.value_mixing {
            layers[0].qkv = take_kept("first_qkv", 3 * n * c)?;
        }
        let mixed = config.mixes_stream().then(|| take("mixed", n * c)).transpose()?;
        Ok(Self {
            batch,
            length,
            mask: Mask::Full,
            rope,
            embedded,
            x,
            mixed,
            mid: take("mid", n * c)?,
            embed_inv_rms: take("embed_inv_rms", n)?,
            layers,
            activated: take("activated", 4 * n * c)?,
            branch: take("branch", n * c)?,
            final_h: take("final_h", n * c)?,
            final_inv_rms: take("final_inv_rms", n)?,
            logits: take("logits", logit_rows * config.vocab_size)?,
            logit_rows,
            keep,
            kept,
            buffers: Vec::new(),
        })
    }

    /// Number of positions, N.
    pub fn rows(&self) -> usize {
        self.batch * self.length
    }

    /// Whether a pass is over the last positions of each sequence, and the others lie in a cache.
    pub(crate) fn decodes(&self) -> bool {
        self.layers[0].cache.is_some()
    }

    /// Whether the backward pass computes what a block keeps anew, from its input.
    pub(crate) fn recompute(&self) -> bool {
        self.keep == Keep::Inputs
    }

    /// Bytes that the blocks keep from the forward to the backward pass.
    pub fn kept_bytes(&self) -> u64 {
        self.kept
    }

    /// Output of block `i`, where a skip begins, `(N, C)`.
    pub(crate) fn output(&self, i: usize) -> Slice {
        self.layers[i + 1].x
    }

    pub(crate) fn gate_shape(&self, config: &Config) -> gate::Shape {
        gate::Shape { rows: self.rows(), heads: config.n_head, head_dim: config.head_dim() }
    }

    /// The runs of positions that logits are made for, as first row and number of rows.
    pub fn logit_chunks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, most) = (self.rows(), self.logit_rows);
        (0..rows).step_by(most).map(move |start| (start, most.min(rows - start)))
    }

    pub(crate) fn embed_shape(&self, config: &Config) -> embed::Shape {
        let (channels, vocabulary) = (config.n_embd, config.vocab_size);
        embed::Shape { rows: self.rows(), channels, vocabulary }
    }

    pub(crate) fn rope_shape(&self, config: &Config) -> rope_norm::Shape {
        rope_norm::Shape {
            rows: self.rows(),
            period: match self.mask {
                Mask::BlockDiffusion(_) => self.length / 2,
                Mask::Full | Mask::Causal | Mask::Blocks(_) => self.length,
            },
            offset: 0,
            heads: config.n_head,
            head_dim: config.head_dim(),
        }
    }

    pub(crate) fn attention_shape(&self, config: &Config) -> attention::Shape {
        let (heads, head_dim) = (config.n_head, config.head_dim());
        let shape = attention::Shape::bidirectional(self.batch, self.length, heads, head_dim);
        attention::Shape { mask: self.mask, ..shape }
    }
}
