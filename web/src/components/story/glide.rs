//! Animates tokens to their new positions when lines change (the FLIP technique).

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
/// Starts fast, ends slowly.
const EASING: &str = "cubic-bezier(0.2, 0, 0, 1)";

/// Positions before a change, and the running animations.
#[derive(Debug, Default)]
pub(super) struct Glide {
    before: Vec<(f64, f64)>,
    running: Vec<Animation>,
}

impl Glide {
    /// Records the visible positions before the layout changes.
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

    /// Animates the elements from their recorded to their new positions.
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
            let (x, y) = (before.0 - after.0, before.1 - after.1);
            if x.hypot(y) >= 0.5 {
                self.running.extend(animate(element, x, y));
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

/// Animates an element from an offset of `x` and `y` pixels to its own position.
fn animate(element: &Element, x: f64, y: f64) -> Option<Animation> {
    let frames = format!(
        r#"[{{"transform": "translate({x:.2}px, {y:.2}px)", "easing": "{EASING}"}}, {{"transform": "none"}}]"#
    );
    let frames = js_sys::JSON::parse(&frames).ok()?;
    Some(element.unchecked_ref::<Movable>().animate(&frames, TIME))
}
