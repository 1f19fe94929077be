//! A network on a device, prepared while its parameters are still downloading.

use device::{Device, Launch};
use diffusion::sampler::{Generation, Parts, PassOptions, SampleOptions, Workspace};
use kernels::Variants;
use model::{Config, Model};
use web_time::Instant;

use super::Emit;
use crate::protocol::{Event, Fault, Stage};

/// Length of the text for timing a CPU, in tokens.
const MEASURED: usize = 32;

/// A network on a device with its shaders compiled.
pub(super) struct Network {
    pub(super) device: Device,
    pub(super) variants: Variants,
    pub(super) model: Model,
    pub(super) workspace: Workspace,
}

impl Network {
    /// Allocates buffers and compiles shaders; the parameters are zeros.
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

    /// Compiles the shaders of a step one by one, yielding to the event loop in between.
    async fn compile_shaders(&mut self, emit: &Emit) -> Result<(), Fault> {
        if self.device.gpu().is_none() {
            return Ok(());
        }
        let Self { device, variants, model, workspace } = self;
        let parts = Parts { model, variants, workspace };
        let pass = PassOptions { predictions: true, ..PassOptions::default() };
        let recording = Generation::warmup_recording(parts, &one_step(), pass);
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
        // Fails now if the adapter cannot bind everything, not at the first run.
        device.compile(recording)?;
        tell(total, "");
        Ok(())
    }

    /// Milliseconds per token and step on a CPU; `None` on a GPU, where the time hardly depends on
    /// the length.
    pub(super) fn token_ms(&mut self) -> Result<Option<f64>, Fault> {
        if self.device.gpu().is_some() {
            return Ok(None);
        }
        let Self { device, variants, model, workspace } = self;
        let tokens = model.config.block_size.min(MEASURED);
        let masks = [vec![None; tokens]];
        let parts = Parts { model, variants, workspace };
        let pass = PassOptions::default();
        let mut generation = Generation::new(device, parts, &masks, &one_step(), pass)?;
        let started = Instant::now();
        generation.run(device)?;
        Ok(Some(started.elapsed().as_secs_f64() * 1e3 / tokens as f64))
    }
}

fn one_step() -> SampleOptions {
    SampleOptions { steps: Some(1), ..SampleOptions::default() }
}
