//! File format of cached token ids. The caller does the file access.
//!
//! Layout, all numbers little-endian: 8 bytes `CINNIDS\n`, u32 format version, u32 bytes per id
//! (2 or 4), u64 number of ids, 32 bytes SHA-256 of the corpus, 32 of the tokenizer, the ids, and 32
//! bytes SHA-256 of everything before.

use sha2::{Digest, Sha256};

/// How a cache file begins.
pub const MAGIC: &[u8; 8] = b"CINNIDS\n";
/// Format version; also raised when the same text gets other ids.
const VERSION: u32 = 2;
const HASH: usize = 32;
const HEADER: usize = MAGIC.len() + 4 + 4 + 8 + 2 * HASH;

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
    /// Too short or too long.
    #[error(
        "the cached token ids are cut off: {found} bytes instead of {expected}; delete the file, and it will be created again"
    )]
    Truncated {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// The checksum is wrong.
    #[error("the cached token ids are damaged; delete the file, and it will be created again")]
    Damaged,
    /// Written for another corpus.
    #[error("the cached token ids belong to another corpus; they will be created again")]
    OtherCorpus,
    /// Written for another tokenizer.
    #[error("the cached token ids belong to another tokenizer; they will be created again")]
    OtherTokenizer,
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

/// The bytes of a cache file.
#[must_use]
pub fn write(ids: &[u32], key: &Key) -> Vec<u8> {
    let narrow = ids.iter().all(|&id| id <= u32::from(u16::MAX));
    let width: u32 = if narrow { 2 } else { 4 };
    let mut out = Vec::with_capacity(HEADER + ids.len() * width as usize + HASH);
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(width.to_le_bytes());
    out.extend((ids.len() as u64).to_le_bytes());
    out.extend(key.corpus);
    out.extend(key.tokenizer);
    for &id in ids {
        out.extend(&id.to_le_bytes()[..width as usize]);
    }
    let sum = Sha256::digest(&out);
    out.extend(sum);
    out
}

/// The ids of a cache file that was written for this key.
///
/// # Errors
/// The file is foreign, cut off, damaged, or of another corpus or tokenizer.
pub fn read(bytes: &[u8], key: &Key) -> Result<Vec<u32>, CacheError> {
    if !bytes.starts_with(MAGIC) {
        return Err(CacheError::Foreign);
    }
    let found = bytes.len() as u64;
    let least = (HEADER + HASH) as u64;
    if found < least {
        return Err(CacheError::Truncated { found, expected: least });
    }
    let u32_at = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    let (version, width) = (u32_at(8), u32_at(12));
    if version != VERSION {
        return Err(CacheError::Version(version));
    }
    if width != 2 && width != 4 {
        return Err(CacheError::Damaged);
    }
    let count = u64::from(u32_at(16)) | u64::from(u32_at(20)) << 32;
    let expected = count.checked_mul(width.into()).and_then(|ids| ids.checked_add(least));
    let expected = expected.ok_or(CacheError::Damaged)?;
    if found != expected {
        return Err(CacheError::Truncated { found, expected });
    }
    let (signed, sum) = bytes.split_at(bytes.len() - HASH);
    if Sha256::digest(signed)[..] != *sum {
        return Err(CacheError::Damaged);
    }
    if bytes[24..24 + HASH] != key.corpus {
        return Err(CacheError::OtherCorpus);
    }
    if bytes[24 + HASH..HEADER] != key.tokenizer {
        return Err(CacheError::OtherTokenizer);
    }
    let id = |bytes: &[u8]| bytes.iter().rev().fold(0, |id, &byte| id << 8 | u32::from(byte));
    Ok(signed[HEADER..].chunks_exact(width as usize).map(id).collect())
}
