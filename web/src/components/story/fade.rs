//! Fades tokens in where they stand after lines changed. Gliding there would let words overlap.

use wasm_bindgen::prelude::*;
use web_sys::{Animation, Element};

use crate::components::prefers;

#[wasm_bindgen]
extern "C" {
    /// `Element.animate`, which web-sys offers only behind its unstable flag.
    type Movable;

    #[wasm_bindgen(method)]
    fn animate(this: &Movable, frames: &JsValue, milliseconds: f64) -> Animation;
}

/// Duration of the animation, in milliseconds.
const TIME: f64 = 450.0;
/// From nothing to what the style sheet says.
const FRAMES: &str = r#"[{"opacity": 0, "easing": "ease-out"}, {}]"#;

/// Positions before a change, and the running animations.
#[derive(Debug, Default)]
pub(super) struct Fade {
    before: Vec<(f64, f64)>,
    running: Vec<Animation>,
}

impl Fade {
    /// Records the positions before the layout changes.
    pub(super) fn start<'a>(&mut self, frame: &Element, all: impl Iterator<Item = &'a Element>) {
        self.before.clear();
        if prefers("reduced-motion: reduce") {
            return;
        }
        self.before = places(frame, all);
        for animation in self.running.drain(..) {
            animation.cancel();
        }
    }

    /// Fades in what stands elsewhere now.
    pub(super) fn end<'a>(
        &mut self,
        frame: &Element,
        all: impl Iterator<Item = &'a Element> + Clone,
    ) {
        if self.before.is_empty() {
            return;
        }
        // Reads all positions before the first write, so that the browser lays out once.
        let after = places(frame, all.clone());
        for ((element, before), after) in all.zip(self.before.drain(..)).zip(after) {
            if (before.0 - after.0).hypot(before.1 - after.1) >= 0.5 {
                self.running.extend(fade_in(element));
            }
        }
    }
}

/// Positions relative to `frame`, in pixels; scrolling does not change them.
fn places<'a>(frame: &Element, all: impl Iterator<Item = &'a Element>) -> Vec<(f64, f64)> {
    let corner = frame.get_bounding_client_rect();
    let place = |element: &Element| {
        let seen = element.get_bounding_client_rect();
        (seen.left() - corner.left(), seen.top() - corner.top())
    };
    all.map(place).collect()
}

fn fade_in(element: &Element) -> Option<Animation> {
    let frames = js_sys::JSON::parse(FRAMES).ok()?;
    Some(element.unchecked_ref::<Movable>().animate(&frames, TIME))
}
