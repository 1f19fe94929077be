//! Recordings: decoded again, their pixels compared with the layout.

use std::path::Path;
use std::process::Command;

use plot::draw::{Color, Size};
use plot::theme::Theme;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// Raw RGB of the picture `seconds` into a video.
fn picture(file: &Path, seconds: f64, size: Size) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &format!("{seconds:.3}"), "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg is installed: cargo xtask setup");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{}: {errors}", file.display());
    assert_eq!(output.stdout.len(), (3 * size.width * size.height) as usize, "{}", file.display());
    output.stdout
}

fn seconds(file: &Path) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(file)
        .output()
        .expect("ffprobe comes with ffmpeg");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a duration")
}

/// Share of pixels within 24 of a colour in every channel.
fn share(pixels: &[u8], color: Color) -> f64 {
    let near = |pixel: &&[u8]| {
        pixel.iter().zip([color.r, color.g, color.b]).all(|(a, b)| a.abs_diff(b) <= 24)
    };
    pixels.chunks_exact(3).filter(near).count() as f64 / (pixels.len() / 3) as f64
}

#[tokio::test]
async fn recordings_show_the_layout() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("films", Gpu::Software).await;
    browser
        .devtools(
            "Emulation.setEmulatedMedia",
            serde_json::json!({
                "features": [{ "name": "prefers-color-scheme", "value": "light" }]
            }),
        )
        .await;
    browser.open_ready(&server.url).await;
    browser.fill("#prompt", "Once upon a time").await;
    browser.fill(".settings [type=range]", "24").await;
    browser.write_to_the_end().await;
    browser.fill(".pace select", "12").await;
    let steps = f64::from(browser.step().await);
    let palette = Theme::Light.palette();

    for (format, shape, size) in [("webm", "wide", Size::WIDE), ("mp4", "square", Size::SQUARE)] {
        browser.fill("#format", format).await;
        browser.fill("#shape", shape).await;
        browser.press("Save video").await;
        let file = browser.saved(&format!("cinnabar.{format}")).await;
        let length = seconds(&file);
        let expected = 0.6 + 2.0 + steps / 12.0;
        assert!((length - expected).abs() < 0.15, "{format}: {length} s, expected {expected}");
        let first = picture(&file, 0.1, size);
        let last = picture(&file, length - 0.3, size);
        for (when, pixels) in [("first", &first), ("last", &last)] {
            let paper = share(pixels, palette.background);
            assert!(
                (0.6..0.99).contains(&paper),
                "{format}, {when}: {paper} of the picture is paper"
            );
            let seal = share(pixels, palette.accent);
            assert!(seal > 1e-4, "{format}, {when}: no cinnabar in the picture ({seal})");
        }
        let masks = |pixels: &[u8]| share(pixels, palette.mask);
        let (before, after) = (masks(&first), masks(&last));
        assert!(before > after + 0.004, "{format}: masks {before} at first, {after} at last");
        let ink = |pixels: &[u8]| share(pixels, palette.ink);
        assert!(ink(&last) > ink(&first), "{format}: the text appears");
        println!(
            "{format}: {length:.2} s, {} bytes",
            std::fs::metadata(&file).expect("saved").len()
        );
    }

    browser.press("Save picture").await;
    let step = browser.step().await;
    let png = browser.saved(&format!("cinnabar-step-{step}.png")).await;
    let pixels = picture(&png, 0.0, Size::SQUARE);
    assert!(share(&pixels, palette.background) > 0.6);
    browser.close().await;
}
