//! `state.json`.

use kernels::Variants;
use serde::{Deserialize, Serialize};

use super::{FileError, STATE, VERSION};

/// Where a training stood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Optimizer steps done.
    pub step: u32,
    /// Loss on the fixed validation batches, nats.
    pub validation_loss: Option<f64>,
    /// Lowest such loss up to here.
    pub best_loss: Option<f64>,
    /// Seconds of training, over all parts of the run.
    pub seconds: f64,
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default)]
    version: u32,
    step: u32,
    validation_loss: Option<f64>,
    best_loss: Option<f64>,
    seconds: f64,
    /// `forms` in some files of version 0.
    #[serde(alias = "forms")]
    variants: Variants,
}

impl State {
    /// Reads the file; besides the state, it has the shader variants of the run.
    ///
    /// # Errors
    /// It is damaged, or of a newer version.
    pub fn parse(json: &[u8]) -> Result<(Self, Variants), FileError> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(default)]
            version: u32,
        }
        let failed = |reason| FileError { file: STATE, reason };
        let damaged = |error| failed(format!("the file is damaged ({error})"));
        // A newer file may have another form: the version is looked at before everything else.
        let Version { version } = serde_json::from_slice(json).map_err(damaged)?;
        if version > VERSION {
            return Err(failed(format!(
                "the checkpoint has format version {version}, and this program reads versions up to {VERSION}; use a newer release"
            )));
        }
        let Stored { step, validation_loss, best_loss, seconds, variants, .. } =
            serde_json::from_slice(json).map_err(damaged)?;
        Ok((Self { step, validation_loss, best_loss, seconds }, variants))
    }

    /// The file.
    pub(super) fn to_json(self, variants: &Variants) -> Vec<u8> {
        let Self { step, validation_loss, best_loss, seconds } = self;
        let variants = *variants;
        let stored =
            Stored { version: VERSION, step, validation_loss, best_loss, seconds, variants };
        serde_json::to_vec_pretty(&stored).expect("a state has a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_every_version_are_read() {
        let state = State { step: 7, validation_loss: Some(2.5), best_loss: None, seconds: 1.25 };
        let variants = Variants { gemm_nt: kernels::GemmVariant::Direct, ..Variants::default() };
        assert_eq!(State::parse(&state.to_json(&variants)), Ok((state, variants)));
        let old = br#"{"step":7,"generator_counter":8,"seed":3,"validation_loss":2.5,
            "best_loss":null,"seconds":1.25,"forms":{"gemm_nt":"direct"}}"#;
        assert_eq!(State::parse(old), Ok((state, variants)));
    }

    #[test]
    fn bad_files_are_explained() {
        for (json, part) in [
            (&b"{"[..], "state.json: the file is damaged"),
            (b"{\"step\":1}", "state.json: the file is damaged (missing field"),
            (b"{\"version\":2}", "format version 2, and this program reads versions up to 1"),
        ] {
            let error = State::parse(json).expect_err("a bad file").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
