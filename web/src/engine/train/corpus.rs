//! A corpus in the tab: its text, its tokenizer, its tokens.

use corpus::cache;
use corpus::grammar::{ENTROPY, FIRST_ENTROPY, Grammar, NAMES};
use corpus::stories;
use corpus::tokenizer::{END_OF_TEXT, Tokenizer, TrainOptions};
use diffusion::training::{Data, check_length};
use run::settings::DataSettings;
use run::{Settings, TokenizerFile};
use web_sys::File;

use super::super::{fetch, files};
use crate::protocol::{CorpusInfo, Fault, Level, Plan, Text};

/// Bytes of the text whose tokens are shown.
const BEGINNING: usize = 240;

/// A text that can be trained on.
#[derive(Debug)]
pub(super) struct Corpus {
    pub(super) text: Text,
    pub(super) bytes: Vec<u8>,
    pub(super) tokenizer: TokenizerFile,
    pub(super) data: Data,
    pub(super) info: CorpusInfo,
}

/// The bytes of a text; `base` is the address of the page's folder.
pub(super) async fn read(text: &Text, dropped: &[File], base: &str) -> Result<Vec<u8>, Fault> {
    match *text {
        Text::Grammar { level, stories, seed } => {
            let grammar = match level {
                Level::First => Grammar::first(),
                Level::Full => full(base).await?,
            };
            Ok(grammar.corpus(seed, stories as usize).into_bytes())
        }
        Text::Sample => fetch::bytes(&format!("{base}stories.txt"), None, |_| Ok(())).await,
        Text::Own { .. } => {
            let mut texts = Vec::new();
            for file in dropped {
                texts.push((file.name(), files::read(file).await?));
            }
            joined(texts)
        }
    }
}

/// The whole grammar: a page that does not train does not load it.
async fn full(base: &str) -> Result<Grammar, Fault> {
    let mut files = Vec::new();
    for name in NAMES {
        let bytes = fetch::bytes(&format!("{base}grammar/{name}"), None, |_| Ok(())).await?;
        files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Grammar::parse(&files).map_err(|error| Fault::request(&error))
}

/// Several files as one text: no story goes on in the next file.
fn joined(mut texts: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, Fault> {
    if texts.len() <= 1 {
        return Ok(texts.pop().map(|(_, bytes)| bytes).unwrap_or_default());
    }
    let mut whole = Vec::new();
    for (name, bytes) in &texts {
        let text = std::str::from_utf8(bytes);
        let text = text.map_err(|_| {
            Fault::request(&format!("the file {name} is not UTF-8; save it as UTF-8"))
        })?;
        whole.push(text.strip_prefix('\u{feff}').unwrap_or(text).trim());
    }
    let marked = whole.iter().any(|text| text.contains(END_OF_TEXT));
    let between = if marked { format!("\n{END_OF_TEXT}\n") } else { "\n\n".to_owned() };
    Ok(whole.join(&between).into_bytes())
}

/// The settings of a plan. What is known of the text and not said otherwise is in them, too.
pub(super) fn settings(plan: &Plan) -> Result<Settings, Fault> {
    let preset = run::settings::preset(&plan.preset)
        .ok_or_else(|| Fault::request(&format!("there is no preset “{}”", plan.preset)))?;
    let entropy = match plan.text {
        Text::Grammar { level: Level::First, .. } => FIRST_ENTROPY,
        Text::Grammar { level: Level::Full, .. } => ENTROPY,
        Text::Sample | Text::Own { .. } => 0.0,
    };
    let known = [format!("data.entropy={entropy:?}")];
    Settings::parse(preset, &[&known, plan.changes.as_slice()].concat())
        .map_err(|error| Fault::request(&error))
}

/// Trains a tokenizer on a text.
pub(super) fn tokenizer(bytes: &[u8], data: &DataSettings) -> Result<TokenizerFile, Fault> {
    let options = TrainOptions {
        vocab_size: data.vocab_size as u32,
        min_frequency: data.min_frequency,
        initial_alphabet: data.byte_alphabet,
        ..TrainOptions::default()
    };
    let corpus = stories::Corpus::parse(bytes).map_err(|error| Fault::request(&error))?;
    Tokenizer::train(corpus.tokenizer_texts(false).into_iter(), &options, |_| ())
        .and_then(|tokenizer| TokenizerFile::parse(tokenizer.to_json().into_bytes()))
        .map_err(|error| Fault::request(&error))
}

impl Corpus {
    /// Encodes a text. Each of its parts must have a sequence's length of `block` tokens.
    pub(super) fn new(
        text: Text,
        bytes: Vec<u8>,
        tokenizer: TokenizerFile,
        settings: &Settings,
    ) -> Result<Self, Fault> {
        let (data, info) = encode(&bytes, tokenizer.tokenizer(), settings)?;
        Ok(Self { text, bytes, tokenizer, data, info })
    }

    /// SHA-256 of the text.
    pub(super) fn sha256(&self) -> String {
        cache::sha256(&self.bytes)
    }
}

fn encode(
    bytes: &[u8],
    tokenizer: &Tokenizer,
    settings: &Settings,
) -> Result<(Data, CorpusInfo), Fault> {
    let corpus = stories::Corpus::parse(bytes).map_err(|error| Fault::request(&error))?;
    let parts = corpus.split(settings.data.validation_share);
    let (train, validation) = parts.map_err(|error| Fault::request(&error))?;
    let (train, validation) = (train.encode(tokenizer), validation.encode(tokenizer));
    let block = settings.model.block_size;
    check_length("training", train.len(), block)
        .and_then(|()| check_length("validation", validation.len(), block))
        .map_err(|error| Fault::request(&error))?;

    let all = || train.iter().chain(&validation);
    let unknown = tokenizer.unk_id();
    let first = corpus.stories().first().copied().unwrap_or_default();
    let end = first.floor_char_boundary(BEGINNING);
    let piece = |id: u32| String::from_utf8_lossy(tokenizer.token_bytes(id)).into_owned();
    let info = CorpusInfo {
        bytes: bytes.len() as u64,
        stories: corpus.stories().len() as u32,
        vocabulary: tokenizer.vocab_size(),
        train_tokens: train.len() as u64,
        validation_tokens: validation.len() as u64,
        unknown: all().filter(|&&id| Some(id) == unknown).count() as u64,
        unigram: unigram(&train, tokenizer.vocab_size()),
        bytes_per_token: tokenizer.text_bytes(&train) as f64 / train.len() as f64,
        beginning: tokenizer.encode_plain(&first[..end]).into_iter().map(piece).collect(),
    };
    Ok((Data::new(train, validation), info))
}

/// Entropy of the frequencies of tokens, in nats.
fn unigram(ids: &[u32], vocabulary: u32) -> f64 {
    let mut counts = vec![0u32; vocabulary as usize];
    for &id in ids {
        counts[id as usize] += 1;
    }
    let shares = counts.into_iter().map(|count| f64::from(count) / ids.len() as f64);
    shares.filter(|&share| share > 0.0).map(|share| -share * share.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: Text, changes: &[&str]) -> Plan {
        let changes = changes.iter().map(|change| (*change).to_owned()).collect();
        Plan { text, preset: "pocket".to_owned(), changes }
    }

    fn corpus(text: &str, changes: &[&str]) -> Result<Corpus, Fault> {
        let own = Text::Own { name: "mine".to_owned() };
        let settings = settings(&plan(own.clone(), changes))?;
        let bytes = text.as_bytes().to_vec();
        Corpus::new(own, bytes, tokenizer(text.as_bytes(), &settings.data)?, &settings)
    }

    #[test]
    fn an_own_text_may_have_emoji_and_no_last_line_break() {
        let text = "The cat 🐈 saw the moon. ".repeat(300) + "\n\n" + &"A hen 👩‍👩‍👧 ran".repeat(99);
        let Corpus { info, .. } = corpus(&text, &[]).expect("text enough");
        assert_eq!((info.bytes, info.stories, info.unknown), (text.len() as u64, 2, 0));
        assert!(info.bytes_per_token > 2.0, "{info:?}");
        assert!(text.starts_with(&info.beginning.concat()), "{info:?}");
    }

    #[test]
    fn a_bad_text_is_refused_in_a_sentence() {
        for (text, changes, part) in [
            ("", &[][..], "The corpus is empty"),
            ("Once upon a time.", &[], "too few stories (1)"),
            ("One.\n\nTwo.", &[], "The training corpus has 6 tokens, a sequence needs 64"),
            ("One.\n\nTwo.", &["vocab_size=99"], "99"),
            ("One.\n\nTwo.", &["n_head=5"], "n_embd 96 is not a multiple of n_head 5"),
        ] {
            let Fault { message, .. } = corpus(text, changes).map(drop).expect_err("a bad text");
            assert!(message.contains(part), "{message}");
            assert!(message.ends_with('.') && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn frequencies_have_their_entropy() {
        assert_eq!(unigram(&[3, 3, 3], 4), 0.0);
        assert!((unigram(&[0, 1, 2, 3], 9) - 4f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn no_story_goes_on_in_the_next_file() {
        let files = |texts: &[&str]| {
            texts.iter().map(|text| ("a".to_owned(), text.as_bytes().to_vec())).collect()
        };
        let join = |texts: &[&str]| joined(files(texts)).map(String::from_utf8);
        assert_eq!(join(&["one\n", "\u{feff}two"]), Ok(Ok("one\n\ntwo".to_owned())));
        let marked = "one\n<|endoftext|>\ntwo\n<|endoftext|>\nthree";
        assert_eq!(join(&["one\n<|endoftext|>\ntwo", "three"]), Ok(Ok(marked.to_owned())));
        let broken = vec![("a".to_owned(), vec![0xff]), ("b".to_owned(), vec![])];
        assert!(
            joined(broken).is_err_and(|fault| fault.message.contains("The file a is not UTF-8"))
        );
    }

    #[test]
    fn settings_know_the_entropy_of_the_grammar() {
        let grammar = |level| Text::Grammar { level, stories: 9, seed: 1 };
        let entropy =
            |text, changes: &[&str]| settings(&plan(text, changes)).expect("settings").data.entropy;
        assert_eq!(entropy(grammar(Level::First), &[]), FIRST_ENTROPY);
        assert_eq!(entropy(grammar(Level::Full), &[]), ENTROPY);
        assert_eq!(entropy(grammar(Level::Full), &["data.entropy=0.5"]), 0.5);
        assert_eq!(entropy(Text::Sample, &[]), 0.0);
    }
}
