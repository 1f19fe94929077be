//! A model as safetensors bytes, under the reference's tensor names.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::{Card, CardError, Config, ConfigError};

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits: nothing is lost, what training resumes from.
    F32,
    /// 16 bits: half the size, what is shipped.
    F16,
}

/// Parameters with what is needed to use them.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Sizes.
    pub config: Config,
    /// How it was trained and what it is called.
    pub card: Card,
    /// All parameters, laid out as [`Config::tensors`] says, zeros in the gaps.
    pub values: Vec<f32>,
}

/// Why bytes are not a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a whole safetensors file.
    #[error("this is not a complete safetensors file ({0}); copy or download it again")]
    Format(String),
    /// Made by another program.
    #[error("the file has no `config` in its metadata, so it is not a Cinnabar checkpoint")]
    NoConfig,
    /// The config is not readable.
    #[error("the `config` in the file's metadata is not valid: {0}")]
    BadConfig(String),
    /// The config is readable and impossible.
    #[error(transparent)]
    Impossible(#[from] ConfigError),
    /// The card is unreadable, or this program cannot use such a model.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A tensor is not there.
    #[error("the checkpoint lacks the tensor `{0}`")]
    Missing(String),
    /// A tensor nobody asked for.
    #[error("the checkpoint has a tensor `{0}` that a model of its config does not have")]
    Unexpected(String),
    /// A tensor does not fit the config.
    #[error("tensor `{name}` has shape {found:?}, the config needs {wanted:?}")]
    Shape {
        /// Which tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape it must have.
        wanted: [usize; 2],
    },
    /// A tensor is stored in another type.
    #[error("tensor `{name}` is stored as {found:?}; only F32 and F16 can be read")]
    Type {
        /// Which tensor.
        name: String,
        /// Its type.
        found: Dtype,
    },
    /// A tensor holds NaN or infinity.
    #[error(
        "tensor `{name}` holds a value that is not a number (element {index}); use an earlier checkpoint"
    )]
    NotFinite {
        /// Which tensor.
        name: String,
        /// Flat index of the first such element.
        index: usize,
    },
}

// The causes are in the sentences: as sources they would be printed twice.
impl From<SafeTensorError> for CheckpointError {
    fn from(error: SafeTensorError) -> Self {
        Self::Format(error.to_string())
    }
}

impl From<serde_json::Error> for CheckpointError {
    fn from(error: serde_json::Error) -> Self {
        Self::BadConfig(error.to_string())
    }
}

/// Longest header of a safetensors file, in bytes (the format's own limit).
const LONGEST_HEADER: u64 = 100_000_000;

impl Checkpoint {
    /// Config and card from the beginning of a safetensors file; `None` while its header is
    /// incomplete. Lets callers allocate and compile while the weights download.
    pub fn head(bytes: &[u8]) -> Result<Option<(Config, Card)>, CheckpointError> {
        #[derive(serde::Deserialize)]
        struct Header {
            #[serde(default, rename = "__metadata__")]
            metadata: BTreeMap<String, String>,
        }
        let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
        let length = u64::from_le_bytes(*length);
        if length > LONGEST_HEADER {
            return Err(SafeTensorError::HeaderTooLarge.into());
        }
        let Some(header) = rest.get(..length as usize) else { return Ok(None) };
        let header: Header = serde_json::from_slice(header)
            .map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        read_metadata(&header.metadata).map(Some)
    }

    /// Reads a safetensors file and checks all of it.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        let metadata: BTreeMap<String, String> =
            header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let (config, card) = read_metadata(&metadata)?;
        let tensors = config.tensors();
        if let Some(name) =
            file.names().iter().find(|name| tensors.iter().all(|t| t.name != **name))
        {
            return Err(CheckpointError::Unexpected((*name).to_owned()));
        }
        let mut values = vec![0.0; config.flat_len()];
        for tensor in tensors {
            let name = tensor.name.clone();
            let view = file.tensor(&name).map_err(|_| CheckpointError::Missing(name.clone()))?;
            if view.shape() != tensor.shape {
                let found = view.shape().to_vec();
                return Err(CheckpointError::Shape { name, found, wanted: tensor.shape });
            }
            let target = &mut values[tensor.range()];
            match view.dtype() {
                Dtype::F32 => {
                    let source = view.data().as_chunks().0;
                    target.iter_mut().zip(source).for_each(|(t, &b)| *t = f32::from_le_bytes(b));
                }
                Dtype::F16 => {
                    let source = view.data().as_chunks().0;
                    target
                        .iter_mut()
                        .zip(source)
                        .for_each(|(t, &b)| *t = f16::from_le_bytes(b).to_f32());
                }
                found => return Err(CheckpointError::Type { name, found }),
            }
            if let Some(index) = target.iter().position(|value| !value.is_finite()) {
                return Err(CheckpointError::NotFinite { name, index });
            }
        }
        Ok(Self { config, card, values })
    }

    /// The safetensors file of this checkpoint.
    pub fn to_safetensors(&self, precision: Precision) -> Result<Vec<u8>, CheckpointError> {
        let store = |values: &[f32]| -> Vec<u8> {
            match precision {
                Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                Precision::F16 => {
                    values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
                }
            }
        };
        let dtype = match precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
        };
        let tensors = self.config.tensors();
        let stored: Vec<_> = tensors.iter().map(|t| store(&self.values[t.range()])).collect();
        let views = tensors
            .iter()
            .zip(&stored)
            .map(|(tensor, data)| {
                let view = TensorView::new(dtype, tensor.shape.to_vec(), data)?;
                Ok((tensor.name.as_str(), view))
            })
            .collect::<Result<Vec<_>, CheckpointError>>()?;
        let config = ("config".to_owned(), serde_json::to_string(&self.config)?);
        let metadata = HashMap::from([config, self.card.to_metadata()?]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }
}

/// Reads and checks a file's metadata.
fn read_metadata(metadata: &BTreeMap<String, String>) -> Result<(Config, Card), CheckpointError> {
    let config = metadata.get("config").ok_or(CheckpointError::NoConfig)?;
    let config: Config = serde_json::from_str(config)?;
    config.validate()?;
    let card = Card::read(metadata, config.vocab_size)?;
    Ok((config, card))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, initial_values};

    #[test]
    fn the_head_comes_before_the_parameters() {
        let config = Config {
            n_layer: 1,
            n_head: 2,
            n_embd: 16,
            block_size: 8,
            timesteps: 4,
            ..Config::reference(11)
        };
        let init = Init { std: 0.1, zero_projections: false, seed: 1 };
        let values = initial_values(&config, &init);
        let card = Card { name: Some("Ahead".to_owned()), ..Card::default() };
        let checkpoint = Checkpoint { config, card: card.clone(), values };
        let bytes = checkpoint.to_safetensors(Precision::F16).expect("it can be written");
        let ahead = |bytes: &[u8]| Checkpoint::head(bytes).map_err(|e| e.to_string());
        let needed = (0..bytes.len()).find(|&n| ahead(&bytes[..n]) != Ok(None));
        let needed = needed.expect("before the end");
        assert!(needed < bytes.len() / 2, "{needed} of {} bytes", bytes.len());
        assert_eq!(ahead(&bytes[..needed]), Ok(Some((config, card.clone()))));
        assert_eq!(ahead(&bytes), Ok(Some((config, card.clone()))));
        assert_eq!(Checkpoint::from_safetensors(&bytes).map(|read| read.card).ok(), Some(card));

        let page = b"<!doctype html><title>Not found</title>";
        assert!(ahead(page).is_err_and(|e| e.contains("not a complete safetensors file")));
        let broken = Checkpoint::from_safetensors(page).expect_err("a page is no model");
        assert!(std::error::Error::source(&broken).is_none(), "the cause would be printed twice");
        let nothing = [&2u64.to_le_bytes()[..], b"{}"].concat();
        assert!(ahead(&nothing).is_err_and(|e| e.contains("no `config`")));
    }

    #[test]
    fn a_network_without_timestep_embedding_is_kept() {
        let small = Config { n_layer: 1, n_head: 1, n_embd: 8, ..Config::reference(5) };
        for timestep_embedding in [true, false] {
            let config = Config { timestep_embedding, ..small };
            let init = Init { std: 0.1, zero_projections: false, seed: 1 };
            let values = initial_values(&config, &init);
            let checkpoint = Checkpoint { config, card: Card::default(), values };
            let bytes = checkpoint.to_safetensors(Precision::F32).expect("it can be written");
            assert_eq!(Checkpoint::from_safetensors(&bytes).expect("it can be read"), checkpoint);
        }
    }

    /// What files of before the setting say, and the file of a program that knows more.
    #[test]
    fn configs_of_other_versions() {
        let config = Config::reference(2048);
        let old = r#"{"n_layer":6,"n_head":6,"n_embd":384,"block_size":256,"vocab_size":2048,"timesteps":100,"mask_id":2}"#;
        assert_eq!(serde_json::to_string(&config).expect("it is JSON"), old);
        let read = |text: &str| {
            let metadata = [("config".to_owned(), text.to_owned())].into();
            read_metadata(&metadata).map(|(config, _)| config)
        };
        assert_eq!(read(old).expect("it is a config"), config);
        let new = old.replace("\"mask_id\":2", "\"mask_id\":2,\"values\":\"mixed\"");
        let error = read(&new).expect_err("nobody knows this").to_string();
        assert!(error.contains("unknown field `values`") && !error.contains('\n'), "{error}");
    }
}
