//! `optimizer.safetensors`.

use std::collections::BTreeMap;

use model::{HASH, content_hash, hashed_file, little_endian};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::{FileError, OPTIMIZER};

/// The running average of the parameters after `step` steps, from the file's bytes; `None` if the training
/// keeps none.
///
/// # Errors
/// The file is damaged, or of another step.
pub fn average(bytes: &[u8], step: u32) -> Result<Option<Vec<f32>>, FileError> {
    let file = SafeTensors::deserialize(bytes).map_err(incomplete)?;
    if !file.names().contains(&optim::AVERAGE) {
        return Ok(None);
    }
    let average = parse(bytes, step)?.into_iter().find(|(name, _)| name == optim::AVERAGE);
    Ok(average.map(|(_, values)| values))
}

/// Reads the buffers that were written after `step` steps.
pub(super) fn parse(bytes: &[u8], step: u32) -> Result<Vec<(String, Vec<f32>)>, FileError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(incomplete)?;
    let metadata: BTreeMap<String, String> =
        header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let written = metadata.get("step");
    if written.is_none_or(|written| *written != step.to_string()) {
        return Err(failed(format!("the optimizer's state is not of step {step}")));
    }
    let file = SafeTensors::deserialize(bytes).map_err(incomplete)?;
    // The file's order is that of a hash table.
    let mut views = file.tensors();
    views.sort_by(|(a, _), (b, _)| a.cmp(b));
    let stored = views.iter().map(|(name, view)| (name.as_str(), view.data()));
    // Files from before have no hash.
    if metadata.get(HASH).is_some_and(|hash| *hash != content_hash(&metadata, stored)) {
        return Err(failed(
            "the file is damaged: its content does not have the hash that its metadata name"
                .to_owned(),
        ));
    }
    let mut buffers = Vec::new();
    for (name, view) in views {
        if view.dtype() != Dtype::F32 {
            return Err(failed(format!("`{name}` is {:?}, it must be F32", view.dtype())));
        }
        let values: Vec<f32> =
            view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(failed(format!("`{name}` holds a value that is not a number")));
        }
        buffers.push((name, values));
    }
    Ok(buffers)
}

/// The file of `buffers` after `step` steps.
pub(super) fn to_bytes(buffers: &[(String, Vec<f32>)], step: u32) -> Result<Vec<u8>, FileError> {
    let mut buffers: Vec<_> = buffers.iter().collect();
    buffers.sort_by(|(a, _), (b, _)| a.cmp(b));
    let stored: Vec<_> = buffers.iter().map(|(_, values)| little_endian(values)).collect();
    let metadata = BTreeMap::from([("step".to_owned(), step.to_string())]);
    let serialize = || {
        let views = buffers.iter().zip(&stored).map(|((name, values), data)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, vec![values.len()], data)?))
        });
        hashed_file(&views.collect::<Result<Vec<_>, SafeTensorError>>()?, metadata)
    };
    serialize().map_err(|error| failed(error.to_string()))
}

fn failed(reason: String) -> FileError {
    FileError { file: OPTIMIZER, reason }
}

fn incomplete(error: SafeTensorError) -> FileError {
    failed(format!("this is not a complete safetensors file ({error})"))
}
