//! Animated GIF files.

mod palette;

use std::io::Write;

use ::gif::{DisposalMethod, Encoder, Frame, Repeat};

use palette::Histogram;

use crate::draw::Size;
use crate::layout::Moment;

/// Colours of a GIF; one more index is transparent.
const COLORS: usize = 255;
/// Frames sampled for the palette; more would cost time and change little.
const SAMPLES: usize = 12;

/// How long the initial state stays before the first step, in milliseconds.
const OPENING: u32 = 700;
/// How long the finished text stays.
const CLOSING: u32 = 3000;

/// Why a GIF could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the GIF could not be written: {0}")]
pub struct GifError(#[from] ::gif::EncodingError);

/// Moment and delay in milliseconds of each picture of a trace's GIF: one for each frame, and two more
/// in which the last flash fades.
pub fn moments(frames: usize, frame_ms: u32) -> Vec<(Moment, u32)> {
    let last = frames - 1;
    let mut pictures: Vec<(Moment, u32)> =
        (0..frames).map(|frame| (frame.into(), frame_ms)).collect();
    pictures[0].1 = frame_ms.max(OPENING);
    if last > 0 {
        pictures.push((Moment { frame: last, phase: 1.0 }, frame_ms));
        pictures.push((Moment { frame: last, phase: 3.0 }, frame_ms.max(CLOSING)));
    }
    pictures
}

/// How often [`write()`] asks for a picture, to write so many.
pub fn renders(pictures: usize) -> usize {
    samples(pictures) + pictures
}

fn samples(pictures: usize) -> usize {
    SAMPLES.min(pictures)
}

/// Writes an endless GIF of `delays_ms.len()` pictures. `render(i)` gives the opaque RGBA pixels of
/// picture `i`, which stays for `delays_ms[i]` (a GIF counts in steps of 10 ms, and viewers slow
/// down below 20 ms). `render` is called more than once for some pictures, to find the palette.
///
/// # Errors
/// If writing fails.
///
/// # Panics
/// If a side of `size` is longer than a GIF can be, 65535 pixels.
pub fn write(
    out: impl Write,
    size: Size,
    delays_ms: &[u32],
    mut render: impl FnMut(usize) -> Vec<u8>,
) -> Result<(), GifError> {
    let count = delays_ms.len();
    let mut histogram = Histogram::default();
    let samples = samples(count);
    for i in 0..samples {
        histogram.add(&render(i * (count - 1) / samples.saturating_sub(1).max(1)));
    }
    let mut palette = histogram.palette(COLORS);
    let clear = COLORS as u8;
    let side = |pixels: u32| u16::try_from(pixels).expect("checked by Raster");
    let (width, height) = (side(size.width), side(size.height));
    let mut encoder = Encoder::new(out, width, height, &palette.bytes())?;
    encoder.set_repeat(Repeat::Infinite)?;
    let row = size.width as usize;
    let mut before: Option<Vec<u8>> = None;
    for (i, &delay) in delays_ms.iter().enumerate() {
        let pixels = render(i);
        let indices: Vec<u8> =
            pixels.chunks_exact(4).map(|p| palette.nearest([p[0], p[1], p[2]])).collect();
        // Stores only the bounding box of the change, unchanged pixels transparent.
        let (left, top, right, bottom) = match &before {
            None => (0, 0, row, size.height as usize),
            Some(before) => changed(before, &indices, row),
        };
        let mut buffer = Vec::with_capacity((right - left) * (bottom - top));
        for y in top..bottom {
            for at in y * row + left..y * row + right {
                let same = before.as_ref().is_some_and(|before| before[at] == indices[at]);
                buffer.push(if same { clear } else { indices[at] });
            }
        }
        encoder.write_frame(&Frame {
            delay: u16::try_from((delay + 5) / 10).unwrap_or(u16::MAX).max(2),
            dispose: DisposalMethod::Keep,
            transparent: before.is_some().then_some(clear),
            left: left as u16,
            top: top as u16,
            width: (right - left) as u16,
            height: (bottom - top) as u16,
            buffer: buffer.into(),
            ..Frame::default()
        })?;
        before = Some(indices);
    }
    Ok(())
}

/// Left, top, right and bottom of what differs; one pixel if nothing does.
fn changed(before: &[u8], after: &[u8], row: usize) -> (usize, usize, usize, usize) {
    let mut area = (usize::MAX, usize::MAX, 0, 0);
    for (at, _) in before.iter().zip(after).enumerate().filter(|(_, (a, b))| a != b) {
        let (x, y) = (at % row, at / row);
        area = (area.0.min(x), area.1.min(y), area.2.max(x + 1), area.3.max(y + 1));
    }
    if area.0 == usize::MAX { (0, 0, 1, 1) } else { area }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gif_shows_each_frame_once_and_ends_slowly() {
        let pictures = moments(3, 80);
        let shown: Vec<(usize, u32)> = pictures.iter().map(|p| (p.0.frame, p.1)).collect();
        assert_eq!(shown, [(0, 700), (1, 80), (2, 80), (2, 80), (2, 3000)]);
        assert_eq!(moments(1, 80).len(), 1);
    }
}
