//! A model from bytes to the device. The head of its file says what shapes it has: from then on the
//! shaders compile while the parameters arrive.

use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::sampler::Workspace;
use futures_channel::oneshot::{self, Sender};
use futures_util::future::try_join;
use gloo_timers::future::TimeoutFuture;
use model::{Card, Checkpoint, CheckpointFile, Config, Objective};
use web_sys::File;
use writer::Writer;

use super::fetch::{self, Received};
use super::network::Network;
use super::{Emit, adapter, files};
use crate::protocol::{Compute, Event, Fault, FaultKind, ModelInfo, OnCpu, Request, Source, Stage};

/// Progress of a download is told at most once per so many bytes.
const TELL_EVERY: u64 = 128 << 10;

/// A model on a device, with its tokenizer.
pub(crate) struct Loaded {
    pub(super) device: Device,
    pub(super) writer: Writer,
    pub(super) info: ModelInfo,
}

impl Loaded {
    /// Gets the model from where it is, checks it, and copies it to a device.
    pub(super) async fn load(
        source: Source,
        dropped: &[File],
        compute: Compute,
        emit: &Emit,
    ) -> Result<Self, Fault> {
        let (sender, kind) = oneshot::channel();
        let arriving = arrive(&source, dropped, Ahead(Some(sender)), emit);
        let preparing = async {
            emit(Event::Progress(Stage::Adapter));
            let (device, on_cpu) = adapter::open(compute).await?;
            if on_cpu.is_some() {
                emit(Event::Progress(Stage::Cpu));
            }
            match kind.await {
                Ok(kind) if compute == Compute::Auto => {
                    let (network, quicker) = Network::quickest(device, kind, emit).await?;
                    Ok((network, on_cpu.or(quicker)))
                }
                Ok(kind) => Ok((Network::new(device, kind, emit).await?, on_cpu)),
                // There is no model: the one who looked for it says so, and ends this, too.
                Err(_) => std::future::pending().await,
            }
        };
        let stands = async {
            let ((file, tokenizer), (mut network, mut on_cpu)) =
                try_join(arriving, preparing).await?;
            network.fill(&file)?;
            let listed = match &source {
                Source::Listed(entry) => entry.check.as_deref(),
                Source::Dropped { .. } => None,
            };
            if let Some(check) = file.card.check.as_ref().or(listed)
                && let Some((cpu, wrong)) = network.checked(&file, check, emit).await?
            {
                (network, on_cpu) = (cpu, Some(wrong));
            }
            // The file is not needed any more.
            let CheckpointFile { config, card, .. } = file;
            Ok((network, config, card, tokenizer, on_cpu))
        };
        let stands = stands.await;
        if let (Err(Fault { kind: FaultKind::Model, .. }), Source::Listed(entry)) =
            (&stands, &source)
        {
            // Damaged or changed on the server: the next try asks the server again.
            fetch::forget(&entry.checkpoint).await;
            fetch::forget(&entry.tokenizer).await;
        }
        let (network, config, card, tokenizer, on_cpu) = stands?;
        let (id, name) = match source {
            Source::Listed(entry) => (Some(entry.id), entry.name),
            Source::Dropped { name } => (None, card.name.clone().unwrap_or(name)),
        };
        Self::stand(network, (&config, &card), tokenizer, (id, name), on_cpu).await
    }

    /// A network that was trained here, on a device of its own.
    pub(super) async fn trained(
        checkpoint: Checkpoint,
        tokenizer: Tokenizer,
        compute: Compute,
        on_cpu: Option<OnCpu>,
        emit: &Emit,
    ) -> Result<Self, Fault> {
        let (device, _) = adapter::open(compute).await?;
        let kind = (checkpoint.config, checkpoint.card.objective);
        let mut network = Network::new(device, kind, emit).await?;
        network.model.parameters.write(&mut network.device, &checkpoint.values)?;
        let of = (&checkpoint.config, &checkpoint.card);
        let name = checkpoint.card.name.clone().unwrap_or_default();
        Self::stand(network, of, tokenizer, (None, name), on_cpu).await
    }

    /// What a network on its device is as a model, with its id in the list and its name for people.
    async fn stand(
        mut network: Network,
        (config, card): (&Config, &Card),
        tokenizer: Tokenizer,
        (id, name): (Option<String>, String),
        on_cpu: Option<OnCpu>,
    ) -> Result<Self, Fault> {
        let defaults = writer::defaults(card, &tokenizer).map_err(|error| {
            Fault::new(FaultKind::Model, format!("The model's card says that {error}."))
        })?;
        let settings = match &card.sampling {
            Some(_) => Request {
                steps: defaults.steps(config.timesteps) as u32,
                sampler: defaults.sampler,
                temperature: defaults.temperature,
                top_k: defaults.top_k,
                top_p: defaults.top_p,
                ..Request::default()
            },
            None => Request { sampler: defaults.sampler, ..Request::default() },
        };
        let ids = 0..tokenizer.vocab_size();
        let info = ModelInfo {
            id,
            name,
            card_name: card.name.clone(),
            objective: card.objective,
            parameters: config.parameters() as u64,
            layers: config.n_layer as u32,
            width: config.n_embd as u32,
            block_size: config.block_size as u32,
            timesteps: config.timesteps as u32,
            mask_id: config.mask_id,
            end_id: tokenizer.end_of_text_id(),
            pieces: ids.clone().filter_map(|id| writer::piece(&tokenizer, id)).collect(),
            special: ids.filter(|&id| tokenizer.is_special(id)).collect(),
            adapter: adapter::name(&network.device).await,
            defaults: settings,
            on_cpu,
            token_ms: network.token_ms().await?,
        };
        // Only now: a network of blocks is measured as if it wrote whole texts.
        if let Objective::Block(_) = card.objective {
            network.model.objective = card.objective;
            let Network { device, model, workspace, .. } = &mut network;
            *workspace = Workspace::for_model(device, model, 1, config.block_size)?;
        }
        let Network { device, variants, model, workspace } = network;
        let name = info.name.clone();
        let writer = Writer { model, variants, workspace, tokenizer, defaults, name };
        Ok(Self { device, writer, info })
    }
}

/// Gets both files, says ahead what network the model is, and checks everything but the values.
async fn arrive(
    source: &Source,
    dropped: &[File],
    mut ahead: Ahead,
    emit: &Emit,
) -> Result<(CheckpointFile<Vec<u8>>, Tokenizer), Fault> {
    let (checkpoint, tokenizer) = match source {
        Source::Listed(entry) => {
            emit(Event::Progress(Stage::Server));
            let mut told = 0;
            let sums = entry.sha256.as_ref();
            let sum = sums.map(|sums| sums.checkpoint.as_str());
            let checkpoint =
                fetch::bytes(&entry.checkpoint, sum, |Received { bytes, total, cached }| {
                    ahead.look(bytes)?;
                    let received = bytes.len() as u64;
                    if received >= told || Some(received) == total {
                        told = received + TELL_EVERY;
                        emit(Event::Progress(Stage::Download { received, total, cached }));
                    }
                    Ok(())
                });
            let sum = sums.map(|sums| sums.tokenizer.as_str());
            let tokenizer = fetch::bytes(&entry.tokenizer, sum, |_| Ok(()));
            try_join(checkpoint, tokenizer).await?
        }
        Source::Dropped { .. } => files::model(dropped).await?,
    };
    ahead.look(&checkpoint)?;
    emit(Event::Progress(Stage::Weights));
    TimeoutFuture::new(0).await;
    let file = CheckpointFile::open(checkpoint)?;
    let tokenizer = Tokenizer::from_bytes(&tokenizer)?;
    let Config { vocab_size, mask_id, .. } = file.config;
    tokenizer.check_model(vocab_size as u32, mask_id, file.card.end_of_text)?;
    Ok((file, tokenizer))
}

/// Sends config and objective as soon as the head of the checkpoint is there.
struct Ahead(Option<Sender<(Config, Objective)>>);

impl Ahead {
    fn look(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.0.is_some()
            && let Some((config, card)) = Checkpoint::head(bytes)?
            && let Some(sender) = self.0.take()
        {
            // Nobody listens any more when the device failed: that fault comes first.
            let _ = sender.send((config, card.objective));
        }
        Ok(())
    }
}
