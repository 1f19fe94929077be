//! A model from bytes to the device.

use corpus::tokenizer::Tokenizer;
use device::{AdapterChoice, Device, Gpu, Launch, Recording};
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
pub async fn has_webgpu() -> bool {
    adapter().await.is_some()
}

/// The browser's preferred adapter.
async fn adapter() -> Option<JsValue> {
    let gpu = get(&get(&js_sys::global(), "navigator"), "gpu");
    let request: js_sys::Function = get(&gpu, "requestAdapter").dyn_into().ok()?;
    let promise = js_sys::Promise::resolve(&request.call0(&gpu).ok()?);
    let adapter = wasm_bindgen_futures::JsFuture::from(promise).await.ok()?;
    adapter.is_object().then_some(adapter)
}

/// What the browser tells of its adapter: wgpu has no name for it.
async fn adapter_name() -> Option<String> {
    let info = get(&adapter().await?, "info");
    let text = |name| get(&info, name).as_string().filter(|text| !text.is_empty());
    let name = text("description").or_else(|| text("device")).or_else(|| {
        let parts: Vec<String> =
            [text("vendor"), text("architecture")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    Some(name.map_or("WebGPU".into(), |name| format!("{name} (WebGPU)")))
}

fn get(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
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
            pieces: ids
                .clone()
                .map(|id| Piece::from_bytes(tokenizer.token_bytes(id).to_vec()))
                .collect(),
            special: ids.filter(|&id| tokenizer.is_special(id)).collect(),
            adapter: match device.gpu() {
                Some(_) => adapter_name().await.unwrap_or_else(|| "WebGPU".into()),
                None => "CPU".into(),
            },
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
        if self.device.gpu().is_none() {
            return Ok(());
        }
        let options = SampleOptions { steps: Some(1), ..SampleOptions::default() };
        let Self { device, forms, model, workspace, .. } = self;
        let recording = Generation::rehearsal(forms, model, workspace, &options);
        let mut launches: Vec<&Launch> = Vec::new();
        for launch in recording.launches() {
            let same = |other: &&Launch| {
                other.kernel.name == launch.kernel.name && other.constants == launch.constants
            };
            if !launches.iter().any(same) {
                launches.push(launch);
            }
        }
        for (done, launch) in launches.iter().enumerate() {
            emit(Event::Progress(Stage::Shaders {
                done: done as u32,
                total: launches.len() as u32,
                kernel: launch.kernel.name.to_owned(),
            }));
            let mut alone = Recording::default();
            alone.push((*launch).clone());
            device.compile(alone)?;
            sleep(0).await;
        }
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
