//! Scratch buffers of the backward pass.

use device::{Device, DeviceError, Element, Slice};
use kernels::cross_entropy::TokenStats;
use kernels::{Variants, embed, gemm, mix, rows};

use crate::{Activations, Config};

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
    /// Gradient of queries, keys and values, `(N, 3, H, D)`: the same memory as `d_fc`, which a block is
    /// done with by then.
    pub d_qkv: Slice,
    /// Dot product of output and gradient of each head, `(N, H)`.
    pub delta: Slice,
    /// Gradients of the outputs of the first half's blocks by way of the skips, `(N, C)` each.
    pub d_outputs: Vec<Slice>,
    /// Gradient of the embedding by way of the shortcuts, `(N, C)`.
    pub d_embedded: Option<Slice>,
    /// Gradient of the first block's values by way of the others, `(N, C)`.
    pub d_values: Option<Slice>,
    /// Gradient of the arguments of the gates, `(N, H)`.
    pub d_z: Option<Slice>,
    /// Sums that the gradients of learned weights are made of.
    pub partial_sums: Slice,
    /// Parts of a gradient of weights, see [`gemm::gradient`].
    pub partials: Slice,
    /// Positions of each part of the batch with smaller tokens: `(BATCH_PARTS, V + 1)`, see
    /// [`embed::BATCH_PARTS`].
    pub smaller: Slice,
    /// Where the positions of each token start in `positions`: `(V + 1)`.
    pub starts: Slice,
    /// Positions by token: `(N)`.
    pub positions: Slice,
    /// Rows that have a loss.
    pub head: HeadScratch,
}

/// Scratch of the output layer, see [`kernels::rows`].
#[derive(Clone, Copy, Debug)]
pub struct HeadScratch {
    /// `(N)`
    pub rows: Slice,
    /// `(N)`
    pub places: Slice,
    /// One flag per run of `logit_rows` rows, `(LIVE R)`.
    pub live: Slice,
    /// `(N)`
    pub row_targets: Slice,
}

impl Scratch {
    /// Buffers for the backward pass over `activations` in these variants.
    pub fn new(
        device: &mut Device,
        variants: &Variants,
        config: &Config,
        activations: &Activations,
    ) -> Result<Self, DeviceError> {
        let (n, c) = (activations.rows(), config.n_embd);
        let products = [[4 * c, c, n], [c, 4 * c, n], [3 * c, c, n], [c, c, n]];
        let head = [config.vocab_size, c, activations.logit_rows];
        let partials =
            products.into_iter().chain([head]).map(|sizes| gemm::partials(variants, sizes));
        let partials = partials.max().unwrap_or_default().max(1);
        let runs = n.div_ceil(activations.logit_rows);
        let mut floats = |label, len| device.allocate_whole(label, len);
        let skips = (0..config.n_layer).filter(|&i| config.skips_output(i));
        let d_outputs =
            skips.map(|_| floats("d_output", n * c)).collect::<Result<_, DeviceError>>()?;
        let shortcut = config.embedding_shortcut;
        let d_embedded = shortcut.then(|| floats("d_embedded", n * c)).transpose()?;
        let d_values = config.value_mixing.then(|| floats("d_values", n * c)).transpose()?;
        let d_z = config.head_gates.then(|| floats("d_z", n * config.n_head)).transpose()?;
        let d_fc = floats("d_fc", 4 * n * c)?;
        Ok(Self {
            d_outputs,
            d_embedded,
            d_values,
            d_z,
            partial_sums: floats("partial_sums", mix::PARTIAL_SUMS)?,
            d_x: floats("d_x", n * c)?,
            d_h: floats("d_h", n * c)?,
            d_fc,
            d_y: floats("d_y", n * c)?,
            d_qkv: d_fc.part(0, 3 * n * c),
            delta: floats("delta", n * config.n_head)?,
            partials: floats("partials", partials)?,
            smaller: device.allocate(
                "smaller",
                Element::Word,
                embed::BATCH_PARTS * (config.vocab_size + 1),
            )?,
            starts: device.allocate("starts", Element::Word, config.vocab_size + 1)?,
            positions: device.allocate("positions", Element::Word, n)?,
            head: HeadScratch {
                rows: device.allocate("rows", Element::Word, n)?,
                places: device.allocate("places", Element::Word, n)?,
                live: device.allocate("live", Element::Word, runs * rows::LIVE)?,
                row_targets: device.allocate("row_targets", Element::Word, n)?,
            },
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
