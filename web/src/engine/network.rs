//! A network on a device, prepared while its parameters are still downloading.

use device::{Device, Launch};
use diffusion::default_sampler;
use diffusion::sampler::{Generation, Parts, PassOptions, SampleOptions, Workspace};
use kernels::Variants;
use model::{Check, CheckpointFile, Config, Model, Objective};
use web_time::Instant;
use writer::TOLERANCE;

use super::{Emit, adapter};
use crate::protocol::{Event, Fault, OnCpu, Stage};

/// Length of the text for timing a step, in tokens.
const MEASURED: usize = 32;
/// Milliseconds of a step from which the CPU is tried, too: no hardware is as slow as that, but
/// implementations of WebGPU in software are.
pub(super) const SLOW: f64 = 400.0;
/// Milliseconds of a step after which timing another one would tell nothing new.
const CERTAIN: f64 = 2_000.0;

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
        (config, objective): (Config, Objective),
        emit: &Emit,
    ) -> Result<Self, Fault> {
        let mut model = Model::new(&mut device, config)?;
        // The cache of the others comes when their speed is measured.
        if objective.shifts() {
            model.objective = objective;
        }
        let workspace = Workspace::for_model(&mut device, &model, 1, config.block_size)?;
        let mut network = Self { device, variants: Variants::default(), model, workspace };
        network.compile_shaders(emit).await?;
        Ok(network)
    }

    /// On `device`, or on the CPU where a step of that GPU is slow and the CPU's is quicker.
    pub(super) async fn quickest(
        device: Device,
        kind: (Config, Objective),
        emit: &Emit,
    ) -> Result<(Self, Option<OnCpu>), Fault> {
        let mut network = Self::new(device, kind, emit).await?;
        if network.device.gpu().is_none() {
            return Ok((network, None));
        }
        // Passes over a whole text, whatever the network was trained for.
        emit(Event::Progress(Stage::Timing));
        let gpu_ms = network.step_ms(Objective::Masked).await?;
        if gpu_ms < SLOW {
            return Ok((network, None));
        }
        let mut other = Self::new(Device::cpu(), kind, emit).await?;
        emit(Event::Progress(Stage::Timing));
        let cpu_ms = other.step_ms(Objective::Masked).await?;
        log::info!("a step of {MEASURED} tokens: GPU {gpu_ms:.0} ms, CPU {cpu_ms:.0} ms");
        if cpu_ms >= gpu_ms {
            return Ok((network, None));
        }
        let adapter = adapter::name(&network.device).await;
        Ok((other, Some(OnCpu::Quicker { adapter, gpu_ms, cpu_ms })))
    }

    /// Takes its parameters from a file, a tensor at a time: beside the model that still stands there is
    /// no room for a copy of all of them.
    pub(super) fn fill(&mut self, file: &CheckpointFile<Vec<u8>>) -> Result<(), Fault> {
        for tensor in file.tensors() {
            let (tensor, values) = tensor?;
            let place = self.model.parameters.part(tensor.offset, tensor.len());
            self.device.write_floats(place, &values)?;
        }
        Ok(())
    }

    /// Whether the GPU computes what is known of the model. If it does not, and the CPU does: the
    /// same on the CPU, and the reason.
    pub(super) async fn checked(
        &mut self,
        file: &CheckpointFile<Vec<u8>>,
        check: &Check,
        emit: &Emit,
    ) -> Result<Option<(Self, OnCpu)>, Fault> {
        if self.device.gpu().is_none() {
            return Ok(None);
        }
        let objective = file.card.objective;
        let gpu = self.deviation(check, objective).await?;
        log::info!("the GPU differs by {gpu:.1e} from what is known of the model");
        if gpu <= TOLERANCE {
            return Ok(None);
        }
        let mut other = Self::new(Device::cpu(), (file.config, objective), emit).await?;
        other.fill(file)?;
        let cpu = other.deviation(check, objective).await?;
        if cpu > TOLERANCE {
            log::warn!("the CPU differs by {cpu:.1e}: the model is another one than was checked");
            return Ok(None);
        }
        let adapter = adapter::name(&self.device).await;
        Ok(Some((other, OnCpu::Wrong { adapter })))
    }

    /// Most by which a network of this objective differs from its check.
    async fn deviation(&mut self, check: &Check, objective: Objective) -> Result<f32, Fault> {
        let Self { device, variants, model, .. } = self;
        let before = std::mem::replace(&mut model.objective, objective);
        let found = writer::deviation(device, model, variants, check).await;
        model.objective = before;
        Ok(found?)
    }

    /// Compiles the shaders of a step one by one, yielding to the event loop in between.
    async fn compile_shaders(&mut self, emit: &Emit) -> Result<(), Fault> {
        if self.device.gpu().is_none() {
            return Ok(());
        }
        let Self { device, variants, model, workspace } = self;
        let parts = Parts { model, variants, workspace };
        let pass = PassOptions { predictions: true, ..PassOptions::default() };
        let options = one_step(model.objective);
        let recordings = Generation::warmup_recordings(parts, &options, pass);
        let mut launches: Vec<&Launch> = Vec::new();
        for launch in recordings.iter().flat_map(|recording| recording.launches()) {
            let same = |other: &&Launch| {
                other.kernel.name == launch.kernel.name && other.constants == launch.constants
            };
            if !launches.iter().any(same) {
                launches.push(launch);
            }
        }
        let total = launches.len() as u32;
        let tell = |done| emit(Event::Progress(Stage::Shaders { done, total }));
        for (launch, done) in launches.iter().zip(0..) {
            tell(done);
            device.compile_kernel(launch).await?;
        }
        // Fails now if the adapter cannot bind everything, not at the first run.
        for recording in recordings {
            device.compile(recording)?;
        }
        tell(total);
        Ok(())
    }

    /// Milliseconds for each token that a step computes on a CPU; `None` on a GPU, where the time
    /// hardly depends on their number.
    pub(super) async fn token_ms(&mut self) -> Result<Option<f64>, Fault> {
        if self.device.gpu().is_some() {
            return Ok(None);
        }
        let objective = self.model.objective;
        // With a cache a step computes one token.
        let tokens =
            if objective.shifts() { 1 } else { self.model.config.block_size.min(MEASURED) };
        Ok(Some(self.step_ms(objective).await? / tokens as f64))
    }

    /// Milliseconds of a step of a short text, written as by a network of this objective; the quickest
    /// of three: the first may have to prepare something, and the machine may be busy with something
    /// else. A slow one is slow enough to be sure.
    async fn step_ms(&mut self, objective: Objective) -> Result<f64, Fault> {
        let own = std::mem::replace(&mut self.model.objective, objective);
        let measured = self.measure().await;
        self.model.objective = own;
        measured
    }

    async fn measure(&mut self) -> Result<f64, Fault> {
        let Self { device, variants, model, workspace } = self;
        let masks = [vec![None; model.config.block_size.min(MEASURED)]];
        let (pass, options) = (PassOptions::default(), one_step(model.objective));
        let parts = Parts { model, variants, workspace };
        let mut generation = Generation::new(device, parts, &masks, &options, pass)?;
        let first = generation.read_state(device).await?;
        let mut quickest = f64::INFINITY;
        for _ in 0..3 {
            generation.set_state(device, &first)?;
            let started = Instant::now();
            generation.step(device)?;
            generation.read_state(device).await?;
            quickest = quickest.min(started.elapsed().as_secs_f64() * 1e3);
            if quickest > CERTAIN {
                break;
            }
        }
        Ok(quickest)
    }
}

fn one_step(objective: Objective) -> SampleOptions {
    let sampler = default_sampler(objective).into();
    SampleOptions { sampler, steps: Some(1), ..SampleOptions::default() }
}
