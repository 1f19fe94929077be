//! Runs recordings on the CPU, through the twins of the shaders.

use std::collections::BTreeMap;

use crate::twin::RunTwin;
use crate::{Access, Arg, Args, BufferId, Element, Identity, Launch, Real, Recording, Slice};

#[derive(Debug)]
enum Storage<E> {
    Floats(Vec<E>),
    Words(Vec<u32>),
}

/// The CPU device. `Cpu<f32>` trains and generates where there is no GPU; `Cpu<f64>` is the
/// oracle of the tests. Twins spread their rows over rayon's threads.
#[derive(Debug, Default)]
pub struct Cpu<E> {
    pub(crate) identity: Identity,
    buffers: Vec<Storage<E>>,
    /// See [`crate::Device::limit_bindings`].
    pub(crate) max_binding_size: Option<u64>,
}

#[expect(private_bounds, reason = "only f32 and f64 have twins")]
impl<E: Real + RunTwin> Cpu<E> {
    /// A device without buffers.
    pub fn new() -> Self {
        Self { identity: Identity::default(), buffers: Vec::new(), max_binding_size: None }
    }

    /// Makes a buffer of `len` zeros.
    pub fn allocate(&mut self, element: Element, len: usize) -> Slice {
        self.buffers.push(match element {
            Element::Float => Storage::Floats(vec![E::zero(); len]),
            Element::Word => Storage::Words(vec![0; len]),
        });
        let buffer = BufferId { device: self.identity.id(), index: self.buffers.len() - 1 };
        Slice { buffer, element, offset: 0, len }
    }

    fn storage(&self, slice: Slice) -> &Storage<E> {
        &self.buffers[self.identity.index_of(slice)]
    }

    fn storage_mut(&mut self, slice: Slice) -> &mut Storage<E> {
        let index = self.identity.index_of(slice);
        &mut self.buffers[index]
    }

    /// The floats of a slice.
    pub fn floats(&self, slice: Slice) -> &[E] {
        match self.storage(slice) {
            Storage::Floats(data) => &data[slice.offset..slice.offset + slice.len],
            Storage::Words(_) => panic!("floats of a buffer of words"),
        }
    }

    /// The floats of a slice, to be written.
    pub fn floats_mut(&mut self, slice: Slice) -> &mut [E] {
        match self.storage_mut(slice) {
            Storage::Floats(data) => &mut data[slice.offset..slice.offset + slice.len],
            Storage::Words(_) => panic!("floats of a buffer of words"),
        }
    }

    /// The words of a slice.
    pub fn words(&self, slice: Slice) -> &[u32] {
        match self.storage(slice) {
            Storage::Words(data) => &data[slice.offset..slice.offset + slice.len],
            Storage::Floats(_) => panic!("words of a buffer of floats"),
        }
    }

    /// The words of a slice, to be written.
    pub fn words_mut(&mut self, slice: Slice) -> &mut [u32] {
        match self.storage_mut(slice) {
            Storage::Words(data) => &mut data[slice.offset..slice.offset + slice.len],
            Storage::Floats(_) => panic!("words of a buffer of floats"),
        }
    }

    /// Bytes held by the buffers.
    pub fn memory(&self) -> u64 {
        let bytes = self.buffers.iter().map(|storage| match storage {
            Storage::Floats(data) => size_of_val(data.as_slice()),
            Storage::Words(data) => size_of_val(data.as_slice()),
        });
        bytes.sum::<usize>() as u64
    }

    /// Runs every launch of `recording`, in order.
    pub fn run(&mut self, recording: &Recording) {
        self.each(recording.launches(), || ());
    }

    /// Runs launches in order and calls `ended` after each.
    ///
    /// They run on one of rayon's threads, which shares the work of each launch with the others at once;
    /// any other thread would hand it over, sleep, and have to be woken. A browser tab has one thread.
    pub(crate) fn each(&mut self, launches: &[Launch], mut ended: impl FnMut() + Send) {
        let mut run = || {
            for launch in launches {
                self.launch(launch);
                ended();
            }
        };
        #[cfg(not(target_arch = "wasm32"))]
        rayon::scope(|_| run());
        #[cfg(target_arch = "wasm32")]
        run();
    }

    /// Runs one launch, unless its condition says not to.
    fn launch(&mut self, launch: &Launch) {
        if launch.when.is_some_and(|flag| self.words(flag)[0] == 0) {
            return;
        }
        // Written buffers are taken out of the table while the twin runs: `Recording::push` made
        // sure that nothing else of the launch refers to them.
        let mut taken = BTreeMap::new();
        for (slice, binding) in launch.buffers.iter().zip(launch.kernel.bindings) {
            if binding.access == Access::Write {
                let empty = Storage::Words(Vec::new());
                let storage = std::mem::replace(self.storage_mut(*slice), empty);
                taken.insert(slice.buffer.index, storage);
            }
        }
        let mut written: BTreeMap<usize, &mut Storage<E>> =
            taken.iter_mut().map(|(&id, storage)| (id, storage)).collect();
        let buffers = launch.buffers.iter().zip(launch.kernel.bindings).map(|(slice, binding)| {
            let range = slice.offset..slice.offset + slice.len;
            if binding.access == Access::Write {
                match written.remove(&slice.buffer.index) {
                    Some(Storage::Floats(data)) => Arg::FloatsMut(&mut data[range]),
                    Some(Storage::Words(data)) => Arg::WordsMut(&mut data[range]),
                    None => unreachable!("a recording binds a written buffer once"),
                }
            } else {
                match self.storage(*slice) {
                    Storage::Floats(data) => Arg::Floats(&data[range]),
                    Storage::Words(data) => Arg::Words(&data[range]),
                }
            }
        });
        let args = Args {
            params: &launch.params,
            constants: &launch.constants,
            buffers: buffers.collect(),
        };
        E::twin(&launch.kernel.twin)(args);
        for (id, storage) in taken {
            self.buffers[id] = storage;
        }
    }
}
