//! Two runs beside each other: one time line, what differs in their settings, where they part.

use crate::caption::short;
use crate::layout::Moment;
use crate::trace::Trace;

/// The moment of a run whose last frame is `last`, while another one, whose last frame is `longest`,
/// is at `at`: both have come through the same share of their frames.
pub fn abreast(at: Moment, longest: usize, last: usize) -> Moment {
    if at.frame >= longest || last == longest {
        return Moment { frame: at.frame.min(last), phase: at.phase };
    }
    let done = (at.frame as f64 + f64::from(at.phase.clamp(0.0, 1.0))) * last as f64;
    // Keeps rounding from showing a frame too late.
    let place = done / longest as f64 + 1e-9;
    let frame = (place as usize).min(last);
    Moment { frame, phase: (place - frame as f64) as f32 }
}

/// The settings in which two runs differ, each in the words of its own; empty where none does.
pub fn differences(left: &Trace, right: &Trace) -> [String; 2] {
    let (left, right) = (settings(left), settings(right));
    let different = |own: &[String; 8], other: &[String; 8]| {
        let pairs = own.iter().zip(other).filter(|(own, other)| own != other);
        pairs.map(|(own, _)| own.as_str()).collect::<Vec<_>>().join(", ")
    };
    [different(&left, &right), different(&right, &left)]
}

/// What both runs have in common, of what a footer tells.
pub fn common(left: &Trace, right: &Trace) -> Vec<String> {
    let pairs = settings(left).into_iter().zip(settings(right)).skip(1);
    // The prompt stands in the text.
    let same = pairs.take(6).filter(|(left, right)| left == right);
    same.map(|(left, _)| left).filter(|text| !text.starts_with("no ")).collect()
}

fn settings(trace: &Trace) -> [String; 8] {
    let limit = |name: &str, value: Option<String>| {
        value.map_or(format!("no {name}"), |value| format!("{name} {value}"))
    };
    [
        trace.model.clone(),
        format!("{} steps", trace.steps),
        format!("{} sampler", trace.sampler),
        format!("temperature {}", short(trace.temperature)),
        limit("top-k", trace.top_k.map(|k| k.to_string())),
        limit("top-p", trace.top_p.map(short)),
        format!("seed {}", trace.seed),
        match trace.prompt.trim() {
            "" => "no prompt".into(),
            prompt => format!("“{prompt}”"),
        },
    ]
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Index of the first frame that differs.
    pub frame: usize,
    /// Denoising steps done there.
    pub step: u32,
    /// First position that differs, and the number of positions of both runs.
    pub position: usize,
    /// What stands there on the left and on the right: none for a mask.
    pub shown: [Option<String>; 2],
    /// The last states have the same text nevertheless.
    pub same_end: bool,
}

/// The first state, and in it the first position, in which two runs differ; none if one is the other,
/// as far as it goes. Tokens are compared by their text, so that models of different tokenizers can
/// be compared.
pub fn parting(left: &Trace, right: &Trace) -> Option<Parting> {
    let both = left.frames.len().min(right.frames.len());
    (0..both).find_map(|frame| {
        let (of_left, of_right) = (shown(left, frame), shown(right, frame));
        let longest = of_left.len().max(of_right.len());
        let position = (0..longest).find(|&i| of_left.get(i) != of_right.get(i))?;
        let at = |all: &[Option<String>]| all.get(position).cloned().flatten();
        let end = |trace: &Trace| trace.text(trace.frames.len() - 1);
        Some(Parting {
            frame,
            step: left.frames[frame].step,
            position,
            shown: [at(&of_left), at(&of_right)],
            same_end: end(left) == end(right),
        })
    })
}

/// What every position shows at a frame: none for a mask.
fn shown(trace: &Trace, frame: usize) -> Vec<Option<String>> {
    let ids = &trace.frames[frame].ids;
    let strings = trace.strings(frame).into_iter().zip(ids);
    let text = |(string, &id): (String, &u32)| {
        let end = Some(id) == trace.end_id;
        (id != trace.mask_id).then(|| if end { "end of text".into() } else { string })
    };
    strings.map(text).collect()
}

/// Where two runs part, in a sentence.
pub fn sentence(left: &Trace, right: &Trace) -> String {
    let Some(parting) = parting(left, right) else {
        let [of_left, of_right] = [left, right].map(|trace| trace.frames.len());
        return match of_left.cmp(&of_right) {
            std::cmp::Ordering::Equal => "Both runs are the same, step for step.".into(),
            std::cmp::Ordering::Less => ended("first", left),
            std::cmp::Ordering::Greater => ended("second", right),
        };
    };
    let Parting { frame, step, position, shown, same_end } = parting;
    let [first, second] = shown.map(|text| match text.as_deref().map(str::trim) {
        None => "a blank".to_owned(),
        Some("") => "white space".to_owned(),
        Some("end of text") => "the end of the text".to_owned(),
        Some(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
            "part of a character".to_owned()
        }
        Some(text) => format!("“{text}”"),
    });
    let place =
        format!("at token {}: {first} in the first text, {second} in the second", position + 1);
    let when = match frame {
        0 => "They differ from the start,".to_owned(),
        _ => format!("They part at {},", left.clock(step)),
    };
    let end = if same_end { " Both end with the same text." } else { "" };
    format!("{when} {place}.{end}")
}

fn ended(which: &str, trace: &Trace) -> String {
    let clock = trace.clock(trace.frames.last().map_or(0, |frame| frame.step));
    format!("Both runs are the same up to {clock}, where the {which} one stops.")
}
