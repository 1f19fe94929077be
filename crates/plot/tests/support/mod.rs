//! A made-up denoising of a story, as a model would do it: easy tokens first, some tokens doubtful
//! and changed once more.
#![allow(dead_code, unreachable_pub)] // each test file uses its own part

use std::collections::BTreeMap;

use plot::draw::Weight;
use plot::{Frame, Trace};

/// Ids of the special tokens.
pub const MASK: u32 = 2;
/// End of text.
pub const END: u32 = 3;

const PROMPT: &str = "One windy morning, a small fox named Tilda found a red kite";
const STORY: &str = " stuck in the old \
pear tree. The kite had a long yellow tail, and it flapped like a bird that wanted to go home.\n\n\
\u{201c}Do not worry,\u{201d} said Tilda. \u{201c}I will get you down!\u{201d} She jumped as high \
as she could, but the branch was far too high. She tried to climb, but her paws slipped on the wet \
bark. Tilda sat in the grass and thought for a long while.\n\nThen her friend Bruno the badger came \
along the path with a basket of apples. \u{201c}Why do you look so sad?\u{201d} he asked. Tilda \
pointed at the kite. Bruno smiled and put his basket upside down under the tree. Tilda stood on the \
basket, and Bruno held it still. She stretched and stretched, until her nose touched the yellow \
tail. With one gentle pull the kite was free!\n\nThe two friends ran up the hill together. The wind \
took the kite and carried it up into the bright sky, higher than the clouds. \u{201c}Thank you for \
helping me,\u{201d} said Tilda. Bruno laughed and gave her the biggest apple of all. They stayed on \
the hill until the sun went down, and the kite danced above them.";
const AFTER: &str = " Once upon a time there was a";

/// A generator of 32-bit numbers (the constants of Numerical Recipes).
pub struct Random(pub u32);

impl Random {
    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 24) as f32
    }

    fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f32) as usize
    }
}

/// Tokens as a small byte-level BPE makes them: words with their space, long words in two parts,
/// quotes in two parts that are no characters on their own.
pub fn tokens(text: &str) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = Vec::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut Vec<Vec<u8>>| {
        let bytes = std::mem::take(word).into_bytes();
        if bytes.len() > 7 {
            out.push(bytes[..4].to_vec());
            out.push(bytes[4..].to_vec());
        } else if !bytes.is_empty() {
            out.push(bytes);
        }
    };
    for c in text.chars() {
        match c {
            ' ' => {
                flush(&mut word, &mut out);
                word.push(' ');
            }
            '\n' => {
                flush(&mut word, &mut out);
                out.push(b"\n".to_vec());
            }
            '\u{80}'.. => {
                flush(&mut word, &mut out);
                let bytes = c.to_string().into_bytes();
                out.push(bytes[..2].to_vec());
                out.push(bytes[2..].to_vec());
            }
            c if c.is_alphabetic() => word.push(c),
            c => {
                flush(&mut word, &mut out);
                out.push(vec![c as u8]);
            }
        }
    }
    flush(&mut word, &mut out);
    out
}

/// A denoising of `prompt` + `story` (+ end of text + `after`) in `steps` steps.
pub fn denoising(prompt: &str, story: &str, after: Option<&str>, steps: u32) -> Trace {
    let mut vocabulary: Vec<Vec<u8>> = Vec::new();
    let mut id = |bytes: &[u8]| {
        let known = vocabulary.iter().position(|v| v == bytes);
        10 + known.unwrap_or_else(|| {
            vocabulary.push(bytes.to_vec());
            vocabulary.len() - 1
        }) as u32
    };
    let mut ids: Vec<u32> = tokens(prompt).iter().map(|t| id(t)).collect();
    let fixed = ids.len();
    ids.extend(tokens(story).iter().map(|t| id(t)));
    if let Some(after) = after {
        ids.push(END);
        ids.extend(tokens(after).iter().map(|t| id(t)));
    }
    let len = ids.len();
    let mut random = Random(7);
    // A position's turn: short common tokens early, with noise.
    let mut turns: Vec<(f32, usize)> =
        (fixed..len).map(|i| (random.unit() + 0.02 * (ids[i] % 40) as f32, i)).collect();
    turns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut state: Vec<u32> = (0..len).map(|i| if i < fixed { ids[i] } else { MASK }).collect();
    let mut confidence: Vec<f32> = (0..len).map(|i| if i < fixed { 1.0 } else { 0.0 }).collect();
    let frame = |step, state: &[u32], confidence: &[f32]| Frame {
        step,
        t: (steps - step) as f32,
        ids: state.to_vec(),
        confidence: confidence.to_vec(),
    };
    let mut frames = vec![frame(0, &state, &confidence)];
    let mut shown = 0;
    for step in 1..=steps {
        let t = f64::from(steps - step) / f64::from(steps);
        let masked = (1.0 - (std::f64::consts::FRAC_PI_2 * t).cos()) * turns.len() as f64;
        let goal = turns.len() - masked as usize;
        // Doubtful tokens of the step before get their second chance.
        for &(_, i) in &turns[..shown] {
            if state[i] != ids[i] {
                state[i] = ids[i];
                confidence[i] = 0.4 + 0.5 * random.unit();
            }
        }
        for &(_, i) in &turns[shown..goal] {
            let wrong = step < steps && random.unit() < 0.06;
            state[i] = if wrong { ids[random.below(len)] } else { ids[i] };
            let sure = 0.25 + 0.75 * (1.0 - (1.0 - step as f32 / steps as f32).powi(2));
            confidence[i] =
                if wrong { 0.15 } else { (sure * (0.6 + 0.4 * random.unit())).min(1.0) };
        }
        shown = goal;
        frames.push(frame(step, &state, &confidence));
    }
    let mut trace = Trace {
        version: plot::trace::VERSION,
        model: "tinystories-12m".into(),
        sampler: "carry".into(),
        schedule: "cosine".into(),
        temperature: 0.8,
        top_k: Some(40),
        top_p: None,
        seed: 1234,
        steps,
        corrections: 0,
        mask_id: MASK,
        end_id: Some(END),
        runs_on: false,
        prompt: prompt.into(),
        fixed: (0..len).map(|i| i < fixed).collect(),
        pinned: BTreeMap::new(),
        pieces: BTreeMap::new(),
        frames: vec![],
    };
    for frame in frames {
        trace.push(frame, |id| {
            let bytes = match id {
                MASK => b"[MASK]".to_vec(),
                END => b"<|end|>".to_vec(),
                id => vocabulary[id as usize - 10].clone(),
            };
            Some(plot::Piece::from_bytes(bytes))
        });
    }
    trace.check().unwrap();
    trace
}

/// The story in 50 steps, with some text after its end.
pub fn story() -> Trace {
    denoising(PROMPT, STORY, Some(AFTER), 50)
}

/// A measure without a font: every character takes half an em, bold a little more.
pub fn measure(text: &str, size: f32, weight: Weight) -> f32 {
    text.chars().count() as f32 * size * if weight == Weight::Bold { 0.56 } else { 0.5 }
}
