//! Pictures and videos of a run, drawn on a canvas with the layout of the native program.

mod canvas;
mod codec;
mod film;
mod format;
mod gif;
mod mp4;
mod recorder;
mod save;
mod scene;
mod webm;

pub use film::{Shape, Tempo, film};
pub use format::Format;
pub use gif::{Order, animation};
pub use save::{save_blob, save_text};
pub use scene::Subject;

use plot::layout::Style;
use plot::theme::Theme;
use web_sys::Blob;

use canvas::Canvas;
use scene::Scene;

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

/// A frame as a PNG file, of two runs that of the longer one; `None` where the browser has no canvas.
pub async fn still(subject: Subject<'_>, frame: usize, shape: Shape, look: Look) -> Option<Blob> {
    let canvas = Canvas::new(shape.size())?;
    let scene = Scene::new(subject, shape.size(), &canvas);
    scene.paint(frame.min(scene.frames() - 1).into(), &look.style(), &canvas);
    canvas.png().await
}
