//! Tokens that are given another place glide there: lines are seen to move, and never jump.

use wasm_bindgen::prelude::*;
use web_sys::{Animation, Element};

use crate::components::prefers;

#[wasm_bindgen]
extern "C" {
    /// An element, as web-sys does not know it yet.
    type Movable;

    #[wasm_bindgen(method)]
    fn animate(this: &Movable, frames: &JsValue, milliseconds: f64) -> Animation;
}

/// How long a token is on its way, in milliseconds.
const TIME: f64 = 450.0;
/// Leaves at once, arrives slowly.
const EASING: &str = "cubic-bezier(0.2, 0, 0, 1)";

/// Where elements are seen, and those that are on their way.
#[derive(Debug, Default)]
pub(super) struct Glide {
    before: Vec<(f64, f64)>,
    running: Vec<Animation>,
}

impl Glide {
    /// Remembers where the elements are seen, before they are given other places.
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

    /// Lets the elements glide from where they were seen to where they are.
    pub(super) fn end<'a>(
        &mut self,
        frame: &Element,
        all: impl Iterator<Item = &'a Element> + Clone,
    ) {
        if self.before.is_empty() {
            return;
        }
        // Every place is asked for before anything moves, so the browser sets the lines once.
        let after = places(frame, all.clone());
        for ((element, before), after) in all.zip(self.before.drain(..)).zip(after) {
            let (x, y) = (before.0 - after.0, before.1 - after.1);
            if x.hypot(y) >= 0.5 {
                self.running.extend(animate(element, x, y));
            }
        }
    }
}

/// Places seen from the corner of `frame`, in pixels: scrolling moves none.
fn places<'a>(frame: &Element, all: impl Iterator<Item = &'a Element>) -> Vec<(f64, f64)> {
    let corner = frame.get_bounding_client_rect();
    let place = |element: &Element| {
        let seen = element.get_bounding_client_rect();
        (seen.left() - corner.left(), seen.top() - corner.top())
    };
    all.map(place).collect()
}

/// From `x` and `y` pixels away to where the element is.
fn animate(element: &Element, x: f64, y: f64) -> Option<Animation> {
    let frames = format!(
        r#"[{{"transform": "translate({x:.2}px, {y:.2}px)", "easing": "{EASING}"}}, {{"transform": "none"}}]"#
    );
    let frames = js_sys::JSON::parse(&frames).ok()?;
    Some(element.unchecked_ref::<Movable>().animate(&frames, TIME))
}
