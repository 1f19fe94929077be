//! What the network expects at a position.

use device::{Device, DeviceError};
use kernels::sample_explain::{BEST, NONE};

use super::workspace::Buffers;
use super::{Generation, State};

/// What the network expects at one position.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Up to five likeliest tokens with their probabilities (temperature 1, no top-k or top-p), the
    /// likeliest first.
    pub top: Vec<(u32, f32)>,
    /// Entropy of the predicted distribution, in nats.
    pub entropy: f32,
}

impl Generation {
    /// Runs the next pass and returns the state after it with what the network expected during it
    /// at the positions that it was asked about, `(batch, length)`, in one readback; `None` when
    /// all passes are done. An autoregressive network is asked about the positions that the pass
    /// writes.
    ///
    /// # Panics
    /// When the generation was made without [`super::PassOptions::predictions`].
    pub async fn step_with_predictions(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<(State, Vec<Option<Prediction>>)>, DeviceError> {
        assert!(self.predicts, "the passes of this generation were recorded without predictions");
        if self.finished() {
            return Ok(None);
        }
        let decoded = self.decodes();
        self.step(device)?;
        let Buffers { places, top_tokens, top_probabilities, entropy, .. } = self.buffers;
        let states = self.readbacks();
        let read = [&[places, top_tokens, top_probabilities, entropy], &states[..]].concat();
        let bits = device.read_bits(&read).await?;
        let gathered = unpack(&bits[1], &bits[2], &bits[3]);
        if let Some(position) = decoded {
            let state = self.state_of(&bits[4..]);
            // One row of each text was asked about.
            let asked = |n: &usize| n % state.length == position;
            let row = |n: usize| gathered.get(n / state.length).filter(|_| asked(&n)).cloned();
            let predictions = (0..state.ids.len()).map(row).collect();
            return Ok(Some((state, predictions)));
        }
        let at = |&place: &u32| gathered.get(place as usize).cloned();
        let found: Vec<Option<Prediction>> = bits[0].iter().map(at).collect();
        let mut predictions = self.at_places(&found);
        let state = self.state_of(&bits[4..]);
        if self.objective.shifts() {
            // Behind the place that it writes it has seen masks, of which it learned nothing.
            let hidden = state.ids.iter().map(|&id| id == self.config.mask_id);
            predictions
                .iter_mut()
                .zip(hidden)
                .filter(|(_, hidden)| *hidden)
                .for_each(|(p, _)| *p = None);
        }
        Ok(Some((state, predictions)))
    }
}

/// Predictions from `(N, BEST)` tokens, as many probabilities and `(N)` entropies, floats as bits.
fn unpack(tokens: &[u32], probabilities: &[u32], entropy: &[u32]) -> Vec<Prediction> {
    let top = tokens.chunks_exact(BEST).zip(probabilities.chunks_exact(BEST));
    let predictions = top.zip(entropy).map(|((tokens, probabilities), &entropy)| {
        let top = tokens.iter().copied().zip(probabilities.iter().map(|&p| f32::from_bits(p)));
        let top = top.filter(|&(token, _)| token != NONE).collect();
        Prediction { top, entropy: f32::from_bits(entropy) }
    });
    predictions.collect()
}
