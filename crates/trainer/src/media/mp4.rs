//! MP4 through ffmpeg: raw pictures into its standard input.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow, bail};
use plot::draw::Size;
use tempfile::NamedTempFile;

use crate::files::{self, Output};

const MISSING: &str = "videos need ffmpeg, which is not installed: get it with \
    `sudo apt-get install ffmpeg` (Debian, Ubuntu), `brew install ffmpeg` (macOS) or \
    `winget install ffmpeg` (Windows), or make a GIF, which works without it";

/// Fails with what to do if there is no ffmpeg; for a check before long work.
pub(crate) fn require_ffmpeg() -> Result<()> {
    let silent =
        Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    silent.map(drop).map_err(|error| not_started(&error))
}

fn not_started(error: &io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!(MISSING),
        _ => anyhow!("ffmpeg cannot be started: {error}"),
    }
}

/// A video that is being written; nothing is left of it unless [`Mp4Writer::finish`] succeeds.
pub(super) struct Mp4Writer {
    ffmpeg: Running,
    /// The temporary file that ffmpeg writes when `output` is a pipe or a device.
    buffer: Option<NamedTempFile>,
    output: Output,
    pictures: Option<ChildStdin>,
    /// Collects what ffmpeg says.
    messages: Option<JoinHandle<String>>,
    /// Bytes of a picture.
    bytes: usize,
}

impl Mp4Writer {
    /// Starts a video (H.264, 4:2:0, playable while it loads) of `fps` pictures a second.
    pub(super) fn start(output: Output, size: Size, fps: u32) -> Result<Self> {
        let Size { width, height } = size;
        if width % 2 == 1 || height % 2 == 1 {
            bail!("a video cannot be {width} x {height} pixels: both must be even");
        }
        // ffmpeg goes back and forth in what it writes.
        let buffer = match output.sibling() {
            Some(_) => None,
            None => Some(NamedTempFile::new().context("cannot make a temporary file")?),
        };
        let file = buffer.as_ref().map(NamedTempFile::path).or(output.sibling());
        let file = std::path::absolute(file.context("a file to write")?)?;
        let mut ffmpeg = start(&file, size, fps).map_err(|error| not_started(&error))?;
        let mut stderr = ffmpeg.stderr.take().context("ffmpeg has no standard error")?;
        // A thread, for a full pipe would stop ffmpeg and with it this program.
        let messages = std::thread::spawn(move || {
            let mut said = Vec::new();
            // What was said before an error is enough.
            let _ = stderr.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Ok(Self {
            buffer,
            output,
            pictures: ffmpeg.stdin.take(),
            ffmpeg: Running(ffmpeg),
            messages: Some(messages),
            bytes: width as usize * height as usize * 4,
        })
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
        let Self { buffer, mut output, .. } = self;
        if let Some(buffer) = &buffer {
            io::copy(&mut buffer.reopen()?, &mut output)?;
        }
        output.finish()
    }

    /// Waits for ffmpeg to end and looks at what it wrote; its last message if it failed.
    fn close(&mut self) -> Result<()> {
        drop(self.pictures.take());
        let status = self.ffmpeg.0.wait().context("ffmpeg cannot be waited for")?;
        let said = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let file = self.buffer.as_ref().map(NamedTempFile::path).or(self.output.sibling());
        // On a full disk ffmpeg may end with success.
        if status.success() && file.is_some_and(|file| complete(file).unwrap_or(false)) {
            return Ok(());
        }
        let path = self.output.path();
        if said.contains("No space left on device") {
            return Err(files::explain(path, &ErrorKind::StorageFull.into()).into());
        }
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        let last = last.unwrap_or("it did not say why").trim();
        bail!("ffmpeg could not write {} ({status}): {last}", files::output_name(path))
    }
}

/// A program that does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // After a fault it may be waiting for pictures; after its end both do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a file is an MP4 that plays, and all of it: its boxes (ISO/IEC 14496-12, section 4.2) fill
/// it, and those that a video needs are there.
fn complete(file: &Path) -> io::Result<bool> {
    let mut file = File::open(file)?;
    let mut left = file.metadata()?.len();
    let mut needed = vec![*b"ftyp", *b"moov", *b"mdat"];
    while left >= 8 {
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, name @ ..] = head;
        let mut size = u64::from(u32::from_be_bytes([a, b, c, d]));
        let mut read = 8;
        if size == 1 && left >= 16 {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            (size, read) = (u64::from_be_bytes(long), 16);
        }
        if size < read || size > left {
            return Ok(false);
        }
        file.seek_relative((size - read) as i64)?;
        left -= size;
        needed.retain(|&wanted| wanted != name || size == read);
    }
    Ok(left == 0 && needed.is_empty())
}

fn start(output: &Path, Size { width, height }: Size, fps: u32) -> io::Result<Child> {
    let (size, rate) = (format!("{width}x{height}"), fps.to_string());
    // Else ffmpeg takes what stands before a colon for a protocol, and a dash for an option.
    let mut named = OsString::from("file:");
    named.push(output);
    Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(["-f", "rawvideo", "-pixel_format", "rgba", "-video_size", &size])
        .args(["-framerate", &rate, "-i", "-", "-an"])
        // Players take untagged HD for BT.709; ffmpeg would convert by BT.601.
        .args(["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"])
        .args(["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"])
        .args(["-c:v", "libx264", "-crf", "18", "-preset", "medium", "-tune", "animation"])
        .args(["-movflags", "+faststart", "-f", "mp4"])
        .arg(named)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
}
