//! Recordings and pictures: decoded again, their pixels compared with the native layout of the same
//! trace.

use std::path::Path;
use std::process::Command;

use plot::draw::Size;
use plot::layout::Moment;
use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::layout::{Picture, Widths};
use crate::site::{Tiny, serve};

/// Steps per second of the videos, pictures per second, and seconds that the first and the last
/// state stay.
const PACE: f64 = 12.0;
const RATE: f64 = 30.0;
const REST: (f64, f64) = (0.6, 2.0);
/// Differences of colour that an encoder may leave: chroma at half the resolution, and another
/// colour matrix than the decoder's.
pub(crate) const LOSSY: u8 = 16;
/// Differences of colour where a picture has a palette.
const PALETTE: u8 = 24;
/// Differences of colour of a lossless picture.
pub(crate) const LOSSLESS: u8 = 8;

/// The picture `seconds` into a video.
pub(crate) fn picture(file: &Path, seconds: f64, size: Size) -> Picture {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &format!("{seconds:.4}"), "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg is installed: cargo xtask setup");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{}: {errors}", file.display());
    assert_eq!(output.stdout.len(), (3 * size.width * size.height) as usize, "{}", file.display());
    Picture { size, rgb: output.stdout }
}

/// Seconds and pictures of a video.
pub(crate) fn extent(file: &Path) -> (f64, usize) {
    let probe = |entries: &[&str]| {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0"])
            .args(entries)
            .arg(file)
            .output()
            .expect("ffprobe comes with ffmpeg");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let seconds = probe(&["-show_entries", "format=duration"]).parse().expect("a duration");
    let count = ["-count_packets", "-show_entries", "stream=nb_read_packets"];
    (seconds, probe(&count).trim_end_matches(',').parse().expect("a number of pictures"))
}

#[test]
fn recordings_show_the_layout() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start_alone("films", Gpu::Software);
    browser.theme("light");
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.fill(".settings [type=range]", "24");
    browser.press("Write");
    browser.fill(".pace select", "60");
    browser.wait_finished();
    browser.fill(".pace select", "12");
    let trace = browser.trace();
    let last = trace.frames.len() - 1;
    let mut widths = Widths::default();

    for (format, shape, size) in [("webm", "wide", Size::WIDE), ("mp4", "square", Size::SQUARE)] {
        browser.fill("#format", format);
        browser.fill("#shape", shape);
        browser.press("Save video");
        let file = browser.saved(&format!("cinnabar.{format}"));
        let (seconds, pictures) = extent(&file);
        let expected = REST.0 + REST.1 + last as f64 / PACE;
        assert!((seconds - expected).abs() < 0.1, "{format}: {seconds} s, expected {expected}");
        assert!((pictures as f64 - expected * RATE).abs() < 2.0, "{format}: {pictures} pictures");

        // The beginning, a state in the middle the moment it comes, and the end.
        let middle = 4;
        let comes = REST.0 + middle as f64 / PACE;
        let moments = [
            (0.1, Moment::from(0)),
            (comes - 0.4 / RATE, Moment::from(middle)),
            (seconds - 0.3, Moment { frame: last, phase: 4.0 }),
        ];
        for (at, moment) in moments {
            let decoded = picture(&file, at, size);
            let shapes = widths.shapes(&browser, &trace, size, moment);
            decoded.check(&format!("{format}, frame {}", moment.frame), &shapes, &widths, LOSSY);
        }

        // The comparison sees another state.
        let first = picture(&file, 0.1, size);
        let other = widths.shapes(&browser, &trace, size, last.into());
        let (difference, _) = first.differences(&other, &widths, LOSSY);
        assert!(difference > 0.01, "{format}: first and last differ by {difference}");
        let bytes = std::fs::metadata(&file).expect("saved").len();
        println!("{format}: {seconds:.2} s, {pictures} pictures, {bytes} bytes");
    }

    // A GIF, made by a worker: the first state and the last in 255 colours.
    browser.fill("#format", "gif");
    browser.fill("#shape", "wide");
    browser.eval("window.longestTask = 0");
    browser.press("Save video");
    let file = browser.saved("cinnabar.gif");
    println!("longest task while the GIF is made: {} ms", browser.number("window.longestTask"));
    let bytes = std::fs::read(&file).expect("saved");
    let (seconds, pictures) = extent(&file);
    println!("gif: {seconds:.2} s, {pictures} pictures, {} bytes", bytes.len());
    assert!(bytes.starts_with(b"GIF89a"));
    assert_eq!(pictures, trace.frames.len() + 2);
    // The last picture stays for three seconds; it begins here.
    let closing = seconds - 3.0 - 0.005;
    for (at, moment) in [(0.0, Moment::from(0)), (closing, Moment { frame: last, phase: 3.0 })] {
        let shapes = widths.shapes(&browser, &trace, Size::WIDE, moment);
        let name = format!("gif, frame {}", moment.frame);
        picture(&file, at, Size::WIDE).check(&name, &shapes, &widths, PALETTE);
    }
    browser.fill("#shape", "square");

    browser.press("Save picture");
    let step = browser.step();
    let png = picture(&browser.saved(&format!("cinnabar-step-{step}.png")), 0.0, Size::SQUARE);
    let shapes = widths.shapes(&browser, &trace, Size::SQUARE, last.into());
    png.check("picture", &shapes, &widths, LOSSLESS);
}

/// When each picture of a video is shown, in seconds.
fn times(file: &Path) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", "frame=pts_time"])
        .arg(file)
        .output()
        .expect("ffprobe comes with ffmpeg");
    let times = String::from_utf8_lossy(&output.stdout);
    times.lines().map(|line| line.trim_end_matches(',').parse().expect("seconds")).collect()
}

#[test]
fn without_webcodecs_the_canvas_is_recorded() {
    /// Steps per second.
    const PACE: f64 = 2.0;
    /// How early or late a busy machine may paint what it records, in seconds.
    const LATE: f64 = 1.0;
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start_alone("recorder", Gpu::Software);
    let script = json!({ "source": "delete window.VideoEncoder" });
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &script);
    browser.theme("light");
    // As a shared link has it: it writes by itself.
    browser.open(&format!("{}#prompt=Once+upon+a+time&length=24&steps=8", server.url));
    browser.wait_finished();
    assert_eq!(browser.eval("'VideoEncoder' in window"), false);
    browser.fill(".pace select", "2");
    let trace = browser.trace();
    let last = trace.frames.len() - 1;
    let mut widths = Widths::default();

    for (format, shape, size) in [("webm", "wide", Size::WIDE), ("mp4", "square", Size::SQUARE)] {
        browser.fill("#format", format);
        browser.fill("#shape", shape);
        browser.press("Save video");
        let file = browser.saved(&format!("cinnabar.{format}"));
        let times = times(&file);
        let seconds = times.last().expect("pictures") - times[0];
        let expected = REST.0 + REST.1 + last as f64 / PACE;
        assert!((seconds - expected).abs() < 2.0 * LATE, "{format}: {seconds} s, not {expected}");
        assert!(times.len() as f64 > 5.0 * expected, "{format}: {} pictures", times.len());
        println!("{format}, recorded: {seconds:.2} s, {} pictures", times.len());

        // The beginning, the middle of a state, and the end.
        for at in [0.3, REST.0 + 4.5 / PACE, seconds - 0.3] {
            let decoded = picture(&file, times[0] + at, size);
            // Of the moments that it may show, the most similar: flashes fade all the time.
            let compared = (-20..=20).map(|n| {
                let at = (at - REST.0 + f64::from(n) / 20.0 * LATE) * PACE;
                let frame = (at.max(0.0) as usize).min(last);
                let phase = (at.max(0.0) - frame as f64).min(4.0) as f32;
                let shapes = widths.shapes(&browser, &trace, size, Moment { frame, phase });
                (decoded.differences(&shapes, &widths, LOSSY).0, frame, shapes)
            });
            let best = compared.min_by(|a, b| a.0.total_cmp(&b.0));
            let (_, frame, shapes) = best.expect("many moments");
            decoded.check(&format!("{format}, recorded, frame {frame}"), &shapes, &widths, LOSSY);
        }
    }
}
