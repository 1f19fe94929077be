//! What the two passes keep on the device.

use device::{Device, DeviceError, Element, Slice};
use kernels::cross_entropy::TokenStats;
use kernels::{attention, embed, rope_norm};

use crate::Config;

/// Logits are made for this many bytes of rows at a time in training: a fraction of the 128 MiB
/// that WebGPU promises for a binding, and enough rows to keep a GPU busy.
const LOGIT_BYTES: usize = 64 << 20;

/// What one block keeps for its backward pass.
#[derive(Clone, Copy, Debug)]
pub struct LayerActivations {
    /// Normalised input of attention, `(N, C)`.
    pub attn_h: Slice,
    /// `(N)`
    pub attn_inv_rms: Slice,
    /// Queries and keys after rotation and norm, values: `(N, 3, H, D)`.
    pub qkv: Slice,
    /// `(N, 2, H)`
    pub qk_inv_rms: Slice,
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
}

/// Buffers of the passes over a batch of `batch` sequences of `length` tokens; N = batch x length.
#[derive(Clone, Debug)]
pub struct Activations {
    /// Sequences.
    pub batch: usize,
    /// Tokens of a sequence.
    pub length: usize,
    /// Angles of the rotary embedding, `(length, D)`.
    pub rope: Slice,
    /// The residual stream, `(N, C)`.
    pub x: Slice,
    /// The residual stream before the first block, `(N, C)`.
    pub embedded: Slice,
    /// `(N)`
    pub embed_inv_rms: Slice,
    /// One per block; in inference all are the same buffers.
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
    /// Rows of `logits`: N in inference, a multiple of 64 or N in training.
    pub logit_rows: usize,
}

/// Scratch of the backward pass.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// Gradient of the residual stream, `(N, C)`.
    pub d_x: Slice,
    /// Gradient of a norm's output, `(N, C)`.
    pub d_h: Slice,
    /// Gradient of the MLP's hidden layer, `(N, 4C)`.
    pub d_fc: Slice,
    /// Gradient of the heads' output, `(N, C)`.
    pub d_y: Slice,
    /// Gradient of queries, keys and values, `(N, 3, H, D)`.
    pub d_qkv: Slice,
    /// Dot product of output and gradient of each head, `(N, H)`.
    pub delta: Slice,
    /// Chains of equal tokens: `(V)`.
    pub first: Slice,
    /// `(N)`
    pub next: Slice,
}

impl Activations {
    /// Buffers that keep everything the backward pass needs.
    pub fn for_training(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        let rows = batch * length;
        let fitting = (LOGIT_BYTES / 4 / config.vocab_size).next_multiple_of(64);
        let logit_rows = if rows <= fitting { rows } else { fitting };
        Self::new(device, config, batch, length, config.n_layer, logit_rows)
    }

    /// Buffers for the forward pass alone: blocks share theirs, logits are whole.
    pub fn for_inference(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        Self::new(device, config, batch, length, 1, batch * length)
    }

    fn new(
        device: &mut Device,
        config: &Config,
        batch: usize,
        length: usize,
        distinct_layers: usize,
        logit_rows: usize,
    ) -> Result<Self, DeviceError> {
        let (n, c, heads) = (batch * length, config.n_embd, config.n_head);
        let rope = device.floats("rope", &rope_norm::table(length, config.head_dim()))?;
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        let distinct = (0..distinct_layers)
            .map(|_| {
                Ok(LayerActivations {
                    attn_h: floats("attn_h", n * c)?,
                    attn_inv_rms: floats("attn_inv_rms", n)?,
                    qkv: floats("qkv", 3 * n * c)?,
                    qk_inv_rms: floats("qk_inv_rms", 2 * n * heads)?,
                    y: floats("y", n * c)?,
                    lse: floats("lse", n * heads)?,
                    mlp_h: floats("mlp_h", n * c)?,
                    mlp_inv_rms: floats("mlp_inv_rms", n)?,
                    fc: floats("fc", 4 * n * c)?,
                })
            })
            .collect::<Result<Vec<_>, DeviceError>>()?;
        Ok(Self {
            batch,
            length,
            rope,
            x: floats("x", n * c)?,
            embedded: floats("embedded", n * c)?,
            embed_inv_rms: floats("embed_inv_rms", n)?,
            layers: distinct.into_iter().cycle().take(config.n_layer).collect(),
            activated: floats("activated", 4 * n * c)?,
            branch: floats("branch", n * c)?,
            final_h: floats("final_h", n * c)?,
            final_inv_rms: floats("final_inv_rms", n)?,
            logits: floats("logits", logit_rows * config.vocab_size)?,
            logit_rows,
        })
    }

    /// The beginning of these buffers, for fewer or shorter sequences; they must be made for
    /// inference.
    ///
    /// # Panics
    /// When that many positions do not fit.
    pub fn narrowed(&self, config: &Config, batch: usize, length: usize) -> Self {
        assert_eq!(self.logit_rows, self.rows(), "activations for inference");
        assert!(length <= self.length, "{length} of {} positions", self.length);
        let (n, c, heads) = (batch * length, config.n_embd, config.n_head);
        let first = |slice: Slice, len: usize| slice.part(0, len);
        Self {
            batch,
            length,
            rope: first(self.rope, length * config.head_dim()),
            x: first(self.x, n * c),
            embedded: first(self.embedded, n * c),
            embed_inv_rms: first(self.embed_inv_rms, n),
            layers: (self.layers.iter())
                .map(|layer| LayerActivations {
                    attn_h: first(layer.attn_h, n * c),
                    attn_inv_rms: first(layer.attn_inv_rms, n),
                    qkv: first(layer.qkv, 3 * n * c),
                    qk_inv_rms: first(layer.qk_inv_rms, 2 * n * heads),
                    y: first(layer.y, n * c),
                    lse: first(layer.lse, n * heads),
                    mlp_h: first(layer.mlp_h, n * c),
                    mlp_inv_rms: first(layer.mlp_inv_rms, n),
                    fc: first(layer.fc, 4 * n * c),
                })
                .collect(),
            activated: first(self.activated, 4 * n * c),
            branch: first(self.branch, n * c),
            final_h: first(self.final_h, n * c),
            final_inv_rms: first(self.final_inv_rms, n),
            logits: first(self.logits, n * config.vocab_size),
            logit_rows: n,
        }
    }

    /// Number of positions, N.
    pub fn rows(&self) -> usize {
        self.batch * self.length
    }

    /// The runs of positions that logits are made for, as first row and number of rows.
    pub(crate) fn logit_chunks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, most) = (self.rows(), self.logit_rows);
        (0..rows).step_by(most).map(move |start| (start, most.min(rows - start)))
    }

    pub(crate) fn embed_shape(&self, config: &Config) -> embed::Shape {
        embed::Shape {
            batch: self.batch,
            length: self.length,
            channels: config.n_embd,
            vocabulary: config.vocab_size,
            timesteps: config.timesteps + 1,
        }
    }

    pub(crate) fn rope_shape(&self, config: &Config) -> rope_norm::Shape {
        rope_norm::Shape {
            batch: self.batch,
            length: self.length,
            heads: config.n_head,
            head_dim: config.head_dim(),
        }
    }

    pub(crate) fn attention_shape(&self, config: &Config) -> attention::Shape {
        attention::Shape {
            batch: self.batch,
            length: self.length,
            heads: config.n_head,
            head_dim: config.head_dim(),
        }
    }
}

impl Scratch {
    /// Buffers for the backward pass over `activations`.
    pub fn new(
        device: &mut Device,
        config: &Config,
        activations: &Activations,
    ) -> Result<Self, DeviceError> {
        let (n, c) = (activations.rows(), config.n_embd);
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        Ok(Self {
            d_x: floats("d_x", n * c)?,
            d_h: floats("d_h", n * c)?,
            d_fc: floats("d_fc", 4 * n * c)?,
            d_y: floats("d_y", n * c)?,
            d_qkv: floats("d_qkv", 3 * n * c)?,
            delta: floats("delta", n * config.n_head)?,
            first: device.allocate("first", Element::Word, config.vocab_size)?,
            next: device.allocate("next", Element::Word, n)?,
        })
    }
}

/// Buffers for the statistics of `rows` positions.
pub fn alloc_stats(device: &mut Device, rows: usize) -> Result<TokenStats, DeviceError> {
    let mut floats = |label| device.allocate(label, Element::Float, rows);
    Ok(TokenStats {
        lse: floats("row_lse")?,
        loss: floats("row_loss")?,
        hit: floats("row_hit")?,
        entropy: floats("row_entropy")?,
    })
}
