//! The replay: one file, which needs no other, holds what the trace says, and cannot be broken by it.

mod support;

use plot::{Piece, Trace, replay};
use serde_json::Value;

/// The film in the file.
fn film(html: &str) -> Value {
    let (_, rest) = html.split_once("id=\"film\">").expect("a film");
    let (film, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(film).expect("JSON")
}

/// Text index of a position at a frame.
fn text(film: &Value, position: usize, frame: usize) -> usize {
    let changes = film["tokens"][position]["changes"].as_array().expect("changes");
    let before = changes.iter().take_while(|c| c[0].as_u64() <= Some(frame as u64));
    before.last().expect("the first frame")[1].as_u64().expect("an index") as usize
}

#[test]
fn one_file_needs_no_other() {
    let html = replay::html(&support::story());
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "import ", "fetch("] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(!html.contains("{{") && !html.contains("}}"), "a place was not filled");
    println!("{} bytes", html.len());
    assert!(html.len() < 64 << 10, "{} bytes", html.len());
    assert_eq!(html, replay::html(&support::story()));
}

#[test]
fn every_state_is_in_the_film() {
    let trace = support::story();
    let film = film(&replay::html(&trace));
    for frame in 0..trace.frames.len() {
        let strings = trace.strings(frame);
        for (position, string) in strings.iter().enumerate() {
            let id = trace.frames[frame].ids[position];
            let found = match text(&film, position, frame) {
                0 => (trace.mask_id, ""),
                1 => (trace.end_id.expect("the story has an end"), ""),
                index => (id, film["texts"][index].as_str().expect("a text")),
            };
            assert_eq!(found, (id, string.as_str()), "frame {frame}, position {position}");
        }
    }
    assert_eq!(film["end"].as_u64(), trace.end(trace.frames.len() - 1).map(|end| end as u64));
}

#[test]
fn what_a_model_writes_stays_text() {
    let mut trace = support::story();
    let evil = "</script><script>alert(1)</script>{{script}}";
    trace.model = evil.into();
    let written = trace.frames.last().expect("frames").ids[trace.len() - 1];
    trace.pieces.insert(written, Piece::Text(evil.into()));
    let html = replay::html(&trace);
    assert_eq!(html.matches("</script>").count(), 2, "the film's and the script's");
    assert!(!html.contains("<script>alert"));
    assert!(film(&html)["texts"].as_array().expect("texts").contains(&evil.into()));
}

#[test]
fn what_a_person_wrote_is_marked() {
    let plain = support::story();
    let by_hand = |trace: &Trace| replay::html(trace).contains("<li hidden>");
    assert!(by_hand(&plain), "nothing to explain");
    let mut pinned = plain.clone();
    let position = plain.len() - 2;
    pinned.pinned.insert(position, 7);
    assert!(!by_hand(&pinned));
    let film = film(&replay::html(&pinned));
    assert_eq!(film["tokens"][position]["pinned"], 7);
    assert_eq!(film["tokens"][0]["pinned"], Value::Null);
}
