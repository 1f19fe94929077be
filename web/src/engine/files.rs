//! Dropped files.

use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::protocol::{Fault, FaultKind};

/// The bytes of checkpoint and tokenizer, which the page sends in this order.
pub(super) async fn model(files: &[File]) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let [checkpoint, tokenizer] = files else {
        return Err(Fault::new(
            FaultKind::Model,
            "A model is two files: checkpoint and tokenizer.",
        ));
    };
    Ok((read(checkpoint).await?, read(tokenizer).await?))
}

/// The bytes of one.
pub(super) async fn read(file: &File) -> Result<Vec<u8>, Fault> {
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(|_| {
        Fault::new(
            FaultKind::Model,
            format!(
                "{} cannot be read any more: it was moved or changed. Drop it again.",
                file.name()
            ),
        )
    })?;
    Ok(Uint8Array::new(&buffer).to_vec())
}
