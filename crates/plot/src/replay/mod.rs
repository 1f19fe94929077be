//! A denoising as a web page of its own: one file that plays it, without network or other files.
//!
//! It looks as the page does, whose style sheets it contains, and holds of the trace only what
//! changes, so that it is some 40 kB. Program and page make the same bytes.

use std::collections::HashMap;

use serde::Serialize;

use crate::{Trace, caption};

/// The page with places for what differs, each in `{{...}}`.
const PAGE: &str = include_str!("replay.html");
const SCRIPT: &str = include_str!("replay.js");

macro_rules! style {
    ($($name:literal),*) => {
        [$(include_str!(concat!("../../../../web/style/", $name, ".css"))),*]
    };
}

/// The style sheets of the page that its text, time and legend need, and what is other here.
const STYLES: [&str; 7] = {
    let [tokens, page, controls, text, legend, time] =
        style!["tokens", "page", "controls", "text", "legend", "time"];
    [tokens, page, controls, text, legend, time, include_str!("replay.css")]
};

/// Longest title, in characters.
const TITLE: usize = 60;
/// Index of a mask and of an end of text among the texts; neither has one of its own.
const MASK: usize = 0;
const END: usize = 1;

/// What the script plays.
#[derive(Serialize)]
struct Film<'a> {
    /// `[frames]`: denoising steps done.
    steps: Vec<u32>,
    /// Steps in which the text was to be written, and was to be corrected.
    total: u32,
    corrections: u32,
    /// Every text that a token has somewhere, behind those of a mask and of an end of text.
    texts: Vec<&'a str>,
    /// An end of text ends it; otherwise it runs on.
    ends: bool,
    /// Where the text ends in the last frame.
    end: Option<usize>,
    tokens: Vec<Token>,
}

/// One position of the text.
#[derive(Serialize)]
struct Token {
    given: bool,
    /// The step from which on a person has pinned it.
    pinned: Option<u32>,
    /// Frame from which on, index of the text, and confidence in tenths.
    changes: Vec<(usize, usize, u8)>,
}

/// The file. The trace must have passed [`Trace::check`].
pub fn html(trace: &Trace) -> String {
    let last = trace.frames.len() - 1;
    let text = trace.text(last);
    let mut title: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = title.char_indices().nth(TITLE) {
        title.truncate(cut);
        title += "…";
    }
    let by_hand = if trace.pinned.is_empty() { "hidden" } else { "" };
    let about = [caption::settings(trace), vec![caption::extent(trace)]].concat().join(" · ");
    let values = [
        ("title", escape(&title)),
        ("model", escape(&trace.model)),
        ("text", escape(&text)),
        ("about", escape(&about)),
        ("by-hand", by_hand.to_owned()),
        ("style", STYLES.concat()),
        ("script", SCRIPT.to_owned()),
        ("film", film(trace)),
    ];
    let mut out = String::new();
    let mut rest = PAGE;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        let value = values.iter().find(|(known, _)| *known == name);
        out += before;
        out += &value.expect("the page has places for these only").1;
        rest = after;
    }
    out + rest
}

/// The film as JSON that can stand inside an element of HTML.
fn film(trace: &Trace) -> String {
    let strings: Vec<Vec<String>> = (0..trace.frames.len()).map(|f| trace.strings(f)).collect();
    let mut texts = vec!["", ""];
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut tokens = Vec::with_capacity(trace.len());
    for (position, &given) in trace.fixed.iter().enumerate() {
        let mut changes: Vec<(usize, usize, u8)> = Vec::new();
        for (at, frame) in trace.frames.iter().enumerate() {
            let id = frame.ids[position];
            let text = if id == trace.mask_id {
                MASK
            } else if Some(id) == trace.end_id {
                END
            } else {
                let string = strings[at][position].as_str();
                *known.entry(string).or_insert_with(|| {
                    texts.push(string);
                    texts.len() - 1
                })
            };
            let tenths = (frame.confidence[position] * 10.0).round() as u8;
            if changes.last().is_none_or(|&(_, t, c)| (t, c) != (text, tenths)) {
                changes.push((at, text, tenths));
            }
        }
        let pinned = trace.pinned.get(&position).copied();
        tokens.push(Token { given, pinned, changes });
    }
    let film = Film {
        steps: trace.frames.iter().map(|frame| frame.step).collect(),
        total: if trace.corrections == 0 { trace.total() } else { trace.steps },
        corrections: trace.corrections,
        texts,
        ends: !trace.runs_on,
        end: trace.end(trace.frames.len() - 1),
        tokens,
    };
    let json = serde_json::to_string(&film).expect("numbers, texts and lists have a JSON form");
    // Nothing that a model wrote may end the element.
    json.replace('<', "\\u003c")
}

/// A text as HTML shows it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
    }
    out
}
