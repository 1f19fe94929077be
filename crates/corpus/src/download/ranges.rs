//! Cached byte ranges of a file on the hub.
//!
//! A folder per file holds `file.json` (its size and version) and, per range, the bytes
//! downloaded so far; an interrupted range is resumed, also in a later run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use ureq::http::{HeaderMap, Response, StatusCode, header};

use super::error::HubError;
use super::http::{Attempt, Client, Failure, Refusal};

/// Identifies a version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    /// Bytes.
    size: u64,
    /// Entity tag of the content.
    etag: Option<String>,
}

/// A file on the hub.
#[derive(Debug)]
pub(super) struct RemoteFile {
    pub(super) url: String,
    /// Cache folder of its ranges.
    pub(super) folder: PathBuf,
    version: Option<Version>,
    /// Whether an earlier run kept some of it.
    kept: bool,
    /// The last bytes of the file; all of it if it is small.
    tail: Option<(Range<u64>, Bytes)>,
}

/// Called with the number of downloaded bytes.
pub(super) type OnBytes<'a> = dyn FnMut(u64) + 'a;

impl RemoteFile {
    /// The file at `url`, its ranges kept below `cache`.
    pub(super) fn open(url: String, cache: &Path) -> Result<Self, HubError> {
        let name = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '+' };
        let folder = cache.join(name.chars().map(safe).collect::<String>());
        fs::create_dir_all(&folder).map_err(cache_error(&folder))?;
        let facts = folder.join("file.json");
        let version = match fs::read(&facts) {
            // A file truncated by a crash is ignored and fetched again.
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cache_error(&facts)(error)),
        };
        if version.is_none() {
            // The ranges belong to an unknown version.
            fs::remove_dir_all(&folder).map_err(cache_error(&folder))?;
            fs::create_dir_all(&folder).map_err(cache_error(&folder))?;
        }
        Ok(Self { url, folder, kept: version.is_some(), version, tail: None })
    }

    /// Forgets what an earlier run kept; `false` if there was nothing.
    pub(super) fn discard(&mut self) -> Result<bool, HubError> {
        if !std::mem::take(&mut self.kept) {
            return Ok(false);
        }
        log::info!("{}: what an earlier run kept does not decode; it is fetched again", self.url);
        fs::remove_dir_all(&self.folder).map_err(cache_error(&self.folder))?;
        fs::create_dir_all(&self.folder).map_err(cache_error(&self.folder))?;
        let facts = self.folder.join("file.json");
        let json = serde_json::to_vec(&self.version).expect("numbers and text");
        fs::write(&facts, json).map_err(cache_error(&facts))?;
        self.tail = None;
        Ok(true)
    }

    /// Size of the file in bytes; 0 before the first request.
    pub(super) fn size(&self) -> u64 {
        self.version.as_ref().map_or(0, |version| version.size)
    }

    /// The last bytes of the file, `length` of them or all, with their range.
    pub(super) fn tail(
        &mut self,
        length: u64,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<(Range<u64>, Bytes), HubError> {
        let size = match &self.version {
            Some(version) => version.size,
            None => self.first_tail(length, client, on_bytes)?,
        };
        let range = size.saturating_sub(length)..size;
        let bytes = self.range(range.clone(), client, on_bytes)?;
        self.tail = Some((range.clone(), bytes.clone()));
        Ok((range, bytes))
    }

    /// Asks for the last bytes of a file of unknown size, and gives its size.
    fn first_tail(
        &mut self,
        length: u64,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<u64, HubError> {
        let url = self.url.clone();
        let fetched = client.persist(&url, |attempt| {
            let response = client.send(&url, Some(&format!("bytes=-{length}")))?;
            let (range, version) = self.check(&response)?;
            if range.end != version.size || range.end - range.start > length {
                return Err(self.refused(&format!(
                    "asked for the last {length} bytes, the server sends {range:?} of {}",
                    version.size
                )));
            }
            self.version = Some(version.clone());
            let facts = self.folder.join("file.json");
            let json = serde_json::to_vec(&version).expect("numbers and text");
            fs::write(&facts, json).map_err(cache_error(&facts))?;
            let path = self.path(&range);
            let mut file = locked(&path).map_err(cache_error(&path))?;
            let got =
                receive(response, &mut file, &path, range.end - range.start, attempt, on_bytes);
            // The rest is fetched as a range, since its ends are known now.
            match got {
                Err(Failure::Final(refusal)) => Err(Failure::Final(refusal)),
                Ok(()) | Err(Failure::Passing { .. }) => Ok(version.size),
            }
        });
        fetched.map_err(|refusal| match refusal {
            Refusal::Status { status: 416, .. } => {
                HubError::NotParquet { url: url.clone(), reason: "it is empty".to_owned() }
            }
            other => other.into(),
        })
    }

    /// The bytes of `range`, from the cache as far as it has them.
    pub(super) fn range(
        &mut self,
        range: Range<u64>,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Bytes, HubError> {
        if let Some((held, bytes)) = &self.tail
            && held.start <= range.start
            && range.end <= held.end
        {
            let inside = (range.start - held.start) as usize..(range.end - held.start) as usize;
            return Ok(bytes.slice(inside));
        }
        let path = self.path(&range);
        let wanted = range.end - range.start;
        let mut file = locked(&path).map_err(cache_error(&path))?;
        let url = self.url.clone();
        let fetched = client.persist(&url, |attempt| {
            let have = file.metadata().map_err(cache_error(&path))?.len();
            if have >= wanted {
                return Ok(());
            }
            let rest = range.start + have..range.end;
            let response =
                client.send(&url, Some(&format!("bytes={}-{}", rest.start, rest.end - 1)))?;
            let (sent, version) = self.check(&response)?;
            if self.version.as_ref().is_some_and(|known| *known != version) {
                let (url, cache) = (url.clone(), self.folder.clone());
                return Err(HubError::Changed { url, cache }.into());
            }
            if sent != rest {
                return Err(
                    self.refused(&format!("asked for bytes {rest:?}, the server sends {sent:?}"))
                );
            }
            receive(response, &mut file, &path, wanted - have, attempt, on_bytes)
        });
        fetched.map_err(|refusal| match refusal {
            // It has become shorter.
            Refusal::Status { status: 416, .. } => {
                HubError::Changed { url: url.clone(), cache: self.folder.clone() }
            }
            other => other.into(),
        })?;
        // Through the same handle: on Windows, a lock excludes all others.
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(cache_error(&path))?;
        Ok(Bytes::from(bytes))
    }

    fn path(&self, range: &Range<u64>) -> PathBuf {
        self.folder.join(format!("{}-{}.part", range.start, range.end))
    }

    /// Range of a response, and the version of its file.
    fn check(&self, response: &Response<ureq::Body>) -> Result<(Range<u64>, Version), Failure> {
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(self.refused("the server does not send parts of files"));
        }
        let (range, size) = content_range(response.headers()).ok_or_else(|| {
            self.refused("the server does not say which part of the file it sends")
        })?;
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
        Ok((range, Version { size, etag: etag.map(str::to_owned) }))
    }

    fn refused(&self, reason: &str) -> Failure {
        HubError::Protocol { url: self.url.clone(), reason: reason.to_owned() }.into()
    }
}

/// Appends the body of `response` to `file`.
fn receive(
    response: Response<ureq::Body>,
    file: &mut File,
    path: &Path,
    wanted: u64,
    attempt: &mut Attempt<'_>,
    on_bytes: &mut OnBytes<'_>,
) -> Result<(), Failure> {
    let mut reader = response.into_body().into_reader().take(wanted);
    let mut buffer = [0; 64 << 10];
    let mut received = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::passing(error)),
        };
        file.write_all(&buffer[..read]).map_err(cache_error(path))?;
        attempt.brought();
        received += read as u64;
        on_bytes(read as u64);
    }
    if received < wanted { Err(Failure::passing("the connection closed early")) } else { Ok(()) }
}

/// Opens for appending; a lock makes a second run wait instead of mixing up the bytes.
fn locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    match file.lock() {
        // Some network file systems have no locks: continues without.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

fn cache_error(path: &Path) -> impl Fn(io::Error) -> HubError + '_ {
    |source| HubError::Cache { path: path.to_owned(), source }
}

/// `Content-Range: bytes 0-99/1000`, as a range and the size of the whole.
fn content_range(headers: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (first <= last && last < size).then_some((first..last + 1, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, text.parse().expect("header"));
            content_range(&headers)
        };
        assert_eq!(read("bytes 0-99/1000"), Some((0..100, 1000)));
        for wrong in ["bytes 5-4/10", "bytes 0-10/10", "bytes */10", "bytes 0-9/*", "0-9/10"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
