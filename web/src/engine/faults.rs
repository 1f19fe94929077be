//! Converts errors to faults: one sentence, and what may help.

use std::fmt::Display;

use corpus::tokenizer::TokenizerError;
use device::DeviceError;
use model::CheckpointError;
use writer::PromptError;

use crate::protocol::{Fault, FaultKind};

impl Fault {
    /// A fault of this kind. What libraries quote by backquotes gets quotation marks.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: quoted(&message.into()) }
    }
}

impl From<DeviceError> for Fault {
    fn from(error: DeviceError) -> Self {
        match &error {
            DeviceError::Lost(_) => Self::new(
                FaultKind::DeviceLost,
                "The browser took the GPU away (driver reset, sleep, or a tab left for long). \
                 Your text and all its steps are still here.",
            ),
            DeviceError::OutOfMemory(_) => Self::new(
                FaultKind::DeviceBusy,
                "The GPU is out of memory. Close other tabs or programs and try again, choose a \
                 smaller model, or continue on the CPU.",
            ),
            // Browsers do not tell wgpu the name of the adapter.
            DeviceError::TooSmall { what, limit, needed, available, .. } => {
                too_small(what, limit, *needed, *available)
            }
            DeviceError::TensorTooLarge { tensor, needed, available, .. } => {
                too_small(tensor, "maxStorageBufferBindingSize", *needed, *available)
            }
            DeviceError::NoAdapter(_)
            | DeviceError::NoSuchAdapter { .. }
            | DeviceError::NoDevice { .. } => {
                log::error!("{error}");
                Self::new(
                    FaultKind::DeviceBusy,
                    "The browser has a GPU but did not open it for this page. Close other tabs \
                     that use it and try again, or continue on the CPU.",
                )
            }
            _ => Self::new(FaultKind::Engine, format!("Computing failed: {error}.")),
        }
    }
}

fn too_small(what: &str, limit: &str, needed: u64, available: u64) -> Fault {
    Fault::new(
        FaultKind::DeviceTooSmall,
        format!(
            "The GPU is too small for this model: {what} needs {limit} of {needed}, it has \
             {available}. Choose a smaller model, or continue on the CPU."
        ),
    )
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Self {
        Self::new(FaultKind::Model, format!("The model cannot be used: {error}."))
    }
}

impl From<TokenizerError> for Fault {
    fn from(error: TokenizerError) -> Self {
        Self::new(FaultKind::Model, sentence(&error.to_string()))
    }
}

impl Fault {
    /// Why something that was asked cannot be done; all stands as before.
    pub(super) fn request(error: &(impl Display + ?Sized)) -> Self {
        Self::new(FaultKind::Request, sentence(&error.to_string()))
    }

    /// Why nothing can be written from a prompt, with a model of so many tokens.
    pub(super) fn prompt(error: &PromptError, block: u32) -> Self {
        let told = match error {
            // The tokenizer knows a longest gap of its own; the model's block is shorter.
            PromptError::Gap(TokenizerError::BadGap { written, .. }) => format!(
                "`{written}` is not a gap: write `[MASK]` for one token or `[MASK:12]` for twelve, \
                 `[MASK:4-12]` for four to twelve, up to {block} in all"
            ),
            error => error.to_string(),
        };
        Self::new(FaultKind::Request, sentence(&told))
    }
}

/// An error as a sentence of its own.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Replaces backquotes by quotation marks.
fn quoted(sentence: &str) -> String {
    let mut parts = sentence.split('`');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, mark) in parts.zip(['“', '”'].into_iter().cycle()) {
        out.push(mark);
        out += part;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_gap_is_told_the_range_of_the_model() {
        let gap = TokenizerError::BadGap { written: "[MASK:0]".into(), max: 65_536 };
        let fault = Fault::prompt(&PromptError::Gap(gap), 256);
        assert!(fault.message.starts_with("“[MASK:0]” is not a gap"), "{}", fault.message);
        assert!(fault.message.contains("up to 256 in all"), "{}", fault.message);
    }
}
