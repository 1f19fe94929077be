//! What to do about an error on the command line. The libraries say what is wrong; they do not know
//! the flags.

use std::error::Error;

use corpus::stories::CorpusError;
use corpus::tokenizer::TokenizerError;
use device::DeviceError;
use diffusion::sampler::SampleError;
use diffusion::training::TrainingError;
use run::RunError;

use crate::print;

/// Says what went wrong, and what to do: the causes on one line, outermost first.
pub(crate) fn report(error: &anyhow::Error) {
    match advice(error) {
        Some(advice) => print::error(&format!("{error:#}; {advice}")),
        None => print::error(&format!("{error:#}")),
    }
}

/// The end of the sentence that says what went wrong, if a command or a flag helps.
fn advice(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        if let Some(DeviceError::NoAdapter(_) | DeviceError::TooSmall { .. }) = device(cause) {
            return Some("or run with `--device cpu`");
        }
        if let (Some(DeviceError::OutOfMemory(_)), true) = (device(cause), cause.is::<RunError>()) {
            return Some("or train with `--set train.recompute=true`, which keeps less");
        }
        if let (Some(DeviceError::TensorTooLarge { .. }), true) =
            (device(cause), cause.is::<RunError>())
        {
            return Some("by `--set train.batch_size=N` or `--set model.block_size=N`");
        }
        if let Some(CorpusError::Empty | CorpusError::NotUtf8 { .. }) =
            cause.downcast_ref::<CorpusError>()
        {
            return Some("`trainer data` makes a corpus");
        }
        match cause.downcast_ref::<TokenizerError>()? {
            TokenizerError::Parse(_) | TokenizerError::NotByteLevel(_) | TokenizerError::NoMask => {
                Some("`trainer tokenizer` trains one")
            }
            _ => None,
        }
    })
}

/// The device's error in `cause`, also where it was passed on as it is.
fn device<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a DeviceError> {
    let training = |error: &'a TrainingError| match error {
        TrainingError::Device(error) => Some(error),
        _ => None,
    };
    let sample = |error: &'a SampleError| match error {
        SampleError::Device(error) => Some(error),
        SampleError::Impossible(_) => None,
    };
    if let Some(error) = cause.downcast_ref::<RunError>() {
        match error {
            RunError::Device(error) => Some(error),
            RunError::Training(error) => training(error),
            RunError::Sample(error) => sample(error),
            RunError::OtherSizes(_) | RunError::Team(_) => None,
        }
    } else if let Some(error) = cause.downcast_ref() {
        training(error)
    } else if let Some(error) = cause.downcast_ref() {
        sample(error)
    } else {
        cause.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn errors_get_the_advice_that_helps() {
        let none = || DeviceError::NoAdapter("none".to_owned());
        let large = || DeviceError::TensorTooLarge {
            tensor: "qkv".to_owned(),
            device: "this".to_owned(),
            needed: 9,
            available: 8,
        };
        for (error, expected) in [
            (none().into(), Some("or run with `--device cpu`")),
            (TrainingError::Device(none()).into(), Some("or run with `--device cpu`")),
            (
                RunError::from(TrainingError::Device(none())).into(),
                Some("or run with `--device cpu`"),
            ),
            (CorpusError::Empty.into(), Some("`trainer data` makes a corpus")),
            (TokenizerError::NoMask.into(), Some("`trainer tokenizer` trains one")),
            (TokenizerError::NoText.into(), None),
            (DeviceError::Lost(String::new()).into(), None),
            (DeviceError::OutOfMemory(String::new()).into(), None),
            (large().into(), None),
            (
                RunError::from(TrainingError::Device(large())).into(),
                Some("by `--set train.batch_size=N` or `--set model.block_size=N`"),
            ),
            (
                RunError::from(TrainingError::Device(DeviceError::OutOfMemory(String::new())))
                    .into(),
                Some("or train with `--set train.recompute=true`, which keeps less"),
            ),
        ] {
            let error: anyhow::Error = error;
            assert_eq!(advice(&error), expected, "{error}");
            let inside = Err::<(), _>(error).context("while training").expect_err("an error");
            assert_eq!(advice(&inside), expected, "{inside:#}");
        }
    }
}
