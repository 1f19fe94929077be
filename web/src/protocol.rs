//! What the page and its engine say to each other: commands one way, events the other.
//!
//! Both cross the border of a worker as JSON; dropped files travel beside their command. An engine
//! on the main thread gets the very same messages.

pub use corpus::tokenizer::GAP_OPENS;
pub use diffusion::sampler::{Sampler, SamplerKind};
use model::Check;
pub use model::Objective;
use plot::{Frame, Piece, Trace};
use serde::{Deserialize, Serialize};
pub use writer::{Predictions, Snapshot};

use crate::picture::Order;

/// An entry of `models.json`. Addresses are relative to that file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Short name for addresses: letters, digits, hyphens.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence about it.
    #[serde(default)]
    pub about: String,
    /// Address of the checkpoint.
    pub checkpoint: String,
    /// Address of its tokenizer.json.
    pub tokenizer: String,
    /// What both files must be; where it is missing, they are not checked.
    #[serde(default)]
    pub sha256: Option<Sums>,
    /// Prompts that suit it.
    #[serde(default)]
    pub examples: Vec<String>,
    /// What it computes for a fixed input, where its file does not say so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Check>>,
}

impl ModelEntry {
    /// Address of its model card, which lies beside the checkpoint.
    pub fn model_card(&self) -> String {
        let folder = self.checkpoint.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/README.md")
    }
}

/// The SHA-256 of a model's files, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Of the checkpoint.
    pub checkpoint: String,
    /// Of the tokenizer.json.
    pub tokenizer: String,
}

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
}

/// What keeps the engine busy before a model is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
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
    /// Shaders of the denoising step.
    Shaders {
        /// Launches ready.
        done: u32,
        /// Launches of a step.
        total: u32,
    },
}

/// What is known of a loaded model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its id in `models.json`; none for a dropped one.
    pub id: Option<String>,
    /// Name for people.
    pub name: String,
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
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_listed_sums_are_of_the_shipped_files() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts/models");
        let list = fs::read(folder.join("models.json")).expect("the list");
        let models: Vec<ModelEntry> = serde_json::from_slice(&list).expect("entries");
        for ModelEntry { checkpoint, tokenizer, sha256, .. } in models {
            let sum = |name: &str| {
                let bytes = fs::read(folder.join(name));
                corpus::cache::sha256(&bytes.unwrap_or_else(|error| panic!("{name}: {error}")))
            };
            let sums = Sums { checkpoint: sum(&checkpoint), tokenizer: sum(&tokenizer) };
            assert_eq!(sha256, Some(sums), "sha256sum artifacts/models/{checkpoint}");
        }
    }
}
