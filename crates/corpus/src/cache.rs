//! File format of cached token ids, of any number: written and checked in one go, read in any part.
//!
//! Layout, all numbers little-endian: 8 bytes `CINNIDS\n`, u32 format version, u32 bytes per id
//! (2 or 4), 32 bytes SHA-256 of the corpus, 32 of the tokenizer, the ids, and 32 bytes SHA-256 of
//! everything before.

use std::io::{self, Read, Write};
use std::ops::Range;

use sha2::{Digest, Sha256};

/// How a cache file begins.
pub const MAGIC: &[u8; 8] = b"CINNIDS\n";
/// Format version; also raised when the same text gets other ids.
const VERSION: u32 = 3;
const HASH: usize = 32;
const HEADER: usize = MAGIC.len() + 4 + 4 + 2 * HASH;

/// Identifies the corpus and tokenizer that the ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of the corpus, of which part of it this is and how it was read.
    pub corpus: [u8; HASH],
    /// SHA-256 of the tokenizer.json.
    pub tokenizer: [u8; HASH],
}

impl Key {
    /// Short name for a file: 16 hexadecimal digits of both hashes.
    #[must_use]
    pub fn name(&self) -> String {
        let both = Sha256::new().chain_update(self.corpus).chain_update(self.tokenizer).finalize();
        hex(&both[..8])
    }
}

/// Why a cache cannot be used. Not fatal: the corpus is encoded again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Not a cache file.
    #[error("this is not a file of cached token ids; delete it, and it will be created again")]
    Foreign,
    /// Of another version of this program.
    #[error(
        "the cached token ids have format {0}, this program writes format {VERSION}; delete the file, and it will be created again"
    )]
    Version(u32),
    /// The checksum is wrong, as that of a file that is cut off.
    #[error(
        "the cached token ids are cut off or damaged; delete the file, and it will be created again"
    )]
    Damaged,
    /// Written for another corpus.
    #[error("the cached token ids belong to another corpus; they will be created again")]
    OtherCorpus,
    /// Written for another tokenizer.
    #[error("the cached token ids belong to another tokenizer; they will be created again")]
    OtherTokenizer,
    /// The file cannot be read.
    #[error("the cached token ids cannot be read: {0}")]
    Unreadable(String),
}

impl From<io::Error> for CacheError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The SHA-256 of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; HASH] {
    Sha256::digest(bytes).into()
}

/// The SHA-256 of `bytes`, in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&digest(bytes))
}

/// `bytes` in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a cache file.
#[derive(Debug)]
pub struct Writer<W> {
    file: W,
    sum: Sha256,
    width: usize,
}

impl<W: Write> Writer<W> {
    /// Begins a file of ids below `vocabulary`.
    ///
    /// # Errors
    /// Of `file`.
    pub fn new(file: W, key: &Key, vocabulary: u32) -> io::Result<Self> {
        let width = if vocabulary <= 1 << 16 { 2 } else { 4 };
        let mut writer = Self { file, sum: Sha256::new(), width };
        writer.write(MAGIC)?;
        writer.write(&VERSION.to_le_bytes())?;
        writer.write(&(width as u32).to_le_bytes())?;
        writer.write(&key.corpus)?;
        writer.write(&key.tokenizer)?;
        Ok(writer)
    }

    /// Adds ids behind those before.
    ///
    /// # Errors
    /// Of the file.
    pub fn push(&mut self, ids: &[u32]) -> io::Result<()> {
        let width = self.width;
        let bytes: Vec<u8> =
            ids.iter().flat_map(|id| id.to_le_bytes().into_iter().take(width)).collect();
        self.write(&bytes)
    }

    /// Ends the file, and gives it back.
    ///
    /// # Errors
    /// Of the file.
    pub fn finish(mut self) -> io::Result<W> {
        let sum = self.sum.finalize();
        self.file.write_all(&sum)?;
        Ok(self.file)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.file.write_all(bytes)
    }
}

/// Where the ids of a cache file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    count: usize,
    width: usize,
}

impl Ids {
    /// Reads a whole file of so many bytes, and checks that it holds what was written for this key.
    ///
    /// # Errors
    /// The file is foreign, cut off, damaged, or of another corpus or tokenizer.
    pub fn check(mut file: impl Read, size: u64, key: &Key) -> Result<Self, CacheError> {
        let mut header = Vec::new();
        file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
        if !header.starts_with(MAGIC) {
            return Err(CacheError::Foreign);
        }
        let ids = size.checked_sub((HEADER + HASH) as u64).ok_or(CacheError::Damaged)?;
        if header.len() < HEADER {
            return Err(CacheError::Damaged);
        }
        let u32_at = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
        let (version, width) = (u32_at(8), u32_at(12));
        if version != VERSION {
            return Err(CacheError::Version(version));
        }
        if !matches!(width, 2 | 4) || !ids.is_multiple_of(width.into()) {
            return Err(CacheError::Damaged);
        }
        let mut sum = Sha256::new().chain_update(&header);
        // So many bytes that reading is quick, and so few that nobody sees them.
        let (mut left, mut part) = (ids, vec![0; 1 << 16]);
        while left > 0 {
            let part = &mut part[..left.min(1 << 16) as usize];
            file.read_exact(part).map_err(|_| CacheError::Damaged)?;
            sum.update(&*part);
            left -= part.len() as u64;
        }
        let mut stored = Vec::new();
        file.read_to_end(&mut stored)?;
        if sum.finalize()[..] != stored {
            return Err(CacheError::Damaged);
        }
        if header[16..16 + HASH] != key.corpus {
            return Err(CacheError::OtherCorpus);
        }
        if header[16 + HASH..] != key.tokenizer {
            return Err(CacheError::OtherTokenizer);
        }
        let (count, width) = (ids / u64::from(width), width as usize);
        Ok(Self { count: usize::try_from(count).map_err(|_| CacheError::Damaged)?, width })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bytes of the file that hold a range of them.
    #[must_use]
    pub fn bytes(&self, range: Range<usize>) -> Range<u64> {
        let place = |id: usize| (HEADER + id * self.width) as u64;
        place(range.start)..place(range.end)
    }

    /// The ids that such bytes are.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> Vec<u32> {
        let id = |bytes: &[u8]| bytes.iter().rev().fold(0, |id, &byte| id << 8 | u32::from(byte));
        bytes.chunks_exact(self.width).map(id).collect()
    }
}
