//! Safetensors files that carry a hash of their content, and have the same bytes for the same content.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{SafeTensorError, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Metadata key of the hash of a file's content; see [`content_hash`]. Files from before have none. A
/// program that does not know it reads the file all the same, so it needs no new version.
pub const HASH: &str = "sha256";

/// The file of these tensors and this metadata, to which the hash is added.
///
/// # Errors
/// What the library says about tensors that make no file.
pub fn hashed_file(
    tensors: &[(&str, TensorView<'_>)],
    mut metadata: BTreeMap<String, String>,
) -> Result<Vec<u8>, SafeTensorError> {
    let content = tensors.iter().map(|(name, tensor)| (*name, tensor.data()));
    metadata.insert(HASH.to_owned(), content_hash(&metadata, content));
    let mut bytes = serialize(
        tensors.iter().map(|(name, view)| (name, view)),
        Some(metadata.into_iter().collect()),
    )?;
    sort_header(&mut bytes)?;
    Ok(bytes)
}

/// Values as such a file holds them, without a copy where the machine does so, too.
pub fn little_endian(values: &[f32]) -> Cow<'_, [u8]> {
    match cfg!(target_endian = "little") {
        true => Cow::Borrowed(bytemuck::cast_slice(values)),
        false => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// The header of a safetensors file, each part in the order of its keys.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, Place>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The library writes the metadata in an order that changes from call to call.
fn sort_header(file: &mut [u8]) -> Result<(), SafeTensorError> {
    let (length, rest) = file.split_first_chunk_mut().ok_or(SafeTensorError::HeaderTooSmall)?;
    let header = &mut rest[..u64::from_le_bytes(*length) as usize];
    let sorted = serde_json::to_vec(&serde_json::from_slice::<Header>(header)?)?;
    header[..sorted.len()].copy_from_slice(&sorted);
    header[sorted.len()..].fill(b' ');
    Ok(())
}

/// SHA-256, in hexadecimal digits, of the metadata but for this hash, in the order of their keys, and
/// of the tensors as they are stored, in the order in which the model declares them: each key, value,
/// name and content with its length before it.
pub fn content_hash<'a>(
    metadata: &BTreeMap<String, String>,
    tensors: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (key, value) in metadata.iter().filter(|(key, _)| *key != HASH) {
        add(key.as_bytes());
        add(value.as_bytes());
    }
    for (name, data) in tensors {
        add(name.as_bytes());
        add(data);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
