//! What a picture shows: a run, two beside each other, or the texts of a training.

use plot::Trace;
use plot::draw::{Draw, Measure, Size};
use plot::layout::{Moment, Pair, Pane, Plan, Strip, StripPlan, Style};

use super::canvas::Canvas;

/// What a picture shows.
#[derive(Clone, Debug)]
pub enum Subject<'a> {
    /// A run.
    One(&'a Trace),
    /// Two runs beside each other.
    Two([Pane<'a>; 2]),
    /// The texts of a training, at least one.
    Strip(&'a Strip),
}

/// A subject laid out for pictures of one size.
pub(super) enum Scene<'a> {
    One(Plan<'a>, usize),
    Two(Pair<'a>),
    Strip(StripPlan<'a>),
}

impl<'a> Scene<'a> {
    /// Lays it out, with the fonts of the canvas.
    pub(super) fn new(subject: Subject<'a>, size: Size, canvas: &Canvas) -> Self {
        let measure: &mut Measure<'_> = &mut |t, s, w| canvas.measure(t, s, w);
        match subject {
            Subject::One(trace) => Self::One(Plan::new(trace, size, measure), trace.frames.len()),
            Subject::Two(panes) => Self::Two(Pair::new(panes, size, measure)),
            Subject::Strip(strip) => Self::Strip(StripPlan::new(strip, size, measure)),
        }
    }

    /// Number of its states, of two runs those of the longer one, of a training its texts.
    pub(super) fn frames(&self) -> usize {
        match self {
            Self::One(_, frames) => *frames,
            Self::Two(pair) => pair.frames(),
            Self::Strip(plan) => plan.frames(),
        }
    }

    /// Paints a moment.
    pub(super) fn paint(&self, moment: Moment, style: &Style, canvas: &Canvas) {
        let measure: &mut Measure<'_> = &mut |t, s, w| canvas.measure(t, s, w);
        let shapes: Vec<Draw> = match self {
            Self::One(plan, _) => plan.draw(moment, style, measure),
            Self::Two(pair) => pair.draw(moment, style, measure),
            Self::Strip(plan) => plan.draw(moment, style, measure),
        };
        canvas.paint(&shapes);
    }
}
