//! A network on a device: everything but its parameters, so that it can be made while they arrive.

use device::{Device, Launch};
use diffusion::sampler::{Generation, SampleOptions, Workspace};
use kernels::Variants;
use model::{Config, Model};
use web_time::Instant;

use super::Emit;
use crate::protocol::{Event, Fault, Stage};

/// Tokens of the text that is written to measure a CPU.
const MEASURED: usize = 32;

/// A network on a device with its shaders compiled.
pub(super) struct Network {
    pub(super) device: Device,
    pub(super) variants: Variants,
    pub(super) model: Model,
    pub(super) workspace: Workspace,
}

impl Network {
    /// Buffers and shaders for a model of this config; its parameters are zeros.
    pub(super) async fn new(
        mut device: Device,
        config: Config,
        emit: &Emit,
    ) -> Result<Self, Fault> {
        let model = Model::new(&mut device, config)?;
        let workspace = Workspace::new(&mut device, &config, 1, config.block_size)?;
        let mut network = Self { device, variants: Variants::default(), model, workspace };
        network.compile_shaders(emit).await?;
        Ok(network)
    }

    /// Compiles the shaders of a step before the first run needs them, one after the other; the
    /// thread is free meanwhile.
    async fn compile_shaders(&mut self, emit: &Emit) -> Result<(), Fault> {
        if self.device.gpu().is_none() {
            return Ok(());
        }
        let Self { device, variants, model, workspace } = self;
        let recording = Generation::rehearsal(variants, model, workspace, &one_step());
        let mut launches: Vec<&Launch> = Vec::new();
        for launch in recording.launches() {
            let same = |other: &&Launch| {
                other.kernel.name == launch.kernel.name && other.constants == launch.constants
            };
            if !launches.iter().any(same) {
                launches.push(launch);
            }
        }
        let total = launches.len() as u32;
        let tell = |done, kernel: &str| {
            emit(Event::Progress(Stage::Shaders { done, total, kernel: kernel.to_owned() }));
        };
        for (launch, done) in launches.iter().zip(0..) {
            tell(done, launch.kernel.name);
            device.compile_kernel(launch).await?;
        }
        // Whether the adapter can bind everything is known now, not when somebody writes.
        device.compile(recording)?;
        tell(total, "");
        Ok(())
    }

    /// How long a CPU takes for a token in a step, in milliseconds; `None` on a GPU, where it does
    /// not grow with the tokens.
    pub(super) fn token_ms(&mut self) -> Result<Option<f64>, Fault> {
        if self.device.gpu().is_some() {
            return Ok(None);
        }
        let Self { device, variants, model, workspace } = self;
        let tokens = model.config.block_size.min(MEASURED);
        let masks = [vec![None; tokens]];
        let mut generation =
            Generation::new(device, variants, model, workspace, &masks, &one_step())?;
        let started = Instant::now();
        generation.run(device)?;
        Ok(Some(started.elapsed().as_secs_f64() * 1e3 / tokens as f64))
    }
}

fn one_step() -> SampleOptions {
    SampleOptions { steps: Some(1), ..SampleOptions::default() }
}
