//! States of a generation: read from the device, and gone on from.

use device::{Device, DeviceError, Slice};
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use kernels::rng::{Philox, Stream};

use super::Generation;
use crate::sampler::plan::{told, told_table};
use crate::sampler::plans::Plans;
use crate::sampler::state::behind_given;
use crate::sampler::window::Memory;
use crate::sampler::{SampleOptions, State};

/// The first mask of all texts, if it is the same and only masks follow.
fn common_start(ids: &[u32], length: usize, mask_id: u32) -> Option<usize> {
    let first = ids.iter().take(length).position(|&id| id == mask_id)?;
    let splits =
        |text: &[u32]| text.iter().enumerate().all(|(n, &id)| (id == mask_id) == (n >= first));
    ids.chunks(length).all(splits).then_some(first)
}

impl Generation {
    /// The texts as they are now: one small read from the device. Passes that have nothing to do
    /// with them are skipped.
    pub async fn read_state(&mut self, device: &Device) -> Result<State, DeviceError> {
        let read = device.read_bits(&self.readbacks()).await?;
        Ok(self.state_of(&read))
    }

    /// What a state is read from.
    pub(in crate::sampler) fn readbacks(&self) -> Vec<Slice> {
        let text = self.window.as_ref().map(|window| window.memory.text);
        std::iter::once(self.buffers.readback).chain(text).collect()
    }

    /// The state that [`Generation::readbacks`] hold; also skips the passes that have nothing to do
    /// with it.
    pub(in crate::sampler) fn state_of(&mut self, readbacks: &[Vec<u32>]) -> State {
        let whole = match (&self.window, readbacks) {
            (Some(window), [readback, text]) => &window.gather(readback, text),
            _ => &readbacks[0],
        };
        let (ids, confidence) = whole.split_at(whole.len() / 2);
        let confidence: Vec<f32> = confidence.iter().map(|&bits| f32::from_bits(bits)).collect();
        let (pass, ids) = (self.reached, self.visible_part(ids));
        let surveyed = self.written.sampler.surveyed();
        let masks_of = |ids: &[u32]| ids.iter().filter(|&&id| id == self.config.mask_id).count();
        let first = &self.generated[..self.length];
        let time = match surveyed || self.window.is_some() {
            true => {
                let count = first.iter().filter(|&&generated| generated).count();
                let masks = masks_of(&ids[..self.length]);
                told(self.written.schedule, self.config.timesteps, masks, count.max(masks))
            }
            false => self.time(pass),
        };
        let masks = match &self.window {
            Some(window) => {
                let block = window.memory.block;
                let start = self.plans.block(pass) * block;
                let rows = ids.chunks_exact(self.length);
                rows.map(|row| masks_of(&row[start..self.length.min(start + block)])).sum()
            }
            None => masks_of(&ids),
        };
        self.passes_done = self.plans.next(pass, masks, surveyed);
        State {
            pass,
            time,
            length: self.length,
            ids,
            confidence: self.visible_part(&confidence),
            generated: self.generated.clone(),
        }
    }

    /// Goes on from a state of this generation, changed or not; also backwards. A model that writes
    /// from noise sees random tokens in place of masks.
    ///
    /// # Panics
    /// When the state has another batch, length, or more passes.
    pub fn set_state(&mut self, device: &mut Device, state: &State) -> Result<(), DeviceError> {
        assert_eq!((state.batch(), state.length), (self.batch, self.length), "size of the state");
        assert!(state.pass <= self.passes(), "pass {} of {}", state.pass, self.passes());
        (self.passes_done, self.reached, self.uncounted) = (state.pass, state.pass, 0);
        self.generated.clone_from(&state.generated);
        self.plans = self.plans_from(state);
        self.cursor = self.passes_done - self.plans.done();

        let ids = self.whole_rows(&self.noisy(&state.ids), self.config.mask_id);
        let confidence = self.whole_rows(&state.confidence, 0.0);
        let kinds: Vec<u32> =
            state.generated.chunks_exact(self.length).flat_map(|row| self.kinds(row)).collect();
        let kinds = self.whole_rows(&kinds, GIVEN);
        let rows: Vec<&[bool]> = self.generated.chunks_exact(self.length).collect();
        let block = self.window.as_ref().map(|window| window.memory.block);
        let table = self.plans.table(&self.written, &self.config, &rows, block);
        device.write_words(self.buffers.table, &table)?;
        if let Some(window) = &mut self.window {
            window.reset(device, &ids, &confidence, &kinds)?;
        } else {
            let bits = confidence.iter().map(|confidence| confidence.to_bits());
            let readback: Vec<u32> = ids.iter().copied().chain(bits).collect();
            device.write_words(self.buffers.ids, &ids)?;
            device.write_floats(self.buffers.confidence, &confidence)?;
            device.write_words(self.buffers.kinds, &kinds)?;
            device.write_words(self.buffers.readback, &readback)?;
            if self.buffers.acts.length == self.length {
                let told = told_table(&self.written, self.config.timesteps, &rows);
                device.write_words(self.buffers.told, &told)?;
            }
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.filled = 0;
            decoder.next = common_start(&state.ids, self.length, self.config.mask_id);
            device.write_words(decoder.counter, &[0])?;
        }
        device.write_words(self.buffers.progress, &[0, 1])?;
        device.write_words(self.buffers.cursor, &[self.cursor as u32])
    }

    /// The passes from a state on: those that were planned, unless an edit left masks in a block that
    /// they have passed; then a plan for every block that has masks.
    fn plans_from(&self, state: &State) -> Plans {
        let Some(Memory { block, .. }) = self.window.as_ref().map(|window| &window.memory) else {
            return self.planned.clone();
        };
        let mask = |&(_, &id): &(usize, &u32)| id == self.config.mask_id;
        let masked = |number: usize| {
            let places = state.ids.iter().enumerate().filter(mask);
            places.into_iter().any(|(n, _)| n % self.length / block == number)
        };
        let over = state.pass >= self.planned.passes();
        let done = if over { usize::MAX } else { self.planned.block(state.pass) };
        let passed = (0..self.length.div_ceil(*block)).take_while(|&number| number < done);
        if !passed.into_iter().any(masked) {
            return self.planned.clone();
        }
        let rows: Vec<&[bool]> = state.generated.chunks_exact(self.length).collect();
        Plans::of_blocks(&self.written, &self.config, &rows, *block, state.pass, masked)
    }

    /// Tokens with noise in place of the masks: a function of seed, sample and position.
    fn noisy(&self, ids: &[u32]) -> Vec<u32> {
        let SampleOptions { seed, first_sample, .. } = self.options;
        let generator = Philox::new(seed);
        let token = |(n, &id): (usize, &u32)| {
            if id != self.config.mask_id {
                return id;
            }
            let (position, row) = ((n % self.length) as u32, (n / self.length) as u32);
            self.noise.of(generator.of(Stream::Noise, [position, first_sample + row, 0])[0])
        };
        ids.iter().enumerate().map(token).collect()
    }

    /// Kinds of a text's positions, as kernels tell them apart: no text may end before given
    /// tokens, and none at all unless the options allow it.
    fn kinds<'a>(&self, generated: &'a [bool]) -> impl Iterator<Item = u32> + use<'a> {
        let first_end =
            if self.written.may_end { behind_given(generated) } else { generated.len() };
        generated.iter().enumerate().map(move |(n, &generated)| {
            if !generated {
                GIVEN
            } else if n < first_end {
                FREE_NO_END
            } else {
                FREE
            }
        })
    }

    /// Positions of a text as the device has them.
    fn row_length(&self) -> usize {
        self.window.as_ref().map_or(self.buffers.acts.length, |window| window.memory.length)
    }

    /// Rows as the device has them, from the texts' rows.
    fn whole_rows<T: Copy>(&self, texts: &[T], behind: T) -> Vec<T> {
        let behind = vec![behind; self.row_length() - self.length];
        texts.chunks_exact(self.length).flat_map(|row| row.iter().chain(&behind)).copied().collect()
    }

    /// The texts' rows, from rows as the device has them.
    pub(in crate::sampler) fn visible_part<T: Clone>(&self, rows: &[T]) -> Vec<T> {
        let texts = rows.chunks_exact(self.row_length()).map(|row| &row[..self.length]);
        texts.flatten().cloned().collect()
    }

    /// What was found in a pass, `(batch, positions)` as it sees them, at the places of the texts.
    pub(in crate::sampler) fn at_places<T: Clone>(&self, found: &[Option<T>]) -> Vec<Option<T>> {
        let Some(window) = &self.window else { return self.visible_part(found) };
        let Memory { block, .. } = window.memory;
        let start = self.plans.block(self.reached - 1) * block;
        let mut all = vec![None; self.batch * self.length];
        for (row, found) in all.chunks_mut(self.length).zip(found.chunks(block)) {
            row[start..].iter_mut().zip(found).for_each(|(at, found)| at.clone_from(found));
        }
        all
    }
}
