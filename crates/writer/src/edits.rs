//! Editing: a person changes tokens of a trace, and the model goes on from there.

use plot::{Frame, Trace};
use serde::{Deserialize, Serialize};

/// What a person does to one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Mask it again, even if it was given or pinned.
    Erase,
    /// Keep it, whatever the model would do.
    Pin,
    /// Let the model change it again.
    Release,
    /// Put this token there and keep it.
    Replace(u32),
}

/// A state of a text to go on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Denoising steps done.
    pub step: u32,
    /// Token ids, `(len)`; the mask's where nothing is visible.
    pub ids: Vec<u32>,
    /// Probability with which each token was drawn, `(len)`.
    pub confidence: Vec<f32>,
    /// Tokens that must stay, `(len)`: given or pinned.
    pub fixed: Vec<bool>,
}

impl Snapshot {
    /// The last frame of a trace: given and pinned tokens must stay.
    ///
    /// # Panics
    /// When the trace has no frames.
    pub fn last(trace: &Trace) -> Self {
        let Frame { step, ids, confidence, .. } = trace.frames.last().expect("a trace has frames");
        let pinned = |position| trace.pinned.contains_key(&position);
        let fixed = trace.fixed.iter().enumerate().map(|(i, &given)| given || pinned(i));
        Self {
            step: *step,
            ids: ids.clone(),
            confidence: confidence.clone(),
            fixed: fixed.collect(),
        }
    }
}

/// Edits a token of the last frame.
///
/// If a mask is made after the last step, the trace goes back in diffusion time, to the last frame
/// with as many masks, so that the model has as many steps to fill them as it had then. Frames in
/// between are dropped.
///
/// # Panics
/// When the trace has no frames or no such position.
pub fn edit(trace: &mut Trace, position: usize, edit: Edit) {
    let mask_id = trace.mask_id;
    let frame = trace.frames.last_mut().expect("a trace has frames");
    match edit {
        Edit::Erase => {
            frame.ids[position] = mask_id;
            frame.confidence[position] = 0.0;
            trace.fixed[position] = false;
            trace.pinned.remove(&position);
        }
        Edit::Pin => {
            trace.pinned.entry(position).or_insert(frame.step);
        }
        Edit::Release => {
            trace.pinned.remove(&position);
        }
        Edit::Replace(id) => {
            frame.ids[position] = id;
            frame.confidence[position] = 1.0;
            // A given token stays given.
            if !trace.fixed[position] {
                trace.pinned.insert(position, frame.step);
            }
        }
    }
    let last = trace.frames.len() - 1;
    let masks = trace.masks(last);
    if masks == 0 || trace.frames[last].step < trace.planned() {
        return;
    }
    let at = (0..last).rev().find(|&frame| unwritten(trace, frame) >= masks).unwrap_or(0);
    let Frame { step, t, .. } = trace.frames[at];
    let edited = trace.frames.pop().expect("a trace has frames");
    trace.frames.truncate(at);
    trace.frames.push(Frame { step, t, ..edited });
    trace.pinned.values_mut().for_each(|since| *since = step.min(*since));
}

/// Positions of a frame that hold nothing that was drawn: masks, or the random tokens of uniform
/// diffusion.
fn unwritten(trace: &Trace, frame: usize) -> usize {
    let free = trace.fixed.iter().zip(&trace.frames[frame].confidence);
    free.filter(|&(&fixed, &confidence)| !fixed && confidence == 0.0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plot::Piece;

    const MASK: u32 = 2;

    /// Four tokens after a given one, one more visible after each step.
    fn trace() -> Trace {
        let frame = |step: u32| Frame {
            step,
            t: (4 - step) as f32,
            ids: (0..5).map(|i| if i <= step { 10 + i } else { MASK }).collect(),
            confidence: (0..5).map(|i| if i <= step { 0.5 } else { 0.0 }).collect(),
        };
        Trace {
            version: plot::trace::VERSION,
            model: "test".into(),
            sampler: "maskgit".into(),
            schedule: "cosine".into(),
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 1,
            steps: 4,
            corrections: 0,
            mask_id: MASK,
            end_id: None,
            runs_on: true,
            prompt: "A".into(),
            fixed: vec![true, false, false, false, false],
            pinned: Default::default(),
            pieces: (10..15).map(|id| (id, Piece::Text(format!(" {id}")))).collect(),
            frames: (0..5).map(frame).collect(),
        }
    }

    #[test]
    fn tokens_are_erased_pinned_released_and_replaced() {
        let mut trace = trace();
        trace.frames.truncate(3);
        let mut apply = |position, what| {
            edit(&mut trace, position, what);
            Snapshot::last(&trace)
        };
        let state = apply(1, Edit::Pin);
        assert_eq!((state.step, state.fixed), (2, vec![true, true, false, false, false]));
        let state = apply(4, Edit::Replace(11));
        assert_eq!(state.ids, [10, 11, 12, MASK, 11]);
        assert_eq!(state.confidence, [0.5, 0.5, 0.5, 0.0, 1.0]);
        assert_eq!(state.fixed, [true, true, false, false, true]);
        assert_eq!(apply(4, Edit::Release).fixed, [true, true, false, false, false]);
        // Erasing frees a token, pinned or given.
        apply(1, Edit::Erase);
        let state = apply(0, Edit::Erase);
        assert_eq!((state.step, state.ids), (2, vec![MASK, MASK, 12, MASK, 11]));
        assert_eq!(state.confidence, [0.0, 0.0, 0.5, 0.0, 1.0]);
        assert_eq!(state.fixed, [false; 5]);
    }

    #[test]
    fn a_given_token_that_is_replaced_stays_given() {
        let mut trace = trace();
        edit(&mut trace, 0, Edit::Replace(14));
        assert_eq!((trace.fixed[0], trace.pinned(4, 0), trace.frames[4].ids[0]), (true, false, 14));
        assert_eq!(trace.frames.len(), 5, "there are no masks to fill");
    }

    #[test]
    fn masks_after_the_last_step_go_back_in_time() {
        let mut trace = trace();
        edit(&mut trace, 2, Edit::Erase);
        let Frame { step, t, ids, .. } = trace.frames.last().expect("frames");
        assert_eq!((trace.frames.len(), *step, *t), (4, 3, 1.0), "the last with one mask");
        assert_eq!(*ids, [10, 11, MASK, 13, 14]);
        // With steps left nothing goes back.
        edit(&mut trace, 3, Edit::Erase);
        assert_eq!(trace.frames.last().map(|frame| frame.step), Some(3));
        trace.check().expect("a whole trace");
    }

    /// A text of uniform diffusion has no masks: what is not written yet has no confidence.
    #[test]
    fn an_erased_word_goes_back_to_as_much_noise() {
        let mut trace = trace();
        for frame in &mut trace.frames {
            frame.ids.iter_mut().filter(|id| **id == MASK).for_each(|id| *id = 13);
        }
        edit(&mut trace, 2, Edit::Erase);
        assert_eq!(trace.frames.last().map(|frame| frame.step), Some(3));
        assert_eq!(trace.frames[3].ids, [10, 11, MASK, 13, 14]);
    }

    #[test]
    fn pins_are_kept_with_their_step() {
        let mut trace = trace();
        edit(&mut trace, 1, Edit::Pin);
        edit(&mut trace, 2, Edit::Replace(14));
        assert!(trace.pinned(4, 1) && trace.pinned(4, 2) && !trace.pinned(3, 1));
        // They go back in time with the text that they belong to.
        edit(&mut trace, 3, Edit::Erase);
        assert_eq!(trace.frames.last().map(|frame| frame.step), Some(3));
        assert!(trace.pinned(3, 1) && trace.pinned(3, 2) && !trace.pinned(2, 1));
        edit(&mut trace, 1, Edit::Pin);
        assert!(trace.pinned(3, 1));
        edit(&mut trace, 2, Edit::Erase);
        assert!(!trace.pinned(3, 2));
    }
}
