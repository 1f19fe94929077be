//! Pictures and videos of a run, drawn on a canvas with the layout of the native program.

mod canvas;
mod codec;
mod film;
mod format;
mod mp4;
mod recorder;
mod save;
mod webm;

pub use film::{Shape, film};
pub use format::Format;
pub use save::{save_blob, save_text};

use plot::Trace;
use plot::layout::{Plan, Style};
use plot::theme::Theme;
use web_sys::Blob;

use canvas::Canvas;

/// How pictures look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Light or dark.
    pub theme: Theme,
    /// Colour shows confidence.
    pub confidence: bool,
}

impl Look {
    fn style(self) -> Style {
        Style { theme: self.theme, confidence: self.confidence, ..Style::default() }
    }
}

/// One frame of a run as a PNG file; `None` where the browser has no canvas.
pub async fn still(trace: &Trace, frame: usize, shape: Shape, look: Look) -> Option<Blob> {
    let canvas = Canvas::new(shape.size())?;
    let plan = Plan::new(trace, shape.size(), &mut |t, s, w| canvas.measure(t, s, w));
    canvas.paint(&plan.draw(frame.into(), &look.style(), &mut |t, s, w| canvas.measure(t, s, w)));
    canvas.png().await
}
