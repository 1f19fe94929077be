//! A model's file, of which the tensors are read one at a time: nobody who copies them somewhere needs
//! memory for all of them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use half::f16;
use safetensors::{Dtype, SafeTensors};

use crate::checkpoint::read_metadata;
use crate::gain::{MAX_GAIN, gain};
use crate::hashed::{HASH, content_hash};
use crate::{Card, CheckpointError, Config, TensorInfo};

/// What PyTorch's wrappers put before the names of tensors.
const WRAPPERS: [&str; 2] = ["_orig_mod.", "module."];

/// The bytes of a safetensors file, all of it checked but the values.
#[derive(Clone, Debug)]
pub struct CheckpointFile<B> {
    /// Sizes.
    pub config: Config,
    /// How it was trained and what it is called.
    pub card: Card,
    bytes: B,
    /// The tensors in canonical order, with their type and place among the bytes.
    tensors: Vec<(TensorInfo, Dtype, Range<usize>)>,
}

impl<B: AsRef<[u8]>> CheckpointFile<B> {
    /// Reads the header, and checks that the tensors are those of its config, and its hash.
    ///
    /// # Errors
    /// When this is no model of this program, or a damaged one.
    pub fn open(source: B) -> Result<Self, CheckpointError> {
        let bytes = source.as_ref();
        if let Some(stranger) = crate::stranger(bytes) {
            return Err(CheckpointError::Stranger(stranger));
        }
        let (length, header) = SafeTensors::read_metadata(bytes)?;
        let metadata: BTreeMap<String, String> =
            header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let (config, card) = read_metadata(&metadata)?;
        let wanted = config.tensors();
        let known: BTreeSet<&str> = wanted.iter().map(|tensor| tensor.name.as_str()).collect();
        if let Some(name) = header.offset_keys().into_iter().find(|name| !known.contains(&**name)) {
            let wrapper = WRAPPERS.into_iter().find(|wrapper| name.starts_with(wrapper));
            return Err(match wrapper {
                Some(wrapper) => CheckpointError::Wrapped(wrapper),
                None => CheckpointError::Unexpected(name),
            });
        }
        // Behind the length of the header and the header itself.
        let data = size_of::<u64>() + length;
        let mut tensors = Vec::new();
        for tensor in wanted {
            let Some(found) = header.info(&tensor.name) else {
                return Err(CheckpointError::Missing(tensor.name));
            };
            if found.shape != tensor.shape {
                let TensorInfo { name, shape: wanted, .. } = tensor;
                return Err(CheckpointError::Shape { name, found: found.shape.clone(), wanted });
            }
            let (start, end) = found.data_offsets;
            tensors.push((tensor, found.dtype, data + start..data + end));
        }
        let stored = tensors.iter().map(|(tensor, _, at)| (&*tensor.name, &bytes[at.clone()]));
        if metadata.get(HASH).is_some_and(|hash| *hash != content_hash(&metadata, stored)) {
            return Err(CheckpointError::Damaged);
        }
        Ok(Self { config, card, bytes: source, tensors })
    }

    /// The tensors in canonical order, each with its values, which are checked.
    pub fn tensors(
        &self,
    ) -> impl Iterator<Item = Result<(&TensorInfo, Vec<f32>), CheckpointError>> {
        self.tensors.iter().map(|(tensor, dtype, at)| {
            let values = values(tensor, *dtype, &self.bytes.as_ref()[at.clone()])?;
            Ok((tensor, values))
        })
    }
}

/// The values of a tensor.
fn values(tensor: &TensorInfo, dtype: Dtype, data: &[u8]) -> Result<Vec<f32>, CheckpointError> {
    let name = || tensor.name.clone();
    let values: Vec<f32> = match dtype {
        Dtype::F32 => data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        Dtype::F16 => data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect(),
        found => return Err(CheckpointError::Type { name: name(), found }),
    };
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(CheckpointError::NotFinite { name: name(), index });
    }
    let gain = gain(&values, tensor.shape[0]);
    if gain > MAX_GAIN {
        return Err(CheckpointError::Absurd { name: name(), gain });
    }
    Ok(values)
}
