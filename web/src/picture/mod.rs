//! Pictures and videos of a run, drawn on a canvas with the layout of the native program.

mod canvas;
mod codec;
mod film;
mod format;
mod gif;
mod mp4;
mod recorder;
mod save;
mod webm;

pub use film::{Shape, film, film_of_two};
pub use format::Format;
pub use gif::{Order, animation};
pub use save::{save_blob, save_text};

use plot::Trace;
use plot::layout::{Pair, Pane, Plan, Style};
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

/// A moment of two runs beside each other as a PNG file; as [`still`].
pub async fn still_of_two(
    panes: [Pane<'_>; 2],
    moment: usize,
    shape: Shape,
    look: Look,
) -> Option<Blob> {
    let canvas = Canvas::new(shape.size())?;
    let pair = Pair::new(panes, shape.size(), &mut |t, s, w| canvas.measure(t, s, w));
    let moment = moment.min(pair.frames() - 1);
    canvas.paint(&pair.draw(moment.into(), &look.style(), &mut |t, s, w| canvas.measure(t, s, w)));
    canvas.png().await
}
