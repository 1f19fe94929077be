//! The built page with a tiny model: random weights, a tokenizer trained on a few sentences.

use std::path::{Path, PathBuf};

use corpus::tokenizer::{Tokenizer, TrainOptions};
use device::Device;
use kernels::Variants;
use model::{
    Card, Check, Checkpoint, Config, Init, Model, Objective, Precision, Schedule, initial_values,
};
use serde_json::{Value, json};

use crate::server::Server;

/// Training text of the tokenizer.
const TEXT: &str = "Once upon a time, there was a little cat. The cat liked to play in the garden. \
    One day, the cat saw a big red ball. It was happy and ran home to tell its mom.";

/// Large enough for distinct logits.
const INIT: Init = Init { std: 0.3, zero_projections: false, seed: 7 };

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the repository").to_owned()
}

/// The built page.
pub(crate) fn dist() -> PathBuf {
    // Joining an absolute path gives that path.
    let dist = root().join(std::env::var_os("DIST").unwrap_or_else(|| "dist".into()));
    let built = dist.join("index.html").is_file();
    assert!(built, "{}: the page is not built; cargo xtask trunk build --release", dist.display());
    dist
}

/// A small model.
pub(crate) struct Tiny {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) tokenizer: Tokenizer,
}

impl Tiny {
    /// Small enough that a step takes no time.
    pub(crate) fn new() -> Self {
        Self::of_size(2, 32, 64, 20)
    }

    /// As small, with more steps to watch.
    pub(crate) fn patient() -> Self {
        Self::of_size(2, 32, 128, 200)
    }

    /// One that writes from left to right.
    pub(crate) fn serial() -> Self {
        let mut tiny = Self::new();
        let Checkpoint { config, card, values } = &mut tiny.checkpoint;
        config.timestep_embedding = false;
        card.name = Some("Serial".to_owned());
        card.objective = Objective::Autoregressive;
        *values = initial_values(config, &INIT);
        tiny
    }

    fn of_size(n_layer: usize, n_embd: usize, block_size: usize, timesteps: usize) -> Self {
        let lines = std::iter::repeat_n(TEXT, 3);
        let options = TrainOptions { vocab_size: 400, ..TrainOptions::default() };
        let tokenizer = Tokenizer::train(lines, &options, |_| ()).expect("text enough");
        let config = Config {
            n_layer,
            n_head: 2,
            n_embd,
            block_size,
            timesteps,
            mask_id: tokenizer.mask_id(),
            ..Config::reference(tokenizer.vocab_size() as usize)
        };
        let card =
            Card { name: Some("Tiny".to_owned()), schedule: Schedule::Cosine2, ..Card::default() };
        let checkpoint = Checkpoint { config, card, values: initial_values(&config, &INIT) };
        Self { checkpoint, tokenizer }
    }

    /// The checkpoint's file.
    pub(crate) fn weights(&self) -> Vec<u8> {
        self.checkpoint.to_safetensors(Precision::F16).expect("it can be written")
    }

    /// What the model computes for a fixed input.
    pub(crate) fn check(&self) -> Check {
        let mut device = Device::cpu();
        let model = Model::load(&mut device, &self.shipped()).expect("it fits");
        let variants = Variants::default();
        pollster::block_on(writer::expectation(&mut device, &model, &variants)).expect("the CPU")
    }

    /// The model as the page has it: rounded to half precision.
    pub(crate) fn shipped(&self) -> Checkpoint {
        Checkpoint::from_safetensors(&self.weights()).expect("just written")
    }
}

/// The list of the tiny model, with a check of its own.
pub(crate) fn list_with_check(check: &Check) -> Vec<u8> {
    let mut list: Value = serde_json::from_slice(&list(&["tiny"])).expect("JSON");
    list[0]["check"] = json!(check);
    list.to_string().into_bytes()
}

/// A list of models, each with its id as its name.
pub(crate) fn list(ids: &[&str]) -> Vec<u8> {
    let entry = |id: &&str| {
        json!({
            "id": id,
            "name": id,
            "checkpoint": format!("{id}/model.safetensors"),
            "tokenizer": format!("{id}/tokenizer.json"),
        })
    };
    json!(ids.iter().map(entry).collect::<Vec<_>>()).to_string().into_bytes()
}

/// An entry of the list, with the sums of its files. Two files of one checkpoint may differ in the order
/// of their metadata, so these are the very bytes.
pub(crate) fn entry_with_sums(id: &str, weights: &[u8], tiny: &Tiny) -> serde_json::Value {
    json!({
        "id": id,
        "name": id,
        "checkpoint": format!("{id}/model.safetensors"),
        "tokenizer": format!("{id}/tokenizer.json"),
        "sha256": {
            "checkpoint": corpus::cache::sha256(weights),
            "tokenizer": corpus::cache::sha256(tiny.tokenizer.to_json().as_bytes()),
        },
    })
}

/// The page with these models, under ids of their own.
pub(crate) fn serve_all(models: &[(&str, &Tiny)]) -> Server {
    let ids: Vec<&str> = models.iter().map(|(id, _)| *id).collect();
    let files = models.iter().flat_map(|(id, tiny)| {
        [
            (format!("models/{id}/model.safetensors"), Some(tiny.weights())),
            (format!("models/{id}/tokenizer.json"), Some(tiny.tokenizer.to_json().into_bytes())),
        ]
    });
    let listed = ("models/models.json".to_owned(), Some(list(&ids)));
    Server::start(&dist(), files.chain([listed]).collect())
}

/// The page with the tiny model as its only one.
pub(crate) fn serve(tiny: &Tiny) -> Server {
    serve_all(&[("tiny", tiny)])
}
