//! What comes between two blocks of a network with skips or an embedding shortcut, in both passes.
//!
//! A U-Net skip adds the output of block j of the first half to the input of the block that
//! mirrors it in the second half: the last to come is the first to go. The shortcut adds the
//! normalised embedding to the input of every block. All have learned weights.

use device::{Recording, Slice};
use kernels::mix::{self, Mix};

use crate::forward::{Pass, Residual};
use crate::{Config, Scratch, Weights};

impl Config {
    /// The block whose output is added to the input of block `i`, if a skip ends there.
    pub(crate) fn skip_from(&self, i: usize) -> Option<usize> {
        let half = self.n_layer / 2;
        (self.skips && (half..2 * half).contains(&i)).then(|| 2 * half - 1 - i)
    }

    /// Whether a skip begins at the output of block `i`.
    pub(crate) fn skips_output(&self, i: usize) -> bool {
        self.skips && i < self.n_layer / 2
    }

    /// Whether anything comes between blocks, so that the stream between them is kept.
    pub(crate) fn mixes_stream(&self) -> bool {
        self.skips || self.embedding_shortcut
    }
}

/// Records what becomes of the stream before block `i`: `x + skip · output of an earlier block`, then
/// `shortcut[0] · x + shortcut[1] · embedding`.
pub(crate) fn forward(
    step: &mut Recording,
    pass: &Pass<'_>,
    i: usize,
    stream: Residual,
) -> Residual {
    let Pass { model, acts, .. } = *pass;
    let (weights, kept) = (&model.weights.blocks[i], &acts.layers[i]);
    let Some(mixed) = acts.mixed.filter(|_| weights.skip.or(weights.shortcut).is_some()) else {
        return stream;
    };
    // The sum is made where it is normalised; the block normalises the mixture again.
    let mut x = match stream.branch {
        None => stream.x,
        Some(_) => stream.normalize(step, kept.x, kept.attn_h, kept.attn_inv_rms),
    };
    if let (Some(scale), Some(from)) = (weights.skip, model.config.skip_from(i)) {
        let y = acts.output(from);
        let out = match weights.shortcut {
            None => mixed,
            // The middle of a block is free between blocks.
            Some(_) => kept.with_skip.unwrap_or(acts.mid),
        };
        mix::forward(step, Mix::Skip, mix::Forward { scale, x, y, out });
        x = out;
    }
    if let Some(scale) = weights.shortcut {
        let (y, out) = (acts.embedded, mixed);
        mix::forward(step, Mix::Shortcut, mix::Forward { scale, x, y, out });
        x = out;
    }
    Residual { x, branch: None }
}

/// Records the backward pass of [`forward`]: `scratch.d_x`, the gradient of the stream that enters
/// block `i`, becomes that of the stream after the block before; gradients of embedding and skipped
/// output are kept until [`embedding`] and [`output`].
pub(crate) fn backward(
    step: &mut Recording,
    pass: &Pass<'_>,
    scratch: &Scratch,
    i: usize,
    d: &Weights<Slice>,
    accumulate: bool,
) {
    let Pass { model, acts, .. } = *pass;
    let (config, kept) = (&model.config, &acts.layers[i]);
    let (weights, d) = (&model.weights.blocks[i], &d.blocks[i]);
    let (partial_sums, channels) = (scratch.partial_sums, config.n_embd);
    if let (Some(scale), Some(d_scale), Some(d_y)) =
        (weights.shortcut, d.shortcut, scratch.d_embedded)
    {
        let x = kept.with_skip.filter(|_| weights.skip.is_some()).unwrap_or(kept.x);
        // The last block comes first.
        let (y, d, add_y) = (acts.embedded, scratch.d_x, i + 1 < config.n_layer);
        let io = mix::Backward { scale, x, y, d, d_y, add_y, partial_sums, d_scale };
        mix::backward(step, Mix::Shortcut, io, channels, accumulate);
    }
    if let (Some(scale), Some(d_scale), Some(from)) = (weights.skip, d.skip, config.skip_from(i)) {
        let (y, d, d_y) = (acts.output(from), scratch.d_x, scratch.d_outputs[from]);
        // The first term has no weight: what it is does not matter here.
        let io = mix::Backward { scale, x: y, y, d, d_y, add_y: false, partial_sums, d_scale };
        mix::backward(step, Mix::Skip, io, channels, accumulate);
    }
}

/// Records that the output of block `i` has a second gradient, if a skip begins there.
pub(crate) fn output(step: &mut Recording, pass: &Pass<'_>, scratch: &Scratch, i: usize) {
    if let Some(&d_output) = scratch.d_outputs.get(i) {
        mix::add(step, d_output, scratch.d_x, pass.model.config.n_embd);
    }
}

/// Records that the embedding has a second gradient, if there are shortcuts.
pub(crate) fn embedding(step: &mut Recording, pass: &Pass<'_>, scratch: &Scratch) {
    if let Some(d_embedded) = scratch.d_embedded {
        mix::add(step, d_embedded, scratch.d_x, pass.model.config.n_embd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_mirror_the_first_half() {
        let skips = |n_layer: usize| -> Vec<Option<usize>> {
            let config = Config { n_layer, skips: true, ..Config::reference(7) };
            (0..n_layer).map(|i| config.skip_from(i)).collect()
        };
        assert_eq!(skips(1), [None]);
        assert_eq!(skips(4), [None, None, Some(1), Some(0)]);
        assert_eq!(skips(5), [None, None, Some(1), Some(0), None]);
        let five = Config { n_layer: 5, skips: true, ..Config::reference(7) };
        let begins: Vec<_> = (0..5).filter(|&i| five.skips_output(i)).collect();
        let mut ends: Vec<_> = (0..5).filter_map(|i| five.skip_from(i)).collect();
        ends.sort_unstable();
        assert_eq!(begins, ends);
        assert!((0..6).all(|i| Config::reference(7).skip_from(i).is_none()));
    }
}
