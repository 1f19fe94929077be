//! Video export of a run.

use plot::draw::Size;
use plot::layout::Moment;
use web_sys::Blob;

use super::canvas::Canvas;
use super::format::{Format, RATE};
use super::scene::{Scene, Subject};
use super::{Look, codec, recorder};

/// How fast a video goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tempo {
    /// States per second.
    pace: f64,
    /// Seconds for which the first and the last state stay on.
    rest: (f64, f64),
}

impl Tempo {
    /// A text in so many seconds, for the texts of a training: words are read, and between two texts the
    /// curve goes on.
    pub fn reading(seconds: f64) -> Self {
        Self { pace: 1.0 / seconds, rest: (0.0, seconds + 1.0) }
    }

    /// So many steps of writing per second.
    pub fn steps(pace: u32) -> Self {
        Self { pace: pace.into(), rest: (0.6, 2.0) }
    }
}

/// Aspect ratio of a picture or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 1280 x 720.
    Wide,
    /// 1080 x 1080.
    Square,
}

impl Shape {
    /// In pixels.
    pub fn size(self) -> Size {
        match self {
            Self::Wide => Size::WIDE,
            Self::Square => Size::SQUARE,
        }
    }
}

/// Makes a video, of two runs at the tempo of the longer one. Exact to the frame where the browser has
/// WebCodecs, else recorded while it plays. `progress` gets fractions from 0 to 1 and returns whether to
/// continue.
///
/// # Errors
/// One sentence if the browser can do neither; empty if the user cancelled.
pub async fn film(
    subject: Subject<'_>,
    tempo: Tempo,
    format: Format,
    shape: Shape,
    look: Look,
    progress: &dyn Fn(f64) -> bool,
) -> Result<Blob, String> {
    let canvas = Canvas::new(shape.size());
    let canvas = canvas.ok_or("This browser has no canvas to draw the video on.")?;
    let scene = Scene::new(subject, shape.size(), &canvas);
    let (frames, style) = (scene.frames(), look.style());
    let count = frame_count(frames, tempo);
    let paint = |index: u32| scene.paint(moment(index, frames, tempo), &style, &canvas);
    if let Some(encoder) = codec::Encoder::new(format, shape.size()).await {
        return encoder.encode(canvas.element(), count, &paint, progress).await;
    }
    recorder::record(canvas.element(), format, count, &paint, progress).await
}

/// Number of video frames for `frames` states.
fn frame_count(frames: usize, tempo: Tempo) -> u32 {
    let seconds = tempo.rest.0 + tempo.rest.1 + (frames - 1) as f64 / tempo.pace;
    (seconds * f64::from(RATE)).ceil() as u32
}

/// The moment that video frame `index` shows.
fn moment(index: u32, frames: usize, tempo: Tempo) -> Moment {
    let seconds = f64::from(index) / f64::from(RATE) - tempo.rest.0;
    // Keeps rounding from delaying a state by one frame.
    let at = (seconds * tempo.pace + 1e-6).max(0.0);
    let last = frames - 1;
    let frame = (at as usize).min(last);
    // The flash of the last tokens fades during the hold.
    let phase = (at - frame as f64) as f32;
    Moment { frame, phase: if frame < last { phase } else { phase.min(4.0) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_rest_at_both_ends() {
        let tempo = Tempo::steps(10);
        assert_eq!(frame_count(11, tempo), 108);
        let frame = |index| moment(index, 11, tempo).frame;
        assert_eq!((frame(0), frame(17), frame(18), frame(21)), (0, 0, 0, 1));
        assert_eq!((frame(48), frame(107)), (10, 10));
        assert!((moment(20, 11, tempo).phase - 2.0 / 3.0).abs() < 1e-3);
    }

    #[test]
    fn texts_are_shown_as_long_as_they_are_read() {
        let tempo = Tempo::reading(3.0);
        assert_eq!(frame_count(2, tempo), 210);
        let frame = |index| moment(index, 2, tempo).frame;
        assert_eq!((frame(0), frame(89), frame(90), frame(209)), (0, 0, 1, 1));
    }
}
