//! What else could stand at a position.

use device::{Device, DeviceError};
use kernels::sample_explain::{BEST, NONE};

use super::workspace::Buffers;
use super::{Generation, State};

/// What the network thinks of one position.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternatives {
    /// Up to five likeliest tokens with their probabilities (temperature 1, nothing cut off), the
    /// likeliest first.
    pub best: Vec<(u32, f32)>,
    /// Entropy of the prediction, in nats.
    pub entropy: f32,
}

impl Generation {
    /// Runs the next pass and says how the texts are then and what the network thought, with one
    /// wait for the device; `None` when all passes are done.
    pub async fn step_watched(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<(State, Vec<Alternatives>)>, DeviceError> {
        if self.finished() {
            return Ok(None);
        }
        self.watched.run(device)?;
        self.passes_done += 1;
        self.logits_of_pass = true;
        let Buffers { frame, best, probabilities, entropy, .. } = self.buffers;
        let bits = device.read_bits(&[frame, best, probabilities, entropy]).await?;
        let all = explained(&bits[1], &floats(&bits[2]), &floats(&bits[3]));
        Ok(Some((self.state_of(&bits[0]), self.visible_part(&all))))
    }

    /// What the network thought of every position in the last pass that was run, `(batch, length)`;
    /// `None` if there was none since the generation began, its state was set, or
    /// [`Generation::alternatives_at`] asked something else.
    pub async fn alternatives(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<Vec<Alternatives>>, DeviceError> {
        if !self.logits_of_pass {
            return Ok(None);
        }
        self.explanation.run(device)?;
        let all = self.read_explanation(device).await?;
        Ok(Some(self.visible_part(&all)))
    }

    /// What the network thinks of one position given all the others: it is masked, whatever stands
    /// there, and asked for at the time of the next pass (or t = 1 when all are done).
    pub async fn alternatives_at(
        &mut self,
        device: &mut Device,
        row: usize,
        position: usize,
    ) -> Result<Alternatives, DeviceError> {
        let mut state = self.read_state(device).await?;
        state.erase(row, position, self.config.mask_id);
        let ids = self.whole_rows(&state.ids, self.config.mask_id);
        let timesteps = vec![state.time.max(1) as u32; state.batch()];
        device.write_words(self.buffers.asked_ids, &ids)?;
        device.write_words(self.buffers.asked_timesteps, &timesteps)?;
        self.question.run(device)?;
        self.logits_of_pass = false;
        let all = self.read_explanation(device).await?;
        Ok(self.visible_part(&all).swap_remove(row * state.length + position))
    }

    async fn read_explanation(&self, device: &Device) -> Result<Vec<Alternatives>, DeviceError> {
        let Buffers { best, probabilities, entropy, .. } = self.buffers;
        let bits = device.read_bits(&[best, probabilities, entropy]).await?;
        Ok(explained(&bits[0], &floats(&bits[1]), &floats(&bits[2])))
    }
}

fn floats(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|&bits| f32::from_bits(bits)).collect()
}

fn explained(tokens: &[u32], probabilities: &[f32], entropy: &[f32]) -> Vec<Alternatives> {
    let best = tokens.chunks_exact(BEST).zip(probabilities.chunks_exact(BEST));
    let alternatives = best.zip(entropy).map(|((tokens, probabilities), &entropy)| {
        let best = tokens.iter().copied().zip(probabilities.iter().copied());
        Alternatives { best: best.filter(|&(token, _)| token != NONE).collect(), entropy }
    });
    alternatives.collect()
}
