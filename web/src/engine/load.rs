//! A model from bytes to the device.

use corpus::tokenizer::Tokenizer;
use device::{AdapterChoice, Device, Gpu};
use diffusion::sampler::{Generation, SampleOptions, Workspace};
use kernels::Forms;
use model::{Checkpoint, Model};
use plot::Piece;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::File;

use super::fetch::{self, Received};
use super::{Emit, files};
use crate::protocol::{Compute, Event, Fault, ModelInfo, Source, Stage};
use crate::time::sleep;

/// Progress of a download is told at most once per so many bytes.
const TELL_EVERY: u64 = 128 << 10;

/// A model on a device, with its tokenizer.
pub(super) struct Loaded {
    pub(super) device: Device,
    pub(super) forms: Forms,
    pub(super) model: Model,
    pub(super) workspace: Workspace,
    pub(super) tokenizer: Tokenizer,
    /// The checkpoint's metadata, for its schedule.
    pub(super) metadata: std::collections::BTreeMap<String, String>,
    pub(super) info: ModelInfo,
}

/// Whether this thread can use WebGPU: it has an adapter.
pub(super) async fn has_webgpu() -> bool {
    let global = js_sys::global();
    let get = |object: &JsValue, name: &str| {
        js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
    };
    let gpu = get(&get(&global, "navigator"), "gpu");
    let Ok(request) = get(&gpu, "requestAdapter").dyn_into::<js_sys::Function>() else {
        return false;
    };
    let Ok(promise) = request.call0(&gpu) else { return false };
    let adapter = wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&promise)).await;
    adapter.is_ok_and(|adapter| adapter.is_object())
}

impl Loaded {
    /// Gets the model from where it is, checks it, and copies it to a device.
    pub(super) async fn load(
        source: Source,
        dropped: &[File],
        compute: Compute,
        emit: &Emit,
    ) -> Result<Self, Fault> {
        emit(Event::Progress(Stage::Adapter));
        let mut device = match compute {
            Compute::Auto if has_webgpu().await => {
                Device::Gpu(Box::new(Gpu::open(&AdapterChoice::Hardware).await?))
            }
            Compute::Auto | Compute::Cpu => Device::cpu(),
        };
        let (id, name, checkpoint, tokenizer) = match &source {
            Source::Listed(entry) => {
                let checkpoint = download(&entry.checkpoint, emit).await?;
                let tokenizer = download(&entry.tokenizer, emit).await?;
                (Some(entry.id.clone()), entry.name.clone(), checkpoint, tokenizer)
            }
            Source::Dropped { name } => {
                let (checkpoint, tokenizer) = files::model(dropped).await?;
                (None, name.clone(), checkpoint, tokenizer)
            }
        };
        emit(Event::Progress(Stage::Weights));
        sleep(0).await;
        let read = || -> Result<_, Fault> {
            let checkpoint = Checkpoint::from_safetensors(&checkpoint)?;
            let tokenizer = Tokenizer::from_bytes(&tokenizer)?;
            let config = &checkpoint.config;
            tokenizer.check_model(config.vocab_size as u32, config.mask_id)?;
            Ok((checkpoint, tokenizer))
        };
        let (checkpoint, tokenizer) = match read() {
            Ok(read) => read,
            Err(fault) => {
                // Damaged or changed on the server: the next try asks the server again.
                if let Source::Listed(entry) = &source {
                    fetch::forget(&entry.checkpoint).await;
                    fetch::forget(&entry.tokenizer).await;
                }
                return Err(fault);
            }
        };
        let model = Model::load(&mut device, &checkpoint)?;
        let config = checkpoint.config;
        let workspace = Workspace::new(&mut device, &config, 1, config.block_size)?;
        let ids = 0..tokenizer.vocab_size();
        let info = ModelInfo {
            id,
            name: checkpoint.metadata.get("name").cloned().unwrap_or(name),
            parameters: config.parameters() as u64,
            layers: config.n_layer as u32,
            width: config.n_embd as u32,
            block_size: config.block_size as u32,
            timesteps: config.timesteps as u32,
            mask_id: config.mask_id,
            end_id: tokenizer.end_of_text_id(),
            pieces: ids.clone().map(|id| Piece::from_bytes(tokenizer.token_bytes(id).to_vec())).collect(),
            special: ids.filter(|&id| tokenizer.is_special(id)).collect(),
            adapter: device.to_string(),
            gpu: device.gpu().is_some(),
        };
        let mut loaded = Self {
            device,
            forms: Forms::default(),
            model,
            workspace,
            tokenizer,
            metadata: checkpoint.metadata,
            info,
        };
        loaded.compile_shaders(emit).await?;
        Ok(loaded)
    }
}

impl Loaded {
    /// Compiles the shaders of a step before the first run needs them. Each compiles by itself, so
    /// that the thread is free in between.
    async fn compile_shaders(&mut self, emit: &Emit) -> Result<(), Fault> {
        emit(Event::Progress(Stage::Shaders { done: 0, total: 1, kernel: String::new() }));
        sleep(0).await;
        let options = SampleOptions { steps: Some(1), ..SampleOptions::default() };
        let prompt = vec![None; self.model.config.block_size];
        let Self { device, forms, model, workspace, .. } = self;
        Generation::new(device, forms, model, workspace, &[prompt], &options)?;
        Ok(())
    }
}

async fn download(url: &str, emit: &Emit) -> Result<Vec<u8>, Fault> {
    let mut told = 0;
    fetch::bytes(url, &mut |Received { bytes, total, cached }| {
        if bytes >= told || Some(bytes) == total {
            told = bytes + TELL_EVERY;
            emit(Event::Progress(Stage::Download { received: bytes, total, cached }));
        }
    })
    .await
}
