//! Layout and appearance of the text at a frame.

use plot::{State, Trace};

use super::measure::Ruler;
use crate::flow::{self, Lines, Slot};
use crate::state::{Branch, Tree, Underline};

/// Width of a mask whose token is not known yet, and the space before it, in em.
const MASK: (f32, f32) = (2.0, 0.26);
/// Width of a line-break or end-of-text mark, and the space after it, in em.
const MARK: (f32, f32) = (0.7, 0.26);
/// Frames until the flash of a new token has faded, during playback.
const FLASH: usize = 9;

/// Highlight of a new token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flash {
    /// No highlight.
    #[default]
    None,
    /// Lights up and fades; even frames.
    Even,
    /// The same under another name for odd frames, which restarts the animation.
    Odd,
    /// Stays lit while paused.
    Lit,
}

/// One token on the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TokenView {
    /// Its text, trimmed.
    pub(super) text: String,
    /// Its state; `None` before the first one is shown.
    pub(super) state: Option<State>,
    /// Confidence, 0 to 10.
    pub(super) confidence: u8,
    /// Weight of the line under it, 0 to 10.
    pub(super) tone: u8,
    /// Space before it and width, in em.
    pub(super) gap: f32,
    /// Width in em.
    pub(super) width: f32,
    /// Font scale: below 1 where its line has no room for it.
    pub(super) shrink: f32,
    /// Highlight.
    pub(super) flash: Flash,
    /// A person pinned it.
    pub(super) pinned: bool,
    /// It comes after the end of the text.
    pub(super) dim: bool,
    /// It is an end of text.
    pub(super) end: bool,
    /// It is a line break.
    pub(super) breaks: bool,
    /// It begins a line.
    pub(super) first: bool,
    /// It begins a paragraph.
    pub(super) paragraph: bool,
    /// Its card is open.
    pub(super) open: bool,
    /// The visitor is asked to change it.
    pub(super) ringed: bool,
}

/// The whole text at a frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StoryView {
    pub(super) tokens: Vec<TokenView>,
    pub(super) lines: Lines,
    /// Position of the end token of a finished run, if positions follow it.
    pub(super) end: Option<usize>,
    /// The same text as before with other line breaks: animate the change.
    pub(super) moves: bool,
    branch: Option<usize>,
    finished: bool,
    moving: bool,
    limit: f32,
}

impl StoryView {
    /// A branch of `tree`, by its index, at frame `head`, in lines of `limit` em. `before` is the
    /// previous view: its line breaks are kept while the run goes on.
    pub(super) fn new(
        tree: &Tree,
        (index, head): (Option<usize>, usize),
        limit: f32,
        moving: bool,
        underline: Underline,
        before: Option<&Self>,
        ruler: &mut Ruler,
    ) -> Self {
        let Some(branch) = index.and_then(|index| tree.branches.get(index)) else {
            return Self::default();
        };
        let head = head.min(branch.last());
        let slots = slots(tree, branch, ruler);
        let continues = before.filter(|before| {
            let parent = branch.fork.is_some_and(|fork| Some(fork.branch) == before.branch);
            before.limit == limit
                && before.tokens.len() == slots.len()
                && ((before.branch == index && !before.finished) || parent)
        });
        let lines = match continues {
            Some(before) if !branch.finished => flow::hold(&before.lines, &slots, limit),
            // What stood there in other words had the same room.
            _ if !branch.finished || branch.trace.rewrites() => {
                flow::wrap(&slots, flow::spare(limit))
            }
            _ => flow::wrap(&slots, limit),
        };
        let mut shown = slots_at(branch, head, &slots, ruler);
        flow::squeeze(&lines, &mut shown, &slots, limit);
        // Lets the flashes of the last step fade after the run has ended.
        let over = branch.finished && head == branch.last();
        let moving = moving || over && before.is_some_and(|before| before.moving);
        let mut tokens = tokens(branch, head, moving, underline, &shown, ruler);
        for (&start, &paragraph) in lines.starts.iter().zip(&lines.paragraphs) {
            if let Some(token) = tokens.get_mut(start) {
                (token.first, token.paragraph) = (true, paragraph);
            }
        }
        let end = branch.trace.end(branch.last()).filter(|_| branch.finished);
        let end = end.filter(|end| end + 1 < tokens.len());
        let finished = branch.finished;
        let moves = continues.is_some_and(|before| before.lines != lines || before.end != end);
        Self { tokens, lines, end, moves, branch: index, finished, moving, limit }
    }
}

/// The space of every token, from the last frame of the branch; for tokens still masked there, from
/// its parent branch.
fn slots(tree: &Tree, branch: &Branch, ruler: &mut Ruler) -> Vec<Slot> {
    let trace = &branch.trace;
    let last = branch.last();
    let mut slots = visible_slots(branch, last, ruler);
    let mut ancestor = branch.fork;
    while let Some(fork) = ancestor.filter(|_| slots.contains(&None)) {
        let Some(parent) = tree.branches.get(fork.branch) else { break };
        for (slot, known) in slots.iter_mut().zip(visible_slots(parent, parent.last(), ruler)) {
            *slot = slot.or(known);
        }
        ancestor = parent.fork;
    }
    let (width, gap) = MASK;
    let unknown = Slot { gap, width, opens: true, ..Slot::default() };
    let mut slots: Vec<Slot> = slots.into_iter().map(|slot| slot.unwrap_or(unknown)).collect();
    for (position, slot) in slots.iter_mut().enumerate() {
        // Generated line breaks take effect when the run is finished; before that, only those of the
        // prompt do.
        if !branch.finished && !trace.fixed[position] {
            slot.breaks = 0;
        }
    }
    if let Some(end) = trace.end(last).filter(|_| branch.finished) {
        slots[end].breaks = 2;
    }
    slots
}

/// The space of every token at a frame: of masks, what they become.
fn slots_at(branch: &Branch, frame: usize, last: &[Slot], ruler: &mut Ruler) -> Vec<Slot> {
    if frame == branch.last() {
        return last.to_vec();
    }
    let shown = visible_slots(branch, frame, ruler);
    shown.into_iter().zip(last).map(|(shown, last)| shown.unwrap_or(*last)).collect()
}

/// Slots of the tokens that are visible at a frame.
fn visible_slots(branch: &Branch, frame: usize, ruler: &mut Ruler) -> Vec<Option<Slot>> {
    let trace = &branch.trace;
    let strings = trace.strings(frame);
    let ids = &trace.frames[frame].ids;
    let (mut after_break, mut after_mark) = (true, false);
    let slot = |(position, string): (usize, String)| {
        if ids[position] == trace.mask_id {
            // A token without a leading space continues the word of the mask.
            (after_break, after_mark) = (false, false);
            return None;
        }
        let bold = trace.fixed[position];
        let text = string.trim();
        let breaks = string.matches('\n').count().min(2) as u8;
        let end = Some(ids[position]) == trace.end_id;
        let spaces = string.len() - string.trim_start_matches(' ').len();
        let width = match text {
            "" if end || breaks > 0 => MARK.0,
            _ => ruler.width(text, bold),
        };
        let slot = Slot {
            gap: match spaces {
                0 if after_mark => MARK.1,
                _ => ruler.width(" ", bold) * spaces as f32,
            },
            width,
            opens: spaces > 0 || after_break || end,
            breaks,
            bare: breaks > 0 && text.is_empty(),
        };
        after_break = breaks > 0 || end;
        after_mark = after_break && text.is_empty();
        Some(slot)
    };
    strings.into_iter().enumerate().map(slot).collect()
}

fn tokens(
    branch: &Branch,
    head: usize,
    moving: bool,
    underline: Underline,
    slots: &[Slot],
    ruler: &mut Ruler,
) -> Vec<TokenView> {
    let trace = &branch.trace;
    let end = trace.end(head).unwrap_or(usize::MAX);
    let frame = &trace.frames[head];
    let strings = trace.strings(head);
    let settled = branch.finished && head == branch.last();
    let token = |(position, string): (usize, String)| {
        let state = branch.state(head, position);
        let slot = slots[position];
        let text = string.trim().to_owned();
        let natural = ruler.width(&text, state == State::Prompt);
        let breaks = string.contains('\n') && text.is_empty();
        let shrink = match breaks {
            true => MARK.0,
            false if natural > slot.width + 0.01 => slot.width / natural,
            false => 1.0,
        };
        let age = trace.age(head, position);
        let flash = match (state, age) {
            (State::Prompt | State::Masked, _) | (_, None) => Flash::None,
            (_, Some(0)) if !moving && !settled => Flash::Lit,
            (_, Some(age)) if moving && age < FLASH => {
                if (head - age).is_multiple_of(2) {
                    Flash::Even
                } else {
                    Flash::Odd
                }
            }
            _ => Flash::None,
        };
        let confidence = (frame.confidence[position] * 10.0).round() as u8;
        TokenView {
            breaks,
            text,
            state: Some(state),
            confidence,
            tone: match underline {
                Underline::Confidence => confidence,
                Underline::Order => earliness(trace, head - age.unwrap_or(head)),
                Underline::None => 0,
            },
            gap: slot.gap,
            width: slot.width,
            shrink,
            flash,
            pinned: trace.pinned(head, position),
            dim: position > end,
            end: Some(frame.ids[position]) == trace.end_id && !trace.fixed[position],
            first: false,
            paragraph: false,
            open: false,
            ringed: false,
        }
    };
    strings.into_iter().enumerate().map(token).collect()
}

/// How early a frame is: 10 for the first step, 0 for the last.
fn earliness(trace: &Trace, frame: usize) -> u8 {
    let late = trace.frames[frame].step as f32 / trace.steps.max(1) as f32;
    10 - (late * 10.0).round().min(10.0) as u8
}
