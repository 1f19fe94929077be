//! A corpus on a device: all of it, or one window after the other.

use std::fmt::Debug;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use device::{Device, Element, Slice};
use kernels::rng::{Philox, Stream};

use super::{TrainingError, TrainingOptions};

/// Most tokens of a window: 128 MiB, which kernels of every WebGPU device can be bound to.
pub const MAX_WINDOW: usize = 1 << 25;

/// Tokens that are read at a time, a multiple of [`device::ALIGNMENT`].
const PIECE: usize = 1 << 20;

/// Token ids of a part of a corpus, wherever they are kept.
pub trait Tokens: Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of a range that lies inside.
    ///
    /// # Errors
    /// They cannot be read any more.
    fn read(&self, range: Range<usize>) -> io::Result<Vec<u32>>;
}

impl Tokens for Vec<u32> {
    fn len(&self) -> usize {
        self.len()
    }

    fn read(&self, range: Range<usize>) -> io::Result<Vec<u32>> {
        Ok(self[range].to_vec())
    }
}

/// Token ids of the two parts of a corpus.
#[derive(Clone, Debug)]
pub struct Data {
    /// What is trained on.
    pub train: Arc<dyn Tokens>,
    /// What is held out.
    pub validation: Arc<dyn Tokens>,
}

impl Data {
    /// A corpus of these parts.
    pub fn new(train: impl Tokens + 'static, validation: impl Tokens + 'static) -> Self {
        Self { train: Arc::new(train), validation: Arc::new(validation) }
    }

    /// Tokens of both parts.
    pub fn lengths(&self) -> [usize; 2] {
        [self.train.len(), self.validation.len()]
    }
}

/// The ids of a range, piece by piece, each with its place in the range.
///
/// # Errors
/// They cannot be read any more.
pub fn pieces(
    tokens: &dyn Tokens,
    range: Range<usize>,
) -> impl Iterator<Item = Result<(usize, Vec<u32>), TrainingError>> {
    let Range { start, end } = range;
    range.step_by(PIECE).map(move |place| {
        let ids = tokens.read(place..end.min(place + PIECE));
        let ids = ids.map_err(|error| TrainingError::Unreadable(error.to_string()))?;
        Ok((place - start, ids))
    })
}

/// What batches are drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Corpus {
    /// Token ids.
    pub(super) ids: Slice,
    /// Places where stories begin that a sequence fits behind, at least one.
    pub(super) starts: Slice,
}

impl Corpus {
    /// Puts the beginning of a corpus on the device, at most so many tokens. Sequences begin anywhere in it.
    ///
    /// # Errors
    /// An id is not below `vocabulary`, or cannot be read; the device failed.
    pub fn new(
        device: &mut Device,
        label: &str,
        tokens: &dyn Tokens,
        most: usize,
        vocabulary: usize,
    ) -> Result<Self, TrainingError> {
        let size = tokens.len().min(most);
        let ids = device.allocate(label, Element::Word, size)?;
        for piece in pieces(tokens, 0..size) {
            let (place, piece) = piece?;
            check_ids(&piece, vocabulary)?;
            device.write_words(ids.part(place, piece.len()), &piece)?;
        }
        Ok(Self { ids, starts: device.words("beginning of a corpus", &[0])? })
    }
}

/// A part of a corpus that may be larger than what is on the device at a time: windows of it follow
/// one another in a random order that is another one each time round. Which window a step draws its
/// batch from is a function of the seed and the number of the step, as the batch itself is.
#[derive(Debug)]
pub(super) struct Windows {
    tokens: Arc<dyn Tokens>,
    /// The one window that is on the device.
    pub(super) corpus: Corpus,
    /// Which one that is; `None` before the first.
    current: Option<usize>,
    /// Steps before the next one: as many as draw about each of its tokens once.
    steps: u32,
    options: TrainingOptions,
    vocabulary: usize,
}

impl Windows {
    /// Puts the window of the first step on the device.
    pub(super) fn new(
        device: &mut Device,
        tokens: Arc<dyn Tokens>,
        options: &TrainingOptions,
        vocabulary: usize,
    ) -> Result<Self, TrainingError> {
        let size = tokens.len().min(options.window);
        let step = options.batch * options.accumulation * options.length;
        let ids = device.allocate("train corpus", Element::Word, size)?;
        let corpus = Corpus { ids, starts: ids };
        let steps = (size / step).max(1) as u32;
        let options = *options;
        let mut windows = Self { tokens, corpus, current: None, steps, options, vocabulary };
        let first = windows.of_step(0);
        let starts = windows.load(device, first)?;
        windows.corpus.starts = device.words("starts of stories", &starts)?;
        windows.current = Some(first);
        Ok(windows)
    }

    /// Sees to it that the window of a step, from 0, is on the device.
    pub(super) fn turn(&mut self, device: &mut Device, step: u32) -> Result<(), TrainingError> {
        let wanted = self.of_step(step);
        if self.current != Some(wanted) {
            // Half a window is none.
            self.current = None;
            let found = self.load(device, wanted)?;
            // As many in every window, because kernels know their number: evenly chosen ones, or some twice.
            let count = self.corpus.starts.len;
            let starts: Vec<_> = (0..count).map(|n| found[n * found.len() / count]).collect();
            device.write_words(self.corpus.starts, &starts)?;
            self.current = Some(wanted);
        }
        Ok(())
    }

    /// How many windows there are.
    fn count(&self) -> usize {
        self.tokens.len().div_ceil(self.corpus.ids.len)
    }

    /// The window that a step, from 0, draws from.
    fn of_step(&self, step: u32) -> usize {
        let (visit, count) = ((step / self.steps) as usize, self.count());
        let round = (visit / count) as u32;
        let random = Philox::new(self.options.seed);
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_by_cached_key(|&window| random.of(Stream::Windows, [window, 0, round]));
        order[visit % count] as usize
    }

    /// The tokens of a window. All are of one size, spread evenly, so that some may overlap.
    fn range(&self, window: usize) -> Range<usize> {
        let size = self.corpus.ids.len;
        let beyond = self.tokens.len() - size;
        let start = beyond * window / (self.count() - 1).max(1);
        start..start + size
    }

    /// Puts a window on the device, and gives the places in it where sequences may begin that are to begin
    /// with a story.
    fn load(&self, device: &mut Device, window: usize) -> Result<Vec<u32>, TrainingError> {
        let (range, length) = (self.range(window), self.options.length);
        let end = self.options.end_of_text.filter(|_| self.options.story_starts > 0.0);
        let last = range.len() - length;
        let mut starts = if range.start == 0 { vec![0] } else { vec![] };
        for piece in pieces(&*self.tokens, range) {
            let (place, ids) = piece?;
            check_ids(&ids, self.vocabulary)?;
            device.write_words(self.corpus.ids.part(place, ids.len()), &ids)?;
            let behind = ids.iter().zip(place + 1..).filter(|&(&id, _)| Some(id) == end);
            starts.extend(behind.map(|(_, start)| start as u32));
        }
        starts.retain(|&start| start as usize <= last);
        if starts.is_empty() {
            starts.push(0);
        }
        Ok(starts)
    }
}

fn check_ids(ids: &[u32], vocabulary: usize) -> Result<(), TrainingError> {
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        Some(&id) => Err(TrainingError::UnknownToken { id, vocabulary }),
        None => Ok(()),
    }
}
