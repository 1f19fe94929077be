//! A model as safetensors bytes, under the reference's tensor names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};

use crate::file::CheckpointFile;
use crate::hashed::{hashed_file, little_endian};
use crate::{Card, CardError, Config, ConfigError, TensorInfo};

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
    /// Something else that people take for a model.
    #[error("{0}")]
    Stranger(&'static str),
    /// Made by another program.
    #[error(
        "the file has no `config` in its metadata, so it is not a Cinnabar checkpoint; models of other programs cannot be used"
    )]
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
    /// Tensors that are called as torch.compile or a parallel PyTorch module calls them.
    #[error(
        "the tensors' names begin with `{0}`, which a PyTorch wrapper added; save the module inside it instead"
    )]
    Wrapped(&'static str),
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
    #[error(
        "tensor `{name}` is stored as {found:?}; only F32 and F16 can be read, so convert it first"
    )]
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
    /// A tensor whose values are finite and absurd.
    #[error(
        "tensor `{name}` makes what it is given {gain:.0} times as large, which no trained network does: the file is damaged, or its training went wrong; use an earlier checkpoint"
    )]
    Absurd {
        /// Which tensor.
        name: String,
        /// Its Frobenius norm over the root of its number of rows.
        gain: f64,
    },
    /// The content is not what was written.
    #[error(
        "the file is damaged: its content does not have the hash that its metadata name; copy it again, or use an earlier checkpoint"
    )]
    Damaged,
    /// A value is beyond the range of 16 bits.
    #[error(
        "tensor `{name}` holds {value} (element {index}), beyond what 16 bits can store; train with a smaller learning rate or more weight decay"
    )]
    Overflow {
        /// Which tensor.
        name: String,
        /// Flat index of the first such element.
        index: usize,
        /// Its value.
        value: f32,
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
        if let Some(stranger) = crate::stranger(bytes) {
            return Err(CheckpointError::Stranger(stranger));
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
        let file = CheckpointFile::open(bytes)?;
        let mut values = vec![0.0; file.config.flat_len()];
        for tensor in file.tensors() {
            let (tensor, read) = tensor?;
            values[tensor.range()].copy_from_slice(&read);
        }
        let CheckpointFile { config, card, .. } = file;
        Ok(Self { config, card, values })
    }

    /// The safetensors file of this checkpoint.
    pub fn to_safetensors(&self, precision: Precision) -> Result<Vec<u8>, CheckpointError> {
        let store = |tensor: &TensorInfo| -> Result<Cow<'_, [u8]>, CheckpointError> {
            let values = &self.values[tensor.range()];
            if precision == Precision::F32 {
                return Ok(little_endian(values));
            }
            let lost = |value: f32| value.is_finite() && f16::from_f32(value).is_infinite();
            if let Some(index) = values.iter().position(|&value| lost(value)) {
                let (name, value) = (tensor.name.clone(), values[index]);
                return Err(CheckpointError::Overflow { name, index, value });
            }
            Ok(values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect())
        };
        let dtype = match precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
        };
        let tensors = self.config.tensors();
        let stored = tensors.iter().map(store).collect::<Result<Vec<_>, _>>()?;
        let views = tensors
            .iter()
            .zip(&stored)
            .map(|(tensor, data)| {
                let view = TensorView::new(dtype, tensor.shape.to_vec(), data)?;
                Ok((tensor.name.as_str(), view))
            })
            .collect::<Result<Vec<_>, CheckpointError>>()?;
        let config = ("config".to_owned(), serde_json::to_string(&self.config)?);
        let metadata = BTreeMap::from([config, self.card.to_metadata()?]);
        Ok(hashed_file(&views, metadata)?)
    }
}

/// Reads and checks a file's metadata.
pub(crate) fn read_metadata(
    metadata: &BTreeMap<String, String>,
) -> Result<(Config, Card), CheckpointError> {
    let config = metadata.get("config").ok_or(CheckpointError::NoConfig)?;
    let config: Config = serde_json::from_str(config)?;
    config.validate()?;
    let card = Card::read(metadata, config.vocab_size)?;
    card.objective.check(&config)?;
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
        assert!(ahead(page).is_err_and(|e| e.contains("web page")));
        let broken = Checkpoint::from_safetensors(page).expect_err("a page is no model");
        assert_eq!(broken.to_string(), ahead(page).expect_err("a page is no model"));
        assert!(ahead(b"many tokens").is_err_and(|e| e.contains("not a complete safetensors")));
        let broken = Checkpoint::from_safetensors(b"many tokens").expect_err("no model");
        assert!(std::error::Error::source(&broken).is_none(), "the cause would be printed twice");
        let nothing = [&2u64.to_le_bytes()[..], b"{}"].concat();
        assert!(ahead(&nothing).is_err_and(|e| e.contains("no `config`")));
    }

    /// A small network whose values are all `value`.
    fn filled(value: f32) -> Checkpoint {
        let config = Config { n_layer: 1, n_head: 1, n_embd: 8, ..Config::reference(5) };
        let mut values = vec![0.0; config.flat_len()];
        for tensor in config.tensors() {
            values[tensor.range()].fill(value);
        }
        Checkpoint { config, card: Card::default(), values }
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let checkpoint = filled(0.5);
        for precision in [Precision::F32, Precision::F16] {
            let bytes = checkpoint.to_safetensors(precision).expect("it can be written");
            assert_eq!(checkpoint.to_safetensors(precision).expect("it can be written"), bytes);
            assert_eq!(Checkpoint::from_safetensors(&bytes).expect("it is whole"), checkpoint);
            // In the weights, in the config and in the card: 0.25 for 0.5, another mask, another step.
            let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("a header")) as usize;
            let text = String::from_utf8_lossy(&bytes[..header]).into_owned();
            let after = |part: &str| text.find(part).expect(part) + part.len();
            let places = [bytes.len() - 1, header + 1, after(r#"mask_id\":"#)];
            for place in places {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1;
                let error = Checkpoint::from_safetensors(&flipped).expect_err("damaged");
                assert!(matches!(error, CheckpointError::Damaged), "{place}: {error}");
            }
            // A file from before the hash.
            let mut old = bytes.clone();
            let place = after(r#""sha256":""#) - 4;
            old[place] = b'7';
            assert_eq!(Checkpoint::from_safetensors(&old).expect("another key"), checkpoint);
        }
    }

    #[test]
    fn finite_and_absurd_weights_are_named() {
        // One weight of a wrong exponent, and all of them too large.
        let mut one = filled(0.02);
        let tensor = one.config.tensors().into_iter().find(|t| t.name == "lm_head.weight");
        let tensor = tensor.expect("every network has it");
        one.values[tensor.offset + 3] = 0.02 * 2f32.powi(64);
        let gain = |checkpoint: &Checkpoint| {
            let bytes = checkpoint.to_safetensors(Precision::F32).expect("it can be written");
            match Checkpoint::from_safetensors(&bytes) {
                Err(CheckpointError::Absurd { name, gain }) => Some((name, gain)),
                other => other.map(|_| None).expect("no other fault"),
            }
        };
        let (name, size) = gain(&one).expect("absurd");
        assert_eq!(name, tensor.name);
        assert!(size > 1e16, "{size}");
        let (name, size) = gain(&filled(500.0)).expect("absurd");
        assert_eq!((name.as_str(), size.round()), ("token_emb.weight", 1414.0));
        assert_eq!(gain(&filled(30.0)), None);
    }

    #[test]
    fn what_16_bits_cannot_hold_is_named() {
        let mut checkpoint = filled(65_504.0);
        checkpoint.to_safetensors(Precision::F16).expect("the largest number of 16 bits");
        checkpoint.values[1] = -70_000.0;
        let error = checkpoint.to_safetensors(Precision::F16).expect_err("too large").to_string();
        assert!(error.contains("tensor `token_emb.weight` holds -70000 (element 1)"), "{error}");
        checkpoint.to_safetensors(Precision::F32).expect("32 bits hold it");
    }

    #[test]
    fn files_of_other_programs_are_named() {
        let checkpoint = filled(1.0);
        let bytes = checkpoint.to_safetensors(Precision::F32).expect("it can be written");
        let header = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("a header")) as usize;
        let changed = |from: &str, to: &str| {
            let text = std::str::from_utf8(&bytes[8..header]).expect("JSON").replace(from, to);
            let mut file = (text.len() as u64).to_le_bytes().to_vec();
            file.extend(text.as_bytes());
            file.extend(&bytes[header..]);
            Checkpoint::from_safetensors(&file).expect_err("of another program").to_string()
        };
        for (from, to, part) in [
            ("\"token_emb", "\"_orig_mod.token_emb", "`_orig_mod.`, which a PyTorch wrapper"),
            ("\"config\"", "\"konfig\"", "no `config` in its metadata"),
            // More than the file holds, and found before memory is taken.
            (r#"vocab_size\":5"#, r#"vocab_size\":999999"#, "`token_emb.weight` has shape [5, 8]"),
        ] {
            let error = changed(from, to);
            assert!(error.contains(part), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let half = checkpoint.to_safetensors(Precision::F16).expect("it can be written");
        let header = 8 + u64::from_le_bytes(*half.first_chunk().expect("a header")) as usize;
        let text =
            std::str::from_utf8(&half[8..header]).expect("JSON").replace("\"F16\"", "\"BF16\"");
        let file =
            [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &half[header..]].concat();
        // The hash does not cover types, which the header says, so the type is what is named.
        let error = Checkpoint::from_safetensors(&file).expect_err("bf16").to_string();
        assert!(error.contains("stored as BF16") && error.contains("convert it"), "{error}");
    }

    #[test]
    fn networks_with_options_are_kept() {
        let small = Config { n_layer: 4, n_head: 1, n_embd: 16, ..Config::reference(5) };
        for config in [
            small,
            Config { timestep_embedding: false, ..small },
            Config { value_mixing: true, head_gates: true, ..small },
            Config { embedding_shortcut: true, skips: true, ..small },
        ] {
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
