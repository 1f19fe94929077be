//! `tokenizer.json` as the Python library writes it, checked field by field before the library sees
//! any of it.
//!
//! What changes the ids of a text in a way that this program does not repeat is refused; what does
//! not (padding, truncation, post-processing, which the caller does) is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenizers::models::bpe::{BPE, Vocab};

use super::{TokenizerError, byte_level};

/// Most tokens, as of a model.
const MOST_TOKENS: usize = 1_000_000;

/// A byte-level BPE as its file describes it.
#[derive(Clone, Debug)]
pub(super) struct File {
    vocab: BTreeMap<String, u32>,
    merges: Vec<(String, String)>,
    unk_token: Option<String>,
    fuse_unk: bool,
    ignore_merges: bool,
    /// Tokens beside those of the BPE, or marked among them.
    pub(super) added: Vec<Added>,
    pub(super) pre_tokenizer: ByteLevel,
    pub(super) decoder: ByteLevel,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Added {
    pub(super) id: u32,
    pub(super) content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default = "yes")]
    pub(super) normalized: bool,
    pub(super) special: bool,
}

/// The part that cuts texts into words and writes their bytes, and its inverse.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(super) struct ByteLevel {
    #[serde(default = "yes")]
    pub(super) add_prefix_space: bool,
    #[serde(default = "yes")]
    pub(super) trim_offsets: bool,
    #[serde(default = "yes")]
    pub(super) use_regex: bool,
}

fn yes() -> bool {
    true
}

#[cfg(any(test, target_arch = "wasm32"))]
impl Added {
    /// A special token.
    pub(super) fn special(id: u32, content: String) -> Self {
        let (single_word, lstrip, rstrip, normalized) = (false, false, false, false);
        Self { id, content, single_word, lstrip, rstrip, normalized, special: true }
    }
}

#[cfg(any(test, target_arch = "wasm32"))]
impl ByteLevel {
    /// Cuts texts into words and writes their bytes.
    pub(super) const CUTS: Self =
        Self { add_prefix_space: false, trim_offsets: true, use_regex: true };
    /// Its inverse, whose members mean nothing, as the library writes them.
    pub(super) const JOINS: Self =
        Self { add_prefix_space: true, trim_offsets: true, use_regex: true };
}

/// The file as the library writes it, member by member.
#[cfg(any(test, target_arch = "wasm32"))]
pub(super) fn to_json(
    bpe: &BPE,
    added_tokens: &[Added],
    pre_tokenizer: ByteLevel,
    decoder: ByteLevel,
) -> String {
    #[derive(Serialize)]
    struct Written<'a> {
        version: &'static str,
        truncation: (),
        padding: (),
        added_tokens: &'a [Added],
        normalizer: (),
        pre_tokenizer: ByteLevel,
        post_processor: (),
        decoder: ByteLevel,
        model: &'a BPE,
    }
    let (truncation, padding, normalizer, post_processor) = ((), (), (), ());
    let version = "1.0";
    let file = Written {
        version,
        truncation,
        padding,
        added_tokens,
        normalizer,
        pre_tokenizer,
        post_processor,
        decoder,
        model: bpe,
    };
    serde_json::to_string_pretty(&file).expect("a tokenizer has only strings and numbers to write")
}

/// A merge: a pair, or in older files both with a space between them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair((String, String)),
    Joined(String),
}

#[derive(Deserialize)]
struct Model {
    dropout: Option<f64>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: Option<bool>,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    ignore_merges: Option<bool>,
    vocab: BTreeMap<String, u32>,
    merges: Vec<Merge>,
}

/// Reads one member of the file.
fn member<T: serde::de::DeserializeOwned>(name: &str, value: Value) -> Result<T, TokenizerError> {
    serde_json::from_value(value).map_err(|e| TokenizerError::Parse(format!("`{name}`: {e}")))
}

/// A part of the pipeline, which must be `ByteLevel`.
fn byte_level(name: &str, value: Value) -> Result<ByteLevel, TokenizerError> {
    if value.get("type").and_then(Value::as_str) != Some("ByteLevel") {
        return refuse(format!("its {} is not ByteLevel", name.replace('_', "-")));
    }
    member(name, value)
}

fn refuse<T>(why: impl Into<String>) -> Result<T, TokenizerError> {
    Err(TokenizerError::NotByteLevel(why.into()))
}

fn unsupported<T>(field: &str, why: &str) -> Result<T, TokenizerError> {
    Err(TokenizerError::Unsupported { field: field.to_owned(), why: why.to_owned() })
}

impl File {
    /// Reads and checks a file.
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenizerError> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let mut file: BTreeMap<String, Value> =
            serde_json::from_slice(json).map_err(|error: serde_json::Error| {
                TokenizerError::Parse(match error.is_eof() {
                    true => "it breaks off".to_owned(),
                    false => error.to_string(),
                })
            })?;
        let mut take = |name: &str| file.remove(name).unwrap_or_default();
        match take("version") {
            Value::Null => {}
            Value::String(version) if version == "1.0" => {}
            other => return unsupported("version", &format!("it is {other}, only 1.0 is known")),
        }
        // They change nothing in what `encode` returns here.
        for ignored in ["truncation", "padding", "post_processor"] {
            take(ignored);
        }
        if !take("normalizer").is_null() {
            return unsupported("normalizer", "it changes texts before it cuts them");
        }
        let model = take("model");
        if model.is_null() {
            return Err(TokenizerError::Parse("missing field `model`".to_owned()));
        }
        if model.get("type").is_some_and(|kind| kind != "BPE") {
            return refuse("its model is not BPE");
        }
        let pre_tokenizer = byte_level("pre_tokenizer", take("pre_tokenizer"))?;
        let decoder = byte_level("decoder", take("decoder"))?;
        let added: Vec<Added> = match take("added_tokens") {
            Value::Null => Vec::new(),
            other => member("added_tokens", other)?,
        };
        if let Some(other) = file.keys().next() {
            return unsupported(other, "this program does not know it");
        }
        let model: Model = member("model", model)?;
        if model.dropout.is_some_and(|share| share != 0.0) {
            return unsupported("model.dropout", "the same text would get other tokens each time");
        }
        for (field, value) in [
            ("model.continuing_subword_prefix", &model.continuing_subword_prefix),
            ("model.end_of_word_suffix", &model.end_of_word_suffix),
        ] {
            if value.as_deref().is_some_and(|value| !value.is_empty()) {
                return unsupported(field, "tokens of bytes have none");
            }
        }
        if model.byte_fallback == Some(true) {
            return unsupported("model.byte_fallback", "bytes are tokens already");
        }
        let merges = model.merges.into_iter().map(|merge| match merge {
            Merge::Pair(pair) => Ok(pair),
            Merge::Joined(text) => match text.split_once(' ') {
                Some((a, b)) if !b.contains(' ') => Ok((a.to_owned(), b.to_owned())),
                _ => Err(TokenizerError::Parse(format!("`model.merges`: `{text}` is no pair"))),
            },
        });
        let file = Self {
            merges: merges.collect::<Result<_, _>>()?,
            vocab: model.vocab,
            unk_token: model.unk_token,
            fuse_unk: model.fuse_unk.unwrap_or(false),
            ignore_merges: model.ignore_merges.unwrap_or(false),
            added,
            pre_tokenizer,
            decoder,
        };
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), TokenizerError> {
        let Self { vocab, merges, unk_token, added, .. } = self;
        let bad = |reason: String| Err(TokenizerError::Parse(reason));
        if let Some(unknown) = unk_token.as_ref().filter(|unknown| !vocab.contains_key(*unknown)) {
            return Err(TokenizerError::NoUnknown(unknown.clone()));
        }
        if unk_token.is_none()
            && !byte_level::alphabet().all(|c| vocab.contains_key(&*c.to_string()))
        {
            return unsupported(
                "model.unk_token",
                "there is none and not every byte is a token, so some bytes of a text would vanish",
            );
        }
        for (a, b) in merges {
            let merged = format!("{a}{b}");
            if let Some(lost) = [a, b, &merged].into_iter().find(|part| !vocab.contains_key(*part))
            {
                return bad(format!(
                    "`model.merges` names `{lost}`, which is not in `model.vocab`"
                ));
            }
        }
        let beside = added.iter().filter(|token| !vocab.contains_key(&token.content));
        let size = vocab.len() + beside.clone().count();
        if size > MOST_TOKENS {
            return bad(format!("it has {size} tokens, more than {MOST_TOKENS}"));
        }
        let ids: BTreeSet<u32> =
            vocab.values().copied().chain(beside.clone().map(|token| token.id)).collect();
        let size = size as u32;
        if let Some(missing) = (0..size).find(|id| !ids.contains(id)) {
            return Err(TokenizerError::Gap { size, missing });
        }
        let mut contents = BTreeSet::new();
        for token in added {
            let Added { id, content, .. } = token;
            if content.is_empty() || !contents.insert(content) {
                return bad(format!("`added_tokens`: `{content}` is empty or there twice"));
            }
            if vocab.get(content).is_some_and(|known| known != id) {
                return bad(format!("`added_tokens`: `{content}` has another id in `model.vocab`"));
            }
            if token.single_word || token.lstrip || token.rstrip {
                return unsupported("added_tokens", "one of them takes the space beside it");
            }
        }
        // The library gives them ids in this order, whatever the file says.
        if !beside.map(|token| token.id).eq(vocab.len() as u32..size) {
            return bad(
                "`added_tokens` are not in the order of their ids, behind the others".into()
            );
        }
        Ok(())
    }

    /// The BPE.
    pub(super) fn bpe(&self) -> Result<BPE, TokenizerError> {
        let vocab = self.vocab.iter().map(|(token, &id)| (token.clone(), id));
        let mut builder = BPE::builder()
            .vocab_and_merges(vocab.collect::<Vocab>(), self.merges.clone())
            .fuse_unk(self.fuse_unk)
            .ignore_merges(self.ignore_merges);
        if let Some(unknown) = &self.unk_token {
            builder = builder.unk_token(unknown.clone());
        }
        builder.build().map_err(|e| TokenizerError::Parse(e.to_string()))
    }
}
