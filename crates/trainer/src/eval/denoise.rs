//! What a network expects where it is asked: loss, accuracy, entropy, and the likelihood or a bound of
//! it.

use anyhow::{Result, ensure};
use device::Device;
use diffusion::metrics::{
    BitsPerByte, ChainRule, EntropyByTime, MaskedScores, NoiseBound, Scorer, stratified_times,
};
use diffusion::{Probe, Question};
use indicatif::ProgressBar;
use pollster::block_on;

/// Sequences of a batch.
pub(super) const BATCH: usize = 16;
/// Batches that the entropy of each timestep is measured on.
pub(super) const ENTROPY_BATCHES: usize = 2;
/// Seed of times and masks, the same for every model.
const SEED: u64 = 0x6d61_736b;

/// Sequences of held-out text, spread evenly over it.
pub(super) struct Windows {
    length: usize,
    /// Batches of [`BATCH`] sequences.
    batches: Vec<Vec<u32>>,
}

impl Windows {
    /// `batches` batches of sequences of `length` tokens.
    pub(super) fn new(ids: &[u32], length: usize, batches: usize) -> Result<Self> {
        ensure!(
            ids.len() >= length,
            "the held-out text has {} tokens, a sequence of the model needs {length}; give a longer text",
            ids.len()
        );
        let count = batches * BATCH;
        let start = |i: usize| i * (ids.len() - length) / (count - 1);
        let windows: Vec<_> = (0..count).map(|i| &ids[start(i)..start(i) + length]).collect();
        // A batch takes windows from all over the text: the first ones alone are a fair sample.
        let batch = |first: usize| {
            let parts = windows.iter().skip(first).step_by(batches);
            parts.flat_map(|window| window.iter().copied()).collect()
        };
        Ok(Self { length, batches: (0..batches).map(batch).collect() })
    }

    /// Sequences of all batches.
    pub(super) fn sequences(&self) -> impl Iterator<Item = &[u32]> {
        self.batches.iter().flat_map(|batch| batch.chunks(self.length))
    }
}

/// What was measured where the network was asked.
pub(super) struct Measured {
    pub(super) masked: MaskedScores,
    pub(super) entropy: EntropyByTime,
    pub(super) bits_per_byte: BitsPerByte,
}

/// Measures a network; `bytes_per_sequence` is how many bytes of text a window stands for on
/// average.
pub(super) fn measure(
    device: &mut Device,
    scorer: &Scorer,
    probe: &Probe,
    windows: &Windows,
    bytes_per_sequence: f64,
    bar: &ProgressBar,
) -> Result<Measured> {
    let last = probe.times();
    let count = windows.batches.len() * BATCH;
    let (length, parts) = (windows.length, probe.objective.parts(windows.length));
    let positions = probe.objective.positions(length);
    // One time for each part of each sequence of the text. Batches have times from all over, and so
    // have the parts of a sequence, and over the sequences each of its places.
    let strata = stratified_times(count * parts, last, SEED);
    let of_sequence = |sequence: usize| -> Vec<usize> {
        let turn = sequence * parts / count;
        (0..parts).map(|part| strata[(part + turn) % parts * count + sequence]).collect()
    };
    let times: Vec<Vec<Vec<usize>>> = (0..windows.batches.len())
        .map(|first| (first..count).step_by(windows.batches.len()).map(of_sequence).collect())
        .collect();
    let mut score = |clean: &[u32], times: &[Vec<usize>], first: usize| {
        let mut all = Question::default();
        for ((tokens, times), number) in clean.chunks(length).zip(times).zip(first..) {
            all.extend(probe.question(tokens, times, SEED, number as u32));
        }
        let times: Vec<u32> = times.iter().flatten().map(|&t| t as u32).collect();
        let scores = scorer.score_at(device, &all.seen, &all.targets, &times, &all.told);
        let scores = block_on(scores)?;
        bar.inc(1);
        Ok::<_, anyhow::Error>((scores, all.mask))
    };

    let mut masked = MaskedScores::default();
    let mut bound = probe.bound();
    for (batch, (clean, times)) in windows.batches.iter().zip(&times).enumerate() {
        let (scores, mask) = score(clean, times, batch * BATCH)?;
        masked.add(&scores.loss, &scores.hit, &mask);
        let rows = scores.costs.chunks(positions).zip(mask.chunks(positions));
        for ((costs, mask), times) in rows.zip(times) {
            bound.add(times, &costs[..length], &mask[..length]);
        }
    }
    let mut entropy = EntropyByTime::new(last);
    for t in 1..=last {
        for (batch, clean) in windows.batches.iter().take(ENTROPY_BATCHES).enumerate() {
            // Masks of their own, beside those of the loss.
            let first = count + (t * ENTROPY_BATCHES + batch) * BATCH;
            let (scores, mask) = score(clean, &vec![vec![t; parts]; BATCH], first)?;
            entropy.add(t, &scores.entropy, &mask);
        }
    }
    Ok(Measured { masked, entropy, bits_per_byte: bound.bits_per_byte(bytes_per_sequence) })
}

/// Bits per byte of the same windows by the chain rule.
pub(super) fn chain(
    device: &mut Device,
    rule: &ChainRule,
    windows: &Windows,
    bytes_per_sequence: f64,
    bar: &ProgressBar,
) -> Result<BitsPerByte> {
    let mut likelihood = NoiseBound::exact();
    for (clean, first) in windows.batches.iter().zip((0..).step_by(BATCH)) {
        let numbers: Vec<u32> = (first..first + BATCH as u32).collect();
        for nats in block_on(rule.nats(device, clean, &numbers, || bar.inc(1)))? {
            likelihood.add_estimate(nats);
        }
    }
    Ok(likelihood.bits_per_byte(bytes_per_sequence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_text() -> Result<()> {
        let ids: Vec<u32> = (0..1000).collect();
        let windows = Windows::new(&ids, 10, 2)?;
        assert_eq!(windows.batches.len(), 2);
        let starts = || windows.sequences().map(|window| window[0]);
        assert_eq!((starts().min(), starts().max()), (Some(0), Some(990)));
        assert_eq!(windows.sequences().count(), 2 * BATCH);
        assert!(Windows::new(&ids[..9], 10, 2).is_err());
        assert!(Windows::new(&ids[..10], 10, 1).is_ok());
        Ok(())
    }
}
