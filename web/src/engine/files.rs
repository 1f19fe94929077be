//! Dropped files.

use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::protocol::{Fault, FaultKind};

/// Checkpoint and tokenizer among dropped files.
pub(super) async fn model(files: &[File]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let named = |wanted: &str| files.iter().find(|file| file.name() == wanted);
    let mut checkpoints = files.iter().filter(|file| file.name().ends_with(".safetensors"));
    let checkpoint = named("model.safetensors").or_else(|| checkpoints.next());
    let tokenizer = named("tokenizer.json");
    match (checkpoint, tokenizer) {
        (Some(checkpoint), Some(tokenizer)) => {
            Ok((read(checkpoint).await?, read(tokenizer).await?))
        }
        (None, _) => Err(missing("model.safetensors")),
        (_, None) => Err(missing("tokenizer.json")),
    }
}

fn missing(name: &str) -> Fault {
    Fault::new(
        FaultKind::Model,
        format!(
            "There is no {name} among the files. Drop the whole folder of a checkpoint: it holds \
             model.safetensors and tokenizer.json."
        ),
    )
}

async fn read(file: &File) -> Result<Vec<u8>, Fault> {
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|_| {
        Fault::new(FaultKind::Model, format!("The browser cannot read {}.", file.name()))
    })?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
