//! A recorded denoising: every state of the text from all masks to the last word.
//!
//! A trace holds all that a picture of the run needs, so that it can be drawn again without the
//! model and its tokenizer. Its JSON form is what `sample` writes, `render` reads and the page
//! exchanges. Fields of the JSON object are the fields of [`Trace`], under the same names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The version of the JSON form that this crate reads and writes.
pub const VERSION: u32 = 1;

/// One denoising, state by state. `len` below is the number of positions, `fixed.len()`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Version of the JSON form, [`VERSION`].
    pub version: u32,
    /// Name of the model, as a title shows it.
    pub model: String,
    /// Name of the sampler (`carry`, `seed`, ...).
    pub sampler: String,
    /// Name of the noise schedule (`cosine`, `linear`, ...).
    pub schedule: String,
    /// Sampling temperature; 0 is greedy.
    pub temperature: f32,
    /// Only the `top_k` likeliest tokens could be drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Only the likeliest tokens with this total probability could be drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// Seed of the random draws.
    pub seed: u64,
    /// Number of denoising steps in which the text was to be written.
    pub steps: u32,
    /// Most steps behind these in which the finished text was to be corrected.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub corrections: u32,
    /// Id of the mask token.
    pub mask_id: u32,
    /// Id of the end-of-text token, if the tokenizer has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_id: Option<u32>,
    /// The text runs on behind an end-of-text token: nothing is cut away there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs_on: bool,
    /// The prompt as it was typed.
    pub prompt: String,
    /// `[len]`: true where the prompt fixes the token.
    pub fixed: Vec<bool>,
    /// Positions that a person pinned or wrote, each with the step from which on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pinned: BTreeMap<usize, u32>,
    /// What each token id of the trace stands for; the mask and end-of-text tokens may be absent.
    pub pieces: BTreeMap<u32, Piece>,
    /// The states: first the initial one, then one after each recorded denoising step.
    pub frames: Vec<Frame>,
}

/// One state of the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Denoising steps done: 0 in the initial state; grows from frame to frame.
    pub step: u32,
    /// Diffusion time of this state: the largest in the initial state, 0 when all is denoised.
    pub t: f32,
    /// `[len]`: token ids.
    pub ids: Vec<u32>,
    /// `[len]`: probability, 0 to 1, with which the visible token was drawn; 1 for the prompt and
    /// 0 where there is a mask.
    pub confidence: Vec<f32>,
}

/// What a token stands for: text, or raw bytes where those are not UTF-8 on their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// Whole characters.
    Text(String),
    /// Part of a character, as byte-level tokenizers have them.
    Bytes(Vec<u8>),
}

/// What has become of one position at one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Fixed by the prompt.
    Prompt,
    /// Still (or again) a mask.
    Masked,
    /// A token that was not there in the frame before.
    Fresh,
    /// A token that was already there.
    Settled,
}

/// Why a text is not a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// Not JSON, or not the fields of a trace.
    #[error("this is not a trace of a denoising ({0}); `sample` writes one")]
    Json(String),
    /// Written in another form.
    #[error("this trace has version {0}, but only version {VERSION} is known; record it again")]
    Version(u32),
    /// Nothing to show.
    #[error("this trace has no {0}; record it again")]
    Empty(&'static str),
    /// A list of another length than the text.
    #[error(
        "frame {frame} has {found} {what} for {expected} positions; the file is damaged, \
         record it again"
    )]
    Length {
        /// Index of the frame.
        frame: usize,
        /// The list in question.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The number of positions.
        expected: usize,
    },
    /// A token id that `pieces` lacks.
    #[error("frame {frame} uses token {id}, but `pieces` does not say what it stands for")]
    UnknownId {
        /// Index of the frame.
        frame: usize,
        /// The token id.
        id: u32,
    },
    /// A confidence that is no probability.
    #[error("frame {frame} has confidence {value} at position {position}; it must be 0 to 1")]
    Confidence {
        /// Index of the frame.
        frame: usize,
        /// Index of the position.
        position: usize,
        /// What stands there.
        value: f32,
    },
    /// A pin outside the text.
    #[error("the trace pins position {position}, but it has {expected}; record it again")]
    Pin {
        /// Index of the position.
        position: usize,
        /// The number of positions.
        expected: usize,
    },
    /// Steps out of order.
    #[error("frame {frame} is of step {step}, but the frame before it is of step {before}")]
    Order {
        /// Index of the frame.
        frame: usize,
        /// Its step.
        step: u32,
        /// The step of the frame before.
        before: u32,
    },
}

impl Piece {
    /// Text if `bytes` is UTF-8, else the bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }

    /// The bytes that the token stands for.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

// The cause is in the sentence: as a source it would be printed twice.
impl From<serde_json::Error> for TraceError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(if error.is_eof() { "it breaks off".to_owned() } else { error.to_string() })
    }
}

impl Trace {
    /// Reads and checks the JSON form.
    ///
    /// # Errors
    /// Says in one sentence what is wrong; see [`TraceError`].
    pub fn from_json(json: &str) -> Result<Self, TraceError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_str(json)?;
        if head.version != VERSION {
            return Err(TraceError::Version(head.version));
        }
        let trace: Self = serde_json::from_str(json)?;
        trace.check()?;
        Ok(trace)
    }

    /// The JSON form, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and lists always have a JSON form")
    }

    /// Checks that lengths agree, ids are known, pins are inside, confidences are probabilities and
    /// steps grow.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), TraceError> {
        if self.frames.is_empty() {
            return Err(TraceError::Empty("frames"));
        }
        let expected = self.len();
        if expected == 0 {
            return Err(TraceError::Empty("positions"));
        }
        if let Some((&position, _)) = self.pinned.range(expected..).next() {
            return Err(TraceError::Pin { position, expected });
        }
        let mut before = None;
        for (frame, state) in self.frames.iter().enumerate() {
            for (what, found) in
                [("token ids", state.ids.len()), ("confidences", state.confidence.len())]
            {
                if found != expected {
                    return Err(TraceError::Length { frame, what, found, expected });
                }
            }
            let named = |id: u32| {
                id == self.mask_id || Some(id) == self.end_id || self.pieces.contains_key(&id)
            };
            if let Some(&id) = state.ids.iter().find(|&&id| !named(id)) {
                return Err(TraceError::UnknownId { frame, id });
            }
            let confidence = state.confidence.iter().enumerate();
            if let Some((position, &value)) = confidence.into_iter().find(|(_, c)| {
                !(0.0..=1.0).contains(*c) // also true for NaN
            }) {
                return Err(TraceError::Confidence { frame, position, value });
            }
            if let Some(before) = before.filter(|&before| before >= state.step) {
                return Err(TraceError::Order { frame, step: state.step, before });
            }
            before = Some(state.step);
        }
        Ok(())
    }

    /// Adds a frame, and to `pieces` what its tokens stand for, where `piece` knows it.
    pub fn push(&mut self, frame: Frame, piece: impl Fn(u32) -> Option<Piece>) {
        for &id in &frame.ids {
            if let Entry::Vacant(entry) = self.pieces.entry(id)
                && let Some(piece) = piece(id)
            {
                entry.insert(piece);
            }
        }
        self.frames.push(frame);
    }

    /// The number of positions.
    pub fn len(&self) -> usize {
        self.fixed.len()
    }

    /// True without any position.
    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// The number of positions that the model fills.
    pub fn generated(&self) -> usize {
        self.fixed.iter().filter(|&&fixed| !fixed).count()
    }

    /// What has become of `position` at `frame`.
    pub fn state(&self, frame: usize, position: usize) -> State {
        let id = self.frames[frame].ids[position];
        if self.fixed[position] {
            State::Prompt
        } else if id == self.mask_id {
            State::Masked
        } else if frame > 0 && self.frames[frame - 1].ids[position] != id {
            State::Fresh
        } else {
            State::Settled
        }
    }

    /// Whether a person had pinned or written the token at `position` by `frame`.
    pub fn pinned(&self, frame: usize, position: usize) -> bool {
        self.pinned.get(&position).is_some_and(|&since| since <= self.frames[frame].step)
    }

    /// Frames since the token at `position` last changed (0 = in this frame), or `None` if it never
    /// did up to `frame`.
    pub fn age(&self, frame: usize, position: usize) -> Option<usize> {
        let id = |f: usize| self.frames[f].ids[position];
        (1..=frame).rev().find(|&f| id(f) != id(f - 1)).map(|f| frame - f)
    }

    /// Whether a token that was written somewhere is another in the last frame.
    pub fn rewrites(&self) -> bool {
        let Some(last) = self.frames.last() else { return false };
        let differs = |(id, last): (&u32, &u32)| id != last && *id != self.mask_id;
        self.frames.iter().any(|frame| frame.ids.iter().zip(&last.ids).any(differs))
    }

    /// The number of masks at `frame`.
    pub fn masks(&self, frame: usize) -> usize {
        self.frames[frame].ids.iter().filter(|&&id| id == self.mask_id).count()
    }

    /// Mean confidence of the generated tokens that are visible at `frame`; `None` if there are
    /// none.
    pub fn mean_confidence(&self, frame: usize) -> Option<f32> {
        let Frame { ids, confidence, .. } = &self.frames[frame];
        let visible = (0..self.len()).filter(|&i| !self.fixed[i] && ids[i] != self.mask_id);
        let (sum, count) = visible.fold((0.0, 0u32), |(s, n), i| (s + confidence[i], n + 1));
        (count > 0).then(|| sum / count as f32)
    }

    /// Where the text ends at `frame`, see [`text_end`]. None where the text runs on.
    pub fn end(&self, frame: usize) -> Option<usize> {
        let end_id = self.end_id.filter(|_| !self.runs_on)?;
        text_end(&self.frames[frame].ids, end_id, |position| self.fixed[position])
    }

    /// `[len]`: what each position adds to the text at `frame`. A character whose bytes are spread
    /// over several tokens belongs to the first of them; bytes that form no character become
    /// U+FFFD. Masks and end-of-text tokens are empty.
    pub fn strings(&self, frame: usize) -> Vec<String> {
        let ids = &self.frames[frame].ids;
        let mut strings = vec![String::new(); ids.len()];
        let mut run = Vec::new(); // bytes of neighbouring tokens, each with its position
        for (position, &id) in ids.iter().enumerate() {
            let silent = id == self.mask_id || Some(id) == self.end_id;
            match self.pieces.get(&id).filter(|_| !silent) {
                Some(piece) => run.extend(piece.as_bytes().iter().map(|&b| (b, position))),
                None => spread(&mut run, &mut strings),
            }
        }
        spread(&mut run, &mut strings);
        strings
    }

    /// The text at `frame`, up to where it ends: it can serve as a prompt again.
    pub fn text(&self, frame: usize) -> String {
        self.passage(frame, 0..self.end(frame).unwrap_or(self.len()))
    }

    /// The text of some positions at `frame`, with `[MASK]` for every mask and a blank line for
    /// every end-of-text token.
    ///
    /// # Panics
    /// When there are no such positions.
    pub fn passage(&self, frame: usize, positions: Range<usize>) -> String {
        let ids = &self.frames[frame].ids[positions.clone()];
        let strings = self.strings(frame);
        let visible = strings[positions].iter().zip(ids);
        let shown = |(string, &id): (&'_ String, &u32)| {
            if id == self.mask_id {
                "[MASK]".to_owned()
            } else if Some(id) == self.end_id {
                "\n\n".to_owned()
            } else {
                string.clone()
            }
        };
        visible.map(shown).collect()
    }
}

/// Where a text ends: the first `end_id` behind all given tokens, because what was given is never
/// cut away. `given` tells of a position whether its token was given.
pub fn text_end(ids: &[u32], end_id: u32, given: impl Fn(usize) -> bool) -> Option<usize> {
    let behind = (0..ids.len()).rev().find(|&i| given(i)).map_or(0, |last| last + 1);
    (behind..ids.len()).find(|&i| ids[i] == end_id)
}

/// Decodes a run of bytes into the strings of the positions that they came from; empties it.
fn spread(run: &mut Vec<(u8, usize)>, strings: &mut [String]) {
    let bytes: Vec<u8> = run.iter().map(|&(byte, _)| byte).collect();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for (offset, character) in chunk.valid().char_indices() {
            strings[run[at + offset].1].push(character);
        }
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            strings[run[at].1].push(char::REPLACEMENT_CHARACTER);
            at += chunk.invalid().len();
        }
    }
    run.clear();
}
