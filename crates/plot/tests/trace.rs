//! The trace: its JSON form, its faults and what it says about a frame.

use std::collections::BTreeMap;

use plot::{Frame, Piece, State, Trace, TraceError};

/// "Hé you" with the two bytes of "é" in two tokens; position 0 is the prompt.
fn trace() -> Trace {
    let frame = |step, ids: &[u32], confidence: &[f32]| Frame {
        step,
        t: 10.0 - step as f32,
        ids: ids.to_vec(),
        confidence: confidence.to_vec(),
    };
    let mut trace = Trace {
        version: 1,
        model: "test".into(),
        sampler: "carry".into(),
        schedule: "cosine".into(),
        temperature: 0.5,
        top_k: Some(40),
        top_p: None,
        seed: u64::MAX,
        steps: 3,
        corrections: 0,
        mask_id: 2,
        end_id: Some(3),
        runs_on: false,
        prompt: "H".into(),
        fixed: vec![true, false, false, false, false],
        pinned: BTreeMap::new(),
        pieces: BTreeMap::new(),
        frames: vec![],
    };
    let piece = |id| {
        let bytes = match id {
            10 => b"H".to_vec(),
            11 => vec![0xc3],
            12 => vec![0xa9],
            13 => b" they".to_vec(),
            14 => b" you".to_vec(),
            _ => b"[special]".to_vec(),
        };
        Some(Piece::from_bytes(bytes))
    };
    for frame in [
        frame(0, &[10, 2, 2, 2, 2], &[1.0, 0.0, 0.0, 0.0, 0.0]),
        frame(1, &[10, 11, 2, 13, 2], &[1.0, 0.5, 0.0, 0.25, 0.0]),
        frame(2, &[10, 11, 12, 13, 2], &[1.0, 0.5, 0.75, 0.25, 0.0]),
        frame(3, &[10, 11, 12, 14, 3], &[1.0, 0.5, 0.75, 1.0, 0.75]),
    ] {
        trace.push(frame, piece);
    }
    trace
}

#[test]
fn json_round_trip_keeps_everything() {
    let trace = trace();
    let json = trace.to_json();
    assert_eq!(Trace::from_json(&json).unwrap(), trace);
    assert!(json.contains(r#""11":[195]"#), "bytes as numbers: {json}");
    assert!(json.contains(r#""14":" you""#), "text as text: {json}");
    assert!(!json.contains("top_p"), "options that are off are left out: {json}");
}

#[test]
fn states_counts_and_texts() {
    let trace = trace();
    let states = |frame| (0..5).map(|i| trace.state(frame, i)).collect::<Vec<_>>();
    use State::{Fresh, Masked, Prompt, Settled};
    assert_eq!(states(0), [Prompt, Masked, Masked, Masked, Masked]);
    assert_eq!(states(1), [Prompt, Fresh, Masked, Fresh, Masked]);
    assert_eq!(states(3), [Prompt, Settled, Settled, Fresh, Fresh]);
    assert_eq!((0..4).map(|f| trace.masks(f)).collect::<Vec<_>>(), [4, 2, 1, 0]);
    assert_eq!(trace.mean_confidence(0), None);
    assert_eq!(trace.mean_confidence(1), Some(0.375)); // (0.5 + 0.25) / 2, exact in f32
    assert_eq!(trace.mean_confidence(3), Some(0.75)); // (0.5 + 0.75 + 1 + 0.75) / 4
    assert_eq!((trace.age(3, 1), trace.age(3, 3), trace.age(3, 0)), (Some(2), Some(0), None));
    assert_eq!((trace.end(2), trace.end(3)), (None, Some(4)));
    assert_eq!(trace.strings(1), ["H", "\u{fffd}", "", " they", ""]);
    assert_eq!(trace.strings(3), ["H", "é", "", " you", ""]);
    assert_eq!(trace.text(2), "Hé they[MASK]");
    assert_eq!(trace.text(3), "Hé you");
}

#[test]
fn pins_have_a_step() {
    let mut trace = trace();
    trace.pinned.insert(3, 2);
    let pinned = |frame| (0..5).map(|i| trace.pinned(frame, i)).collect::<Vec<_>>();
    assert_eq!(pinned(1), [false; 5]);
    assert_eq!(pinned(2), [false, false, false, true, false]);
    assert_eq!(Trace::from_json(&trace.to_json()).unwrap(), trace);
}

#[test]
fn a_text_that_runs_on_has_no_end() {
    let mut trace = trace();
    for frame in &mut trace.frames {
        frame.ids.push(10);
        frame.confidence.push(1.0);
    }
    trace.fixed.push(false);
    assert_eq!((trace.end(3), trace.text(3).as_str()), (Some(4), "Hé you"));
    assert!(!trace.to_json().contains("runs_on"));
    trace.runs_on = true;
    assert_eq!((trace.end(3), trace.text(3).as_str()), (None, "Hé you\n\nH"));
    assert_eq!(trace.passage(2, 2..6), " they[MASK]H");
    assert_eq!(Trace::from_json(&trace.to_json()).unwrap(), trace);
}

#[test]
fn pieces_are_text_where_they_can_be() {
    assert_eq!(Piece::from_bytes(b" a".to_vec()), Piece::Text(" a".into()));
    assert_eq!(Piece::from_bytes(vec![0xe2, 0x80]), Piece::Bytes(vec![0xe2, 0x80]));
}

/// The message for a trace that `damage` has damaged.
fn fault(damage: impl FnOnce(&mut Trace)) -> String {
    let mut trace = trace();
    damage(&mut trace);
    Trace::from_json(&trace.to_json()).unwrap_err().to_string()
}

#[test]
fn every_fault_has_its_sentence() {
    let cases = [
        (fault(|t| t.version = 7), "version 7"),
        (fault(|t| t.frames.clear()), "no frames"),
        (fault(|t| t.fixed.clear()), "no positions"),
        (fault(|t| t.frames[1].ids.truncate(4)), "frame 1 has 4 token ids for 5 positions"),
        (fault(|t| t.frames[2].confidence.push(0.0)), "frame 2 has 6 confidences for 5 positions"),
        (fault(|t| t.pieces.retain(|&id, _| id != 13)), "frame 1 uses token 13"),
        (fault(|t| t.frames[3].confidence[1] = 1.5), "confidence 1.5 at position 1"),
        (fault(|t| t.frames[2].step = 1), "frame 2 is of step 1"),
        (fault(|t| t.pinned.extend([(5, 0)])), "pins position 5, but it has 5"),
        (Trace::from_json("{").unwrap_err().to_string(), "not a trace"),
        (Trace::from_json("{\"version\":1}").unwrap_err().to_string(), "missing field"),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message:?} should say {part:?}");
        assert!(!message.contains('\n'), "one line: {message:?}");
    }
}

#[test]
fn a_confidence_that_is_not_a_number_is_a_fault() {
    let mut trace = trace();
    trace.frames[1].confidence[1] = f32::NAN;
    assert!(matches!(trace.check(), Err(TraceError::Confidence { frame: 1, position: 1, .. })));
}

#[test]
fn corrections_are_counted_by_themselves() {
    let mut trace = trace();
    let told = |trace: &Trace, step| (trace.clock(step).to_string(), trace.clock(step).of);
    assert_eq!(told(&trace, 2), ("step 2".into(), 3));
    assert!(!trace.to_json().contains("corrections"), "files of other samplers stay as they were");
    trace.corrections = 24;
    assert_eq!(told(&trace, 3), ("step 3".into(), 3));
    assert_eq!(told(&trace, 4), ("correction 1".into(), 24));
    assert_eq!((trace.clock(3).short(), trace.clock(9).short()), ("3".into(), "+6".into()));
    assert_eq!(Trace::from_json(&trace.to_json()).expect("a trace").planned(), 27);
    // A file may say anything.
    (trace.steps, trace.corrections) = (u32::MAX, u32::MAX);
    assert_eq!(told(&trace, 5), ("step 5".into(), u32::MAX));
}
