//! Who reads what.

use corpus::cache::{CacheError, Ids, Key, Writer};
use corpus::grammar::Grammar;
use corpus::stories::Corpus;
use corpus::tokenizer::Tokenizer;
use model::Checkpoint;
use plot::{Trace, tensorboard};
use run::checkpoint::{FileError, LOG, MODEL, OPTIMIZER, SETTINGS, STATE, TOKENIZER};
use run::{Saved, Settings};
use web::protocol::{ModelEntry, Request};
use writer::Length;

use crate::hub::LocalHub;
use crate::seeds;

/// What came of an input.
pub enum Verdict {
    /// It was read.
    Used,
    /// It was refused, for this reason.
    Refused(String),
    /// It should not have been read.
    Wrong(String),
}

/// Reads bytes.
pub type Read = Box<dyn Fn(&[u8]) -> Verdict>;

/// A reader of foreign bytes.
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Its part of the inputs.
    pub share: usize,
    /// Sound inputs.
    pub seeds: Vec<Vec<u8>>,
    /// Bytes from here on are weights.
    pub weights: Option<usize>,
    /// Gives it an input.
    pub read: Read,
}

fn target(
    name: &'static str,
    share: usize,
    seeds: Vec<Vec<u8>>,
    read: impl Fn(&[u8]) -> Verdict + 'static,
) -> Target {
    Target { name, share, seeds, weights: None, read: Box::new(read) }
}

fn verdict<T>(read: Result<T, impl ToString>) -> Verdict {
    match read {
        Ok(_) => Verdict::Used,
        Err(error) => Verdict::Refused(error.to_string()),
    }
}

/// Bytes as the text that a command takes them for.
fn text(bytes: &[u8]) -> Result<&str, Verdict> {
    std::str::from_utf8(bytes).map_err(|_| Verdict::Refused("this is not UTF-8 text".to_owned()))
}

/// [`target`] of a reader of text.
fn of_text(
    name: &'static str,
    share: usize,
    seeds: Vec<Vec<u8>>,
    read: impl Fn(&str) -> Verdict + 'static,
) -> Target {
    target(name, share, seeds, move |bytes| text(bytes).map_or_else(|refused| refused, &read))
}

/// All readers.
#[must_use]
pub fn all() -> Vec<Target> {
    let files = seeds::checkpoint();
    let tokenizer = Tokenizer::from_bytes(&files[TOKENIZER]).expect("of the checkpoint");
    let mut targets = vec![weights(&files), optimizer(&files), trace(), prompt(&tokenizer), link()];
    for name in [STATE, LOG, SETTINGS] {
        let files = files.clone();
        let seed = files[name].clone();
        targets.push(target(name, 2, vec![seed], move |bytes| verdict(load(&files, name, bytes))));
    }
    targets.push(target("tokenizer", 4, vec![files[TOKENIZER].clone()], |bytes| {
        verdict(Tokenizer::from_bytes(bytes).map(|tokenizer| {
            let ids = tokenizer.encode("The cat's 12 [MASK] \u{e9}\u{0}");
            (tokenizer.decode(&ids), tokenizer.encode_plain("[MASK]"), tokenizer.to_json())
        }))
    }));
    let settings = files[SETTINGS].clone();
    targets.push(of_text("settings", 2, vec![settings], |text| {
        verdict(Settings::parse(text, &[]).map(|settings| settings.to_toml()))
    }));
    targets.push(target("models", 1, vec![seeds::models()], |bytes| {
        verdict(serde_json::from_slice::<Vec<ModelEntry>>(bytes))
    }));
    targets.push(ids());
    targets.push(events());
    let grammar = seeds::GRAMMAR.as_bytes().to_vec();
    targets.push(of_text("grammar", 2, vec![grammar], |text| {
        let read = Grammar::parse(&[("colors.txt", text)]);
        verdict(read.map(|grammar| grammar.stories(1).take(3).collect::<Vec<_>>()))
    }));
    let story = "One.\n<|endoftext|>\nTwo [MASK].\n<|endoftext|>\n".as_bytes().to_vec();
    targets.push(target("corpus", 2, vec![story], move |bytes| {
        verdict(Corpus::parse(bytes).map(|corpus| corpus.encode(&tokenizer)))
    }));
    let hub = LocalHub::new();
    let parquets = seeds::parquets();
    let listing = hub.listing();
    let listed = hub.clone();
    targets.push(target("parquet", 1, parquets, move |bytes| verdict(hub.read_file(bytes))));
    targets.push(target("listing", 1, vec![listing], move |b| verdict(listed.read_listing(b))));
    targets
}

/// A checkpoint of which one file is another.
fn load(files: &seeds::Files, changed: &str, bytes: &[u8]) -> Result<Saved, FileError> {
    Saved::load(|name| Ok(if name == changed { bytes.to_vec() } else { files[name].clone() }))
}

/// Bytes behind the header of a safetensors file.
fn data(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(*file.first_chunk().expect("a header")) as usize
}

/// Whether a file that was read still says what its hash is.
fn is_hashed(file: &[u8]) -> bool {
    let header = file.get(8..data(file)).unwrap_or_default();
    let header: serde_json::Value = serde_json::from_slice(header).unwrap_or_default();
    header["__metadata__"]["sha256"].is_string()
}

fn weights(files: &seeds::Files) -> Target {
    let whole = files[MODEL].clone();
    let wanted = Checkpoint::from_safetensors(&whole).expect("it was just written");
    let from = data(&whole);
    let read = move |bytes: &[u8]| {
        let head = Checkpoint::head(bytes);
        match Checkpoint::from_safetensors(bytes) {
            Ok(_) if head.is_err() => Verdict::Wrong("its head was refused".to_owned()),
            Ok(read) if is_hashed(bytes) && read != wanted => {
                Verdict::Wrong("changed weights were used".to_owned())
            }
            read => verdict(read),
        }
    };
    Target { weights: Some(from), ..target("checkpoint", 5, vec![whole], read) }
}

fn optimizer(files: &seeds::Files) -> Target {
    let whole = files[OPTIMIZER].clone();
    let files = files.clone();
    let wanted = load(&files, "", &[]).expect("it was just written").progress.optimizer;
    let from = data(&whole);
    let read = move |bytes: &[u8]| match load(&files, OPTIMIZER, bytes) {
        Ok(read) if is_hashed(bytes) && read.progress.optimizer != wanted => {
            Verdict::Wrong("changed moments were used".to_owned())
        }
        read => verdict(read),
    };
    Target { weights: Some(from), ..target("optimizer", 3, vec![whole], read) }
}

fn trace() -> Target {
    of_text("trace", 4, vec![seeds::TRACE.as_bytes().to_vec()], |text| {
        verdict(Trace::from_json(text).map(|trace| {
            let frames = 0..trace.frames.len();
            let shown = frames.map(|at| (trace.text(at), trace.strings(at), trace.masks(at)));
            (shown.collect::<Vec<_>>(), trace.to_json())
        }))
    })
}

fn prompt(tokenizer: &Tokenizer) -> Target {
    let tokenizer = tokenizer.clone();
    let seeds = seeds::PROMPTS.map(|prompt| prompt.as_bytes().to_vec()).to_vec();
    let read = move |text: &str| verdict(writer::choices(&tokenizer, text, Length::Auto, 256));
    of_text("prompt", 3, seeds, read)
}

fn link() -> Target {
    of_text("link", 3, vec![seeds::LINK.as_bytes().to_vec()], |text| {
        let Some(link) = web::address::read(text, &Request::default()) else {
            return Verdict::Refused("this is no share link".to_owned());
        };
        // What was understood is what is shared on.
        let again = web::address::read(&web::address::write(&link), &Request::default());
        if again.as_ref() == Some(&link) {
            Verdict::Used
        } else {
            Verdict::Wrong(format!("a link that changes when it is shared on: {link:?}, {again:?}"))
        }
    })
}

/// The ids of a whole file.
fn ids_of(bytes: &[u8], key: &Key) -> Result<Vec<u32>, CacheError> {
    let ids = Ids::check(bytes, bytes.len() as u64, key)?;
    let place = ids.bytes(0..ids.count());
    Ok(ids.decode(&bytes[place.start as usize..place.end as usize]))
}

fn ids() -> Target {
    let key = Key { corpus: [1; 32], tokenizer: [2; 32] };
    let wanted: Vec<u32> = (0..40).map(|id| id * id).collect();
    let wide: Vec<u32> = wanted.iter().map(|id| id + 70_000).collect();
    let seeds = [(&wanted, 3_000), (&wide, 100_000)]
        .map(|(ids, vocabulary)| {
            let mut file = Writer::new(vec![], &key, vocabulary).expect("memory");
            file.push(ids).expect("memory");
            file.finish().expect("memory")
        })
        .to_vec();
    target("ids", 2, seeds, move |bytes| match ids_of(bytes, &key) {
        Ok(ids) if ids != wanted && ids != wide => {
            Verdict::Wrong("changed token ids were used".to_owned())
        }
        read => verdict(read),
    })
}

fn events() -> Target {
    let mut file = tensorboard::file_header(1.0);
    for step in 0..20 {
        file.extend(tensorboard::scalar("loss/step", step, 0.5, 2.0));
    }
    target("events", 1, vec![file], |bytes| {
        let found = tensorboard::scalars(bytes);
        if found.iter().all(|scalar| scalar.tag == "loss/step" && scalar.step < 20) {
            Verdict::Used
        } else {
            Verdict::Wrong("a changed value was used".to_owned())
        }
    })
}
