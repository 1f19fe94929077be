//! What the page and its engine say to each other: commands one way, events the other.
//!
//! Both cross the border of a worker as JSON; dropped files travel beside their command. An engine
//! on the main thread gets the very same messages.

pub use corpus::tokenizer::GAP_OPENS;
pub use diffusion::sampler::{Sampler, SamplerKind};
pub use diffusion::training::Split;
pub use model::{ModelEntry, Objective};
use plot::{Frame, Piece, Trace};
pub use run::Record;
use serde::{Deserialize, Serialize};
pub use writer::{Predictions, Snapshot};

use crate::picture::Order;

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// From the server, or the browser's cache of it; addresses are absolute.
    Listed(ModelEntry),
    /// From files that travel with the command.
    Dropped {
        /// Name of the folder or file.
        name: String,
    },
}

/// Which device computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compute {
    /// WebGPU where there is an adapter that is quicker, else the CPU.
    #[default]
    Auto,
    /// WebGPU where there is an adapter, however slow.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Why the CPU computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OnCpu {
    /// It was asked for.
    Chosen,
    /// The page's address is not secure: browsers hide WebGPU from it.
    Insecure,
    /// The browser has no WebGPU.
    NoWebGpu,
    /// The browser has WebGPU, but no adapter for it.
    NoAdapter,
    /// The GPU does not compute what the model's file says.
    Wrong {
        /// Name of the adapter.
        adapter: String,
    },
    /// It is quicker, by measurement.
    Quicker {
        /// Name of the adapter.
        adapter: String,
        /// Milliseconds of a short step there.
        gpu_ms: f64,
        /// The same on the CPU.
        cpu_ms: f64,
    },
}

/// What to write and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The prompt with its gaps, `[MASK]`, `[MASK:12]` and `[MASK:4-12]`.
    pub prompt: String,
    /// Tokens to write after the prompt.
    pub length: u32,
    /// Denoising steps.
    pub steps: u32,
    /// Which tokens come first, how many stay, and what is drawn again.
    pub sampler: Sampler,
    /// 0 takes the likeliest token.
    pub temperature: f32,
    /// Top-k sampling.
    pub top_k: Option<u32>,
    /// Nucleus (top-p) sampling.
    pub top_p: Option<f32>,
    /// Of the random draws.
    pub seed: u64,
    /// End the run when everything up to an end-of-text token is written; otherwise none is drawn.
    pub stop_at_end: bool,
}

impl Default for Request {
    /// The settings for models that have none of their own.
    fn default() -> Self {
        Self {
            prompt: String::new(),
            length: 96,
            steps: 100,
            sampler: Sampler::default(),
            temperature: 0.7,
            top_k: None,
            top_p: None,
            seed: 1,
            stop_at_end: true,
        }
    }
}

/// How much of the language the grammar's stories use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// A few plots and about a hundred words.
    #[default]
    First,
    /// All plots and all words.
    Full,
}

/// What a model is trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Text {
    /// Stories that the grammar writes in the tab. The same numbers give the same stories.
    Grammar {
        /// How hard they are.
        level: Level,
        /// How many.
        stories: u32,
        /// Of the random choices.
        seed: u64,
    },
    /// The sample corpus that comes with the page.
    Sample,
    /// Files that travel with the command, dropped or pasted: one text, in their order.
    Own {
        /// Name for people.
        name: String,
    },
}

/// What makes a training: a link that holds it makes the same one again, but for [`Text::Own`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The corpus.
    pub text: Text,
    /// Preset of the settings, one of [`run::settings::PRESETS`].
    pub preset: String,
    /// Changes of it as `key=value`, with the keys of configs/*.toml; the seed is `train.seed`.
    pub changes: Vec<String>,
}

/// What a training is asked. There is one at a time; while a text is being written, it waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrainCommand {
    /// Is there a training in this browser's storage? The answer is [`TrainEvent::Kept`].
    Look,
    /// Make the corpus and its tokenizer, open the device, and time a step; nothing is trained yet.
    /// Answers: [`TrainEvent::Busy`], [`TrainEvent::Corpus`], [`TrainEvent::Ready`]. A corpus that is
    /// there already is not made again. What stood before is gone, but not from the storage.
    Prepare {
        /// What to train.
        plan: Plan,
        /// What on.
        compute: Compute,
        /// Address of the page's folder, where grammar and sample corpus lie.
        base: String,
    },
    /// Go on with a checkpoint: its folder's files or its .zip travel with the command, and with them
    /// the text, unless `text` names one that the page makes. Answers as for [`TrainCommand::Prepare`], and
    /// [`TrainEvent::Records`] of all that was logged before.
    Open {
        /// What it was trained on, where that is not among the files.
        text: Option<Text>,
        /// What to compute on.
        compute: Compute,
        /// Address of the page's folder.
        base: String,
    },
    /// Go on with the training in the storage. Answers as for [`TrainCommand::Open`].
    Restore {
        /// What to compute on.
        compute: Compute,
    },
    /// Remove the training from the storage.
    Forget,
    /// Train until told otherwise.
    Go,
    /// Wait, and store what was done. The answer is [`TrainEvent::Paused`].
    Pause,
    /// One step, then wait.
    Step,
    /// Go on otherwise, with other values of keys that a run may change, for instance
    /// `optimizer.lr=0.001`. The answer is [`TrainEvent::Ready`] with the new settings.
    Change(Vec<String>),
    /// Load the network as it is now for writing. The answer is [`Event::Loaded`].
    Write,
    /// Make a file. The answer is [`TrainEvent::File`].
    Take(TakeAs),
}

/// What a training is taken along as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TakeAs {
    /// A .zip of a run's folder with checkpoint and corpus; `trainer train --resume` goes on with it.
    Checkpoint,
    /// The model.safetensors alone.
    Model,
}

/// What keeps the engine busy before it can train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chore {
    /// Writing or reading the corpus.
    Text,
    /// Training the tokenizer.
    Tokenizer,
    /// Encoding the corpus.
    Tokens,
    /// Looking for a graphics adapter, making the network, timing a step.
    Device,
}

/// What is known of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorpusInfo {
    /// Bytes of UTF-8.
    pub bytes: u64,
    /// Stories in it.
    pub stories: u32,
    /// Size of the vocabulary.
    pub vocabulary: u32,
    /// Tokens to train on.
    pub train_tokens: u64,
    /// Tokens that are held out.
    pub validation_tokens: u64,
    /// Tokens that stand for bytes the vocabulary does not have.
    pub unknown: u64,
    /// Bytes that a token stands for on average.
    pub bytes_per_token: f64,
    /// Entropy of the frequencies of the training tokens, in nats: the loss of a network that knows
    /// nothing else.
    pub unigram: f64,
    /// Its beginning, in pieces as the tokenizer cuts it.
    pub beginning: Vec<String>,
}

/// What is known of a training that can begin or go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainInfo {
    /// Name of the model.
    pub name: String,
    /// What it is trained on.
    pub text: Text,
    /// Steps in all.
    pub steps: u32,
    /// All settings as TOML, as a run's `settings.toml` has them.
    pub settings: String,
    /// Entropy of what wrote the text in bits per byte, which no model can fall below; 0 if it is
    /// unknown.
    pub entropy: f64,
    /// Number of parameters.
    pub parameters: u64,
    /// Size of the vocabulary: an untrained network has the loss ln of it.
    pub vocabulary: u32,
    /// Steps done.
    pub step: u32,
    /// Milliseconds of a step, as measured.
    pub step_ms: f64,
    /// Bytes that the device holds.
    pub memory: u64,
    /// What computes.
    pub adapter: String,
    /// Why that is the CPU; none for a GPU.
    pub on_cpu: Option<OnCpu>,
}

/// A training in the browser's storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What it is trained on.
    pub text: Text,
    /// Steps done.
    pub step: u32,
    /// Steps in all.
    pub steps: u32,
    /// Loss on held-out text, in nats.
    pub validation_loss: Option<f64>,
    /// Bytes of storage.
    pub bytes: u64,
    /// When it was stored, in milliseconds since 1970.
    pub time: f64,
}

/// What a training says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrainEvent {
    /// What is in the browser's storage.
    Kept(Option<Kept>),
    /// Preparing goes on.
    Busy(Chore),
    /// The corpus is there.
    Corpus(Box<CorpusInfo>),
    /// It can begin or go on; it waits.
    Ready(Box<TrainInfo>),
    /// New lines of the log: losses, evaluations, texts written from the same draws.
    Records(Vec<Record>),
    /// A step was done.
    Stepped {
        /// Its number, from 1.
        step: u32,
        /// Mean time of the latest steps, in milliseconds.
        ms: f64,
        /// Seconds until the last step, evaluations and texts included.
        left: f64,
        /// Bytes that the device holds.
        memory: u64,
    },
    /// All was stored in this browser.
    Stored(Kept),
    /// It could not be stored; what was stored before is still there, and the training goes on. The
    /// sentence says why and what to do.
    NotStored(String),
    /// It waits.
    Paused,
    /// The last step is done.
    Complete,
    /// A file was made.
    File {
        /// Its name.
        name: String,
        /// Its `blob:` address, which is to be revoked once it is saved.
        url: String,
        /// Its size.
        bytes: u64,
    },
    /// What was asked cannot be done, or the training stopped; after [`FaultKind::Request`] all
    /// stands as before.
    Fault(Fault),
}

/// From the page to the engine. `run` numbers runs; events of older runs are void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Load a model.
    Load {
        /// Where from.
        source: Source,
        /// What for.
        compute: Compute,
    },
    /// Begin a run: everything is a mask but the prompt. Then wait.
    Start {
        /// Number of the run.
        run: u32,
        /// What to write.
        request: Request,
    },
    /// Begin a run in the middle. Then wait.
    Resume {
        /// Number of the run.
        run: u32,
        /// What to write; the prompt does not matter any more.
        request: Request,
        /// Where to go on.
        from: Snapshot,
    },
    /// Go on, a step every so many milliseconds or as fast as possible (0).
    Run {
        /// Least time between two steps.
        interval_ms: u32,
    },
    /// Make a GIF. The answers are [`Event::Painted`] and the bytes of the file.
    Gif(Box<Order>),
    /// Do one step.
    Step,
    /// Wait.
    Pause,
    /// Something about a training.
    Train(TrainCommand),
}

/// What keeps the engine busy before a model is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Waiting for the server's first answer.
    Server,
    /// Looking for a graphics adapter.
    Adapter,
    /// Bytes of the model.
    Download {
        /// Bytes so far.
        received: u64,
        /// Bytes in all, where the server says.
        total: Option<u64>,
        /// From the browser's cache.
        cached: bool,
    },
    /// Checking and copying the weights.
    Weights,
    /// There is no GPU to prepare.
    Cpu,
    /// Shaders of the denoising step.
    Shaders {
        /// Launches ready.
        done: u32,
        /// Launches of a step.
        total: u32,
    },
    /// Timing a step, on the GPU or on the CPU.
    Timing,
}

/// What is known of a loaded model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its id in `models.json`; none for a dropped one.
    pub id: Option<String>,
    /// Name for people: the list's, for a dropped one its card's or its folder's.
    pub name: String,
    /// Its name in its card, by which traces of the program call it.
    pub card_name: Option<String>,
    /// What it learned, which decides how it can write.
    pub objective: Objective,
    /// Number of parameters.
    pub parameters: u64,
    /// Layers.
    pub layers: u32,
    /// Width.
    pub width: u32,
    /// Longest sequence, in tokens.
    pub block_size: u32,
    /// Number of diffusion times: the most steps there can be.
    pub timesteps: u32,
    /// Id of the mask.
    pub mask_id: u32,
    /// Id of the end-of-text token.
    pub end_id: Option<u32>,
    /// What every token stands for.
    pub pieces: Vec<Piece>,
    /// Ids that have a name rather than a text.
    pub special: Vec<u32>,
    /// What computes.
    pub adapter: String,
    /// The settings with which its texts read best.
    pub defaults: Request,
    /// Why that is the CPU; none for a GPU.
    pub on_cpu: Option<OnCpu>,
    /// Milliseconds that a CPU takes for each token that a step computes, as measured; none for a GPU.
    pub token_ms: Option<f64>,
}

impl ModelInfo {
    /// Whether a trace says that this model wrote it.
    pub fn wrote(&self, trace: &Trace) -> bool {
        trace.model == self.name || Some(&trace.model) == self.card_name.as_ref()
    }
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The engine is there.
    Hello {
        /// Whether this thread can use WebGPU.
        webgpu: bool,
    },
    /// Loading goes on.
    Progress(Stage),
    /// The model is ready.
    Loaded(Box<ModelInfo>),
    /// A run has begun.
    Started {
        /// Number of the run.
        run: u32,
        /// Its trace, with the first state as its only frame.
        trace: Box<Trace>,
    },
    /// A step was taken.
    Stepped {
        /// Number of the run.
        run: u32,
        /// The state after it.
        frame: Frame,
        /// What the model expected at every position.
        predictions: Predictions,
        /// How long it took.
        ms: f64,
        /// Bytes that the device holds.
        memory: u64,
    },
    /// A GIF is being made.
    Painted {
        /// How much of it there is, 0 to 1.
        share: f64,
    },
    /// There is nothing left to do in this run.
    Finished {
        /// Number of the run.
        run: u32,
    },
    /// What a training says.
    Training(TrainEvent),
    /// Something went wrong.
    Fault(Fault),
}

/// What went wrong, by what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// The files are not a model, or could not be read.
    Model,
    /// The request cannot be met: prompt too long, bad gap, a file of another kind.
    Request,
    /// The GPU was taken away.
    DeviceLost,
    /// The GPU is too small for the model.
    DeviceTooSmall,
    /// The GPU's memory is full, or the browser did not open it: later it may.
    DeviceBusy,
    /// The engine itself stopped.
    Engine,
}

/// What went wrong, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// By what helps.
    pub kind: FaultKind,
    /// For people: what happened and what to do.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Checkpoint, Sums};
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_list_is_of_the_shipped_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts/models");
        let list = fs::read(folder.join("models.json")).expect("the list");
        let models: Vec<ModelEntry> = serde_json::from_slice(&list).expect("entries");
        for ModelEntry { checkpoint, tokenizer, sha256, objective, .. } in models {
            let bytes = fs::read(folder.join(&checkpoint)).expect("a model");
            let head = Checkpoint::head(&bytes).expect("a model").expect("a whole header");
            assert_eq!(objective, Some(head.1.objective), "{checkpoint}");
            let sum = |name: &str| {
                let bytes = fs::read(folder.join(name));
                corpus::cache::sha256(&bytes.unwrap_or_else(|error| panic!("{name}: {error}")))
            };
            let sums = Sums { checkpoint: sum(&checkpoint), tokenizer: sum(&tokenizer) };
            assert_eq!(sha256, Some(sums), "sha256sum artifacts/models/{checkpoint}");
        }
    }
}
