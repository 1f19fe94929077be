//! MP4 through ffmpeg: raw pictures into its standard input.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};
use plot::draw::Size;

const MISSING: &str = "videos need ffmpeg, which is not installed: get it with \
    `sudo apt-get install ffmpeg` (Debian, Ubuntu), `brew install ffmpeg` (macOS) or \
    `winget install ffmpeg` (Windows), or make a GIF, which works without it";

/// Fails with what to do if there is no ffmpeg; for a check before long work.
pub(crate) fn require_ffmpeg() -> Result<()> {
    let silent =
        Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    silent.map(drop).map_err(|error| not_started(&error))
}

fn not_started(error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!(MISSING),
        _ => anyhow!("ffmpeg cannot be started: {error}"),
    }
}

/// A video that is being written; nothing is left of it unless [`Mp4Writer::finish`] succeeds.
#[derive(Debug)]
pub(super) struct Mp4Writer {
    path: PathBuf,
    /// Takes the place of `path` at the end.
    beside: PathBuf,
    ffmpeg: Child,
    pictures: Option<ChildStdin>,
    /// Collects what ffmpeg says.
    messages: Option<JoinHandle<String>>,
    /// Bytes of a picture.
    bytes: usize,
}

impl Mp4Writer {
    /// Starts a video (H.264, 4:2:0, playable while it loads) of `fps` pictures a second.
    pub(super) fn create(path: &Path, size: Size, fps: u32) -> Result<Self> {
        let Size { width, height } = size;
        if width % 2 == 1 || height % 2 == 1 {
            bail!("a video cannot be {width} x {height} pixels: both must be even");
        }
        let name = path.display();
        let file = path.file_name().with_context(|| format!("{name} is not a name for a file"))?;
        if path.is_dir() {
            bail!("cannot write {name}: it is a folder; give the name of a file in it");
        }
        let hidden = format!(".{}.{}.part", file.to_string_lossy(), std::process::id());
        let beside = path.with_file_name(hidden);
        File::create(&beside).with_context(|| format!("cannot write {name}"))?;
        match start(&beside, size, fps) {
            Ok(mut ffmpeg) => {
                let mut stderr = ffmpeg.stderr.take().context("ffmpeg has no standard error")?;
                // A thread, for a full pipe would stop ffmpeg and with it this program.
                let messages = std::thread::spawn(move || {
                    let mut said = Vec::new();
                    // What was said before an error is enough.
                    let _ = stderr.read_to_end(&mut said);
                    String::from_utf8_lossy(&said).into_owned()
                });
                Ok(Self {
                    path: path.to_owned(),
                    beside,
                    pictures: ffmpeg.stdin.take(),
                    ffmpeg,
                    messages: Some(messages),
                    bytes: width as usize * height as usize * 4,
                })
            }
            Err(error) => {
                let _ = fs::remove_file(&beside); // the first error matters
                Err(not_started(&error))
            }
        }
    }

    /// Adds a picture: RGBA, rows from the top.
    pub(super) fn write(&mut self, pixels: &[u8]) -> Result<()> {
        assert_eq!(pixels.len(), self.bytes, "pictures of one video have one size");
        let pipe = self.pictures.as_mut().context("the video is finished")?;
        match pipe.write_all(pixels) {
            Ok(()) => Ok(()),
            // ffmpeg gave up; it says why.
            Err(_) => Err(self.close().err().unwrap_or_else(|| anyhow!("ffmpeg ended too early"))),
        }
    }

    /// Ends the video and puts it in its place.
    pub(super) fn finish(mut self) -> Result<()> {
        self.close()?;
        fs::rename(&self.beside, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Waits for ffmpeg to end; its last message if it failed.
    fn close(&mut self) -> Result<()> {
        drop(self.pictures.take());
        let status = self.ffmpeg.wait().context("ffmpeg cannot be waited for")?;
        let said = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        let last = last.unwrap_or("it did not say why").trim();
        bail!("ffmpeg could not write {} ({status}): {last}", self.path.display())
    }
}

impl Drop for Mp4Writer {
    fn drop(&mut self) {
        if self.beside.exists() {
            let _ = self.ffmpeg.kill();
            let _ = self.ffmpeg.wait();
            let _ = fs::remove_file(&self.beside);
        }
    }
}

fn start(output: &Path, Size { width, height }: Size, fps: u32) -> std::io::Result<Child> {
    let (size, rate) = (format!("{width}x{height}"), fps.to_string());
    Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(["-f", "rawvideo", "-pixel_format", "rgba", "-video_size", &size])
        .args(["-framerate", &rate, "-i", "-", "-an"])
        // Players take untagged HD for BT.709; ffmpeg would convert by BT.601.
        .args(["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"])
        .args(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"])
        .args(["-c:v", "libx264", "-crf", "18", "-preset", "medium", "-tune", "animation"])
        .args(["-movflags", "+faststart", "-f", "mp4"])
        .arg(output)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}
