//! Writing in blocks, from left to right (BD3-LM, arXiv 2503.09573): passes are over the block that is
//! written, and keys and values of those before it lie in a cache.
//!
//! Where a text grows longer than the model's context, the context moves on by half of it: the blocks
//! that stay are computed again, from position 0. So the network never sees anything that it was not
//! trained for, and writes what it would write without a cache. A cache that slides by a block keeps
//! keys that know what is gone and lacks the first ones, on which attention rests: texts fall apart
//! (StreamingLLM, arXiv 2309.17453). Computing half a context again costs one pass over each block more.

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use kernels::{decode, rope_norm, window};
use model::forward::{self, Pass};
use model::{Activations, Config};

use super::record::Recorder;

/// Device memory for writing in blocks.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Positions of a block.
    pub(super) block: usize,
    /// Positions of a text, whole blocks.
    pub(super) length: usize,
    /// Positions of a context, whole blocks.
    context: usize,
    /// Keys and values of each layer, `(batch, context, 2, H, D)`.
    caches: Vec<Slice>,
    /// Positions in the cache, those of the block included, `(1)`.
    filled: Slice,
    /// Number of the block, `(1)`.
    place: Slice,
    /// Angles of its positions, `(block, D)`.
    angles: Slice,
    /// Ids and bits of confidence of whole texts, `(2, batch, length)`.
    pub(super) text: Slice,
    /// Kinds of their positions, `(batch, length)`.
    text_kinds: Slice,
    /// Times of finished blocks: 0, `(batch)`.
    clean: Slice,
}

impl Memory {
    /// For `batch` texts of `length` tokens in blocks of `block`.
    pub(super) fn new(
        device: &mut Device,
        config: &Config,
        block: usize,
        [batch, length]: [usize; 2],
    ) -> Result<Self, DeviceError> {
        let length = length.next_multiple_of(block);
        let context = config.block_size.min(length);
        let cache = batch * context * 2 * config.n_embd;
        let caches = (0..config.n_layer).map(|_| device.allocate_whole("keys_values", cache));
        let caches = caches.collect::<Result<_, _>>()?;
        let angles = device.allocate("angles", Element::Float, block * config.head_dim())?;
        let mut words = |label, len| device.allocate(label, Element::Word, len);
        Ok(Self {
            block,
            length,
            context,
            caches,
            filled: words("filled", 1)?,
            place: words("place", 1)?,
            angles,
            text: words("text", 2 * batch * length)?,
            text_kinds: words("text_kinds", batch * length)?,
            clean: words("clean_times", batch)?,
        })
    }

    /// The beginning of this memory, for fewer or shorter texts.
    pub(super) fn narrowed(&self, config: &Config, [batch, length]: [usize; 2]) -> Self {
        let length = length.next_multiple_of(self.block);
        let context = config.block_size.min(length);
        let cache = batch * context * 2 * config.n_embd;
        Self {
            length,
            context,
            caches: self.caches.iter().map(|whole| whole.part(0, cache)).collect(),
            text: self.text.part(0, 2 * batch * length),
            text_kinds: self.text_kinds.part(0, batch * length),
            clean: self.clean.part(0, batch),
            ..*self
        }
    }

    /// Makes passes over these buffers see what is in the cache.
    pub(super) fn attach(&self, acts: &mut Activations) {
        acts.rope = self.angles;
        for (layer, &keys_values) in acts.layers.iter_mut().zip(&self.caches) {
            let (filled, length) = (self.filled, self.context);
            layer.cache = Some(decode::Cache { keys_values, filled, length });
        }
    }
}

/// The block that is being written.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) memory: Memory,
    /// Takes a block out of the texts.
    enter: Program,
    /// Puts it back, and adds its keys and values to the cache.
    leave: Program,
    /// Angles of all positions of a context.
    rope: Vec<f32>,
    /// First block of the context.
    first: usize,
    /// Finished blocks of the context in the cache.
    cached: usize,
    /// Block in the window, if there is one.
    at: Option<usize>,
}

impl Window {
    /// A window over the buffers of a recorder.
    pub(super) fn new(
        device: &mut Device,
        memory: Memory,
        recorder: &Recorder<'_>,
    ) -> Result<Self, DeviceError> {
        let Recorder { variants, model, buffers, .. } = *recorder;
        let (texts, place, text) = (buffers.acts.batch, memory.place, memory.text);
        let mut enter = Recording::default();
        let io = window::Enter {
            place,
            text,
            text_kinds: memory.text_kinds,
            ids: buffers.ids,
            confidence: buffers.confidence,
            kinds: buffers.kinds,
            readback: buffers.readback,
            progress: buffers.progress,
        };
        window::enter(&mut enter, io, texts);
        let mut leave = Recording::default();
        let io = window::Leave { place, readback: buffers.readback, text };
        window::leave(&mut leave, io, texts);
        let (acts, ids, timesteps) = (&buffers.acts, buffers.ids, memory.clean);
        forward::trunk(&mut leave, &Pass { variants, model, acts, ids, timesteps, dropout: None });
        Ok(Self {
            enter: device.compile(enter)?,
            leave: device.compile(leave)?,
            rope: rope_norm::table(memory.context, model.config.head_dim()),
            memory,
            first: 0,
            cached: 0,
            at: None,
        })
    }

    /// Begins anew with these texts: ids, confidence and kinds, `(batch, length)` each.
    pub(super) fn reset(
        &mut self,
        device: &mut Device,
        ids: &[u32],
        confidence: &[f32],
        kinds: &[u32],
    ) -> Result<(), DeviceError> {
        (self.first, self.cached, self.at) = (0, 0, None);
        let bits = confidence.iter().map(|confidence| confidence.to_bits());
        let text: Vec<u32> = ids.iter().copied().chain(bits).collect();
        device.write_words(self.memory.text, &text)?;
        device.write_words(self.memory.text_kinds, kinds)
    }

    /// Goes to a block, at which it then stands with everything before it in the cache. Says whether it
    /// was elsewhere.
    pub(super) fn go_to(&mut self, device: &mut Device, block: usize) -> Result<bool, DeviceError> {
        if self.at == Some(block) {
            return Ok(false);
        }
        if self.at.take().is_some() {
            device.run(&self.leave)?;
            self.cached += 1;
        }
        let first = first_of_context(self.memory.context / self.memory.block, block);
        if first != self.first {
            (self.first, self.cached) = (first, 0);
        }
        while self.first + self.cached < block {
            self.enter(device, self.first + self.cached)?;
            device.run(&self.leave)?;
            self.cached += 1;
        }
        self.enter(device, block)?;
        self.at = Some(block);
        Ok(true)
    }

    fn enter(&self, device: &mut Device, block: usize) -> Result<(), DeviceError> {
        let Memory { block: size, angles, .. } = self.memory;
        let start = (block - self.first) * size;
        device.write_words(self.memory.place, &[block as u32])?;
        device.write_words(self.memory.filled, &[(start + size) as u32])?;
        let head_dim = angles.len / size;
        device.write_floats(angles, &self.rope[start * head_dim..][..angles.len])?;
        device.run(&self.enter)
    }

    /// Whole texts with the block as it stands: both halves of a readback, `(2, batch, length)`.
    pub(super) fn gather(&self, readback: &[u32], text: &[u32]) -> Vec<u32> {
        let Memory { block, length, .. } = self.memory;
        let mut whole = text.to_vec();
        if let Some(at) = self.at {
            for (row, readback) in whole.chunks_mut(length).zip(readback.chunks(block)) {
                row[at * block..][..block].copy_from_slice(readback);
            }
        }
        whole
    }
}

/// First block of the context in which a block is written, where it has room for so many: it moves on
/// whenever it is full, and keeps half of the room.
fn first_of_context(room: usize, block: usize) -> usize {
    let by = room - room / 2;
    match block.checked_sub(room) {
        None => 0,
        Some(behind) => (behind / by + 1) * by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_moves_on_by_half() {
        let firsts = |room| (0..12).map(|block| first_of_context(room, block)).collect::<Vec<_>>();
        assert_eq!(firsts(8), [0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4]);
        assert_eq!(firsts(4), [0, 0, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8]);
        assert_eq!(firsts(3), [0, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10]);
        assert_eq!(firsts(2), [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(firsts(1), Vec::from_iter(0..12));
        for room in 1..9 {
            for (block, first) in firsts(room).into_iter().enumerate() {
                assert!(first <= block && block - first < room, "{room}: {block} from {first}");
            }
        }
    }
}
