//! A reader: an autoregressive model that says how much information a text has.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::Probe;
use diffusion::metrics::{Scorer, unigram_entropy};
use model::{Model, Objective};
use pollster::block_on;

use super::Estimate;
use crate::checkpoints::{self, Located, WeightsArgs};
use crate::compute::{self, ComputeArgs};

/// Sequences of a batch.
const BATCH: usize = 16;

/// A model that reads from left to right.
pub(crate) struct Reader {
    device: Device,
    scorer: Scorer,
    tokenizer: Tokenizer,
    probe: Probe,
    block: usize,
}

/// What a reader says of texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Their information, in nats per byte.
    pub(crate) nats_per_byte: Estimate,
    /// Entropy of a text's own tokens, in nats.
    pub(crate) entropy: f64,
}

/// A part of a text that fits the block.
struct Window {
    text: usize,
    ids: Vec<u32>,
    /// Positions before this one have been read already, or are no text.
    from: usize,
}

impl Reader {
    /// Loads the model at `path`.
    pub(crate) fn load(path: &Path, compute: &ComputeArgs) -> Result<Self> {
        let load = || -> Result<Self> {
            let Located { model: checkpoint, tokenizer, .. } =
                checkpoints::load_located(path, None, WeightsArgs::default())?;
            let (config, card) = (checkpoint.config, &checkpoint.card);
            ensure!(
                card.objective == Objective::Autoregressive,
                "the objective of the model is `{}`, and a reader reads from left to right; give a model that was trained with `--set objective=autoregressive`",
                card.objective
            );
            let mut device = compute.open()?;
            let variants = compute::variants(&mut device, kernels::Precision::F32)?;
            let model = Model::load(&mut device, &checkpoint)?;
            compute::check(&mut device, &model, &variants, card.check.as_ref())?;
            let block = config.block_size;
            let scorer = Scorer::new(&mut device, &variants, &model, BATCH, block)?;
            let probe = Probe::new(&config, card.objective, card.schedule, card.schedule);
            Ok(Self { device, scorer, tokenizer: tokenizer.into_tokenizer(), probe, block })
        };
        load().with_context(|| format!("cannot read with {}", path.display()))
    }

    /// Reads texts, each for itself. What comes first is read as the beginning of a story; a text that
    /// is longer than the block, in windows of which each has half a block of context.
    pub(crate) fn read(&mut self, texts: &[String]) -> Result<Reading> {
        let before: Vec<u32> = self.tokenizer.end_of_text_id().into_iter().collect();
        let ids: Vec<Vec<u32>> =
            texts.iter().map(|text| self.tokenizer.encode_plain(text)).collect();
        let mut windows = vec![];
        for (text, ids) in ids.iter().enumerate() {
            let all = [&before[..], ids].concat();
            let mut from = before.len();
            let mut start = 0;
            while !ids.is_empty() {
                let end = all.len().min(start + self.block);
                windows.push(Window { text, ids: all[start..end].to_vec(), from });
                if end == all.len() {
                    break;
                }
                let next = start + self.block / 2;
                from = end - next;
                start = next;
            }
        }
        let mut nats = vec![0.0; texts.len()];
        for batch in windows.chunks(BATCH) {
            let (mut seen, mut targets, mut told) = (vec![], vec![], vec![]);
            for row in 0..BATCH {
                // What stands behind a text is not seen from it.
                let mut ids = batch.get(row).map_or(vec![], |window| window.ids.clone());
                ids.resize(self.block, self.probe.mask_id);
                let question = self.probe.question(&ids, &[1], 0, 0);
                seen.extend(question.seen);
                targets.extend(question.targets);
                told.extend(question.told);
            }
            let scores = self.scorer.score(&mut self.device, &seen, &targets, &told);
            let scores = block_on(scores)?;
            for (window, loss) in batch.iter().zip(scores.loss.chunks(self.block)) {
                let read = &loss[window.from..window.ids.len()];
                nats[window.text] += read.iter().map(|&nats| f64::from(nats)).sum::<f64>();
            }
        }
        let bytes: Vec<f64> = texts.iter().map(|text| text.len() as f64).collect();
        Ok(Reading { nats_per_byte: ratio(&nats, &bytes), entropy: unigram_entropy(&ids) })
    }
}

/// Sum of some numbers over that of others, with the standard error from the scatter of the pairs.
fn ratio(above: &[f64], below: &[f64]) -> Estimate {
    let (count, all) = (above.len() as f64, below.iter().sum::<f64>());
    let mean = above.iter().sum::<f64>() / all;
    let scatter: f64 = above.iter().zip(below).map(|(a, b)| (a - mean * b).powi(2)).sum();
    Estimate { mean, error: (scatter * count / (count - 1.0)).sqrt() / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_the_error_of_its_parts() {
        // Bytes are all alike, so it is the mean of the nats and its usual standard error.
        let Estimate { mean, error } = ratio(&[2.0, 4.0, 6.0, 8.0], &[10.0; 4]);
        assert_eq!(mean, 0.5);
        assert!((error - (20.0f64 / 3.0 / 4.0).sqrt() / 10.0).abs() < 1e-12, "{error}");
        assert_eq!(ratio(&[1.0, 2.0], &[10.0, 20.0]).error, 0.0, "twice as long, twice the nats");
    }
}
