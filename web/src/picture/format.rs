//! What every part of the video export agrees on.

use super::codec::Encoder;
use super::{Shape, recorder};

/// Frames per second of videos.
pub(super) const RATE: u32 = 30;
/// Bit rate asked of the encoder.
pub(super) const BITS_PER_SECOND: u32 = 6_000_000;

/// File format of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// VP9 or VP8 in WebM.
    Webm,
    /// H.264 in MP4.
    Mp4,
}

impl Format {
    /// Whether this browser can make such a video, one way or another.
    pub async fn can_be_made(self) -> bool {
        Encoder::new(self, Shape::Wide.size()).await.is_some() || recorder::can_record(self)
    }

    /// File name extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Webm => "webm",
            Self::Mp4 => "mp4",
        }
    }
}

/// One encoded frame.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) bytes: Vec<u8>,
    /// Whether it is a key frame, which can be decoded by itself.
    pub(super) key: bool,
}
