//! Animated GIF files.

use std::io::Write;

use ::gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::RasterError;
use super::palette::Histogram;
use crate::draw::Size;

/// Colours of a GIF; one more index is transparent.
const COLORS: usize = 255;
/// Frames sampled for the palette; more would cost time and change little.
const SAMPLES: usize = 12;

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
) -> Result<(), RasterError> {
    let count = delays_ms.len();
    let mut histogram = Histogram::default();
    let samples = SAMPLES.min(count);
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
