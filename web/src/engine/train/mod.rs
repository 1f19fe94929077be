//! A training in the tab, as a job of the engine.

mod corpus;
mod job;
mod kept;
mod package;
mod zip;

use std::rc::Rc;

use device::Device;
use diffusion::training::Data;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Date, Uint8Array};
use kernels::Variants;
use model::Precision;
use run::settings::SettingsError;
use run::{Record, RunError, Saved, Settings, Setup, Start, TokenizerFile};
use web_sys::{Blob, File, Url};

use super::load::Loaded;
use super::network::SLOW;
use super::{Emit, Train, adapter, files};
use crate::protocol::{
    Chore, Compute, Event, Fault, FaultKind, Kept, Level, OnCpu, Plan, TakeAs, Text, TrainCommand,
    TrainEvent,
};
use corpus::Corpus;
use job::Job;

/// What trains.
pub(crate) struct Trainer {
    emit: Emit,
    /// The latest corpus, with the settings that it was made by.
    corpus: Option<(Settings, Rc<Corpus>)>,
    job: Option<Job>,
    going: bool,
    /// Only one step is wanted.
    single: bool,
}

impl Train for Trainer {
    fn new(emit: Emit) -> Self {
        Self { emit, corpus: None, job: None, going: false, single: false }
    }

    fn going(&self) -> bool {
        self.going
    }

    async fn obey(&mut self, command: TrainCommand, dropped: &[File]) {
        if let Err(fault) = self.answer(command, dropped).await {
            self.fails(fault);
        }
    }

    async fn advance(&mut self) {
        let Some(job) = self.job.as_mut() else {
            self.going = false;
            return;
        };
        let done = job.advance().await;
        let (news, on_gpu) = (job.news(), job.on_gpu());
        let (ms, left, memory) = (job.ms(), job.left(), job.memory());
        if !news.is_empty() {
            self.tell(TrainEvent::Records(news));
        }
        let outcome = match done {
            Ok(run::Event::Step { step }) => {
                self.tell(TrainEvent::Stepped { step, ms, left, memory });
                if self.single {
                    self.going = false;
                    self.tell(TrainEvent::Paused);
                }
                Ok(())
            }
            Ok(run::Event::Checkpoint(saved)) => self.keep(&saved).await,
            Ok(run::Event::NonFinite(what)) => Err(Fault::request(&format!(
                "{what}; go on from what was stored with a lower rate"
            ))),
            Ok(run::Event::End(_)) => {
                self.going = false;
                self.tell(TrainEvent::Complete);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(fault) = outcome {
            self.fails(fault);
            self.going = false;
            self.tell(TrainEvent::Paused);
        }
        if !on_gpu {
            // Nothing on the CPU yields, so commands are let in here.
            TimeoutFuture::new(0).await;
        }
    }

    async fn write(&mut self) -> Result<Loaded, Fault> {
        let job = self.job.as_mut().ok_or_else(|| Fault::request("there is no training yet"))?;
        let Saved { setup, mut progress } = job.save().await?;
        let name = format!("{}, step {}", job.name, progress.state.step);
        progress.model.card.name = Some(name);
        let compute = job.compute();
        let tokenizer = setup.tokenizer.into_tokenizer();
        let on_cpu = job.on_cpu.clone();
        Loaded::trained(progress.model, tokenizer, compute, on_cpu, &self.emit).await
    }
}

impl Trainer {
    async fn answer(&mut self, command: TrainCommand, dropped: &[File]) -> Result<(), Fault> {
        match command {
            TrainCommand::Look => self.tell(TrainEvent::Kept(kept::look().await)),
            TrainCommand::Forget => {
                kept::remove().await?;
                self.tell(TrainEvent::Kept(None));
            }
            TrainCommand::Prepare { plan, compute, base } => {
                self.drop_job();
                self.prepare(plan, compute, dropped, &base).await?;
            }
            TrainCommand::Open { text, compute, base } => {
                self.drop_job();
                self.open(text, compute, dropped, &base).await?;
            }
            TrainCommand::Restore { compute } => {
                self.drop_job();
                self.restore(compute).await?;
            }
            TrainCommand::Go => self.go(false),
            TrainCommand::Step => self.go(true),
            TrainCommand::Pause => {
                self.going = false;
                if let Some(job) = self.job.as_mut() {
                    let saved = job.save().await?;
                    self.keep(&saved).await?;
                }
                self.tell(TrainEvent::Paused);
            }
            TrainCommand::Change(changes) => self.change(&changes).await?,
            TrainCommand::Take(form) => self.take(form).await?,
            TrainCommand::Write => {}
        }
        Ok(())
    }

    fn tell(&self, event: TrainEvent) {
        (self.emit)(Event::Training(event));
    }

    /// Says what went wrong. A training whose device failed is over.
    fn fails(&mut self, fault: Fault) {
        if fault.kind != FaultKind::Request {
            self.drop_job();
        }
        self.tell(TrainEvent::Fault(fault));
    }

    fn drop_job(&mut self) {
        self.going = false;
        self.job = None;
    }

    fn go(&mut self, single: bool) {
        self.going = self.job.is_some();
        self.single = single;
    }

    /// Says what the engine does next, and lets others take their turn.
    async fn busy(&self, chore: Chore) {
        self.tell(TrainEvent::Busy(chore));
        TimeoutFuture::new(0).await;
    }

    async fn prepare(
        &mut self,
        plan: Plan,
        compute: Compute,
        dropped: &[File],
        base: &str,
    ) -> Result<(), Fault> {
        let settings = corpus::settings(&plan)?;
        self.busy(Chore::Text).await;
        let bytes = corpus::read(&plan.text, dropped, base).await?;
        let same = |(made, known): &(Settings, Rc<Corpus>)| {
            made.data == settings.data && known.text == plan.text && known.bytes == bytes
        };
        let tokenizer = match self.corpus.as_ref().filter(|known| same(known)) {
            Some((_, known)) => known.tokenizer.clone(),
            None => {
                self.busy(Chore::Tokenizer).await;
                corpus::tokenizer(&bytes, &settings.data)?
            }
        };
        let corpus = self.encode(plan.text.clone(), bytes, tokenizer, &settings).await?;
        let tokenizer = corpus.tokenizer.clone();
        let setup = Setup { settings, tokenizer, variants: Variants::default() };
        let job = self.build(compute, name(&plan), setup, corpus, &Start::Random).await?;
        self.ready(job);
        Ok(())
    }

    async fn encode(
        &mut self,
        text: Text,
        bytes: Vec<u8>,
        tokenizer: TokenizerFile,
        settings: &Settings,
    ) -> Result<Rc<Corpus>, Fault> {
        self.busy(Chore::Tokens).await;
        let corpus = Rc::new(Corpus::new(text, bytes, tokenizer, settings)?);
        self.corpus = Some((settings.clone(), Rc::clone(&corpus)));
        self.tell(TrainEvent::Corpus(Box::new(corpus.info.clone())));
        Ok(corpus)
    }

    async fn open(
        &mut self,
        text: Option<Text>,
        compute: Compute,
        dropped: &[File],
        base: &str,
    ) -> Result<(), Fault> {
        self.busy(Chore::Text).await;
        let mut all = Vec::new();
        for file in dropped {
            all.push((file.name(), files::read(file).await?));
        }
        let all = package::expand(all).await?;
        let (saved, found) = package::find(&all)?;
        let (text, bytes) = match (found, text) {
            (Some(bytes), _) => (Text::Own { name: title(&saved) }, bytes.to_vec()),
            (None, Some(text @ (Text::Grammar { .. } | Text::Sample))) => {
                let bytes = corpus::read(&text, &[], base).await?;
                (text, bytes)
            }
            (None, _) => {
                return Err(Fault::request(
                    "the text that the checkpoint was trained on is not among the files; drop both \
                     together, or choose the text first",
                ));
            }
        };
        self.resume(saved, text, bytes, compute).await
    }

    async fn restore(&mut self, compute: Compute) -> Result<(), Fault> {
        self.busy(Chore::Text).await;
        let none = || Fault::request("this browser has no training stored for this page");
        let kept = kept::look().await.ok_or_else(none)?;
        let archive = kept::archive().await.ok_or_else(none)?;
        let all = package::expand(vec![("stored.zip".to_owned(), archive)]).await?;
        let (saved, bytes) = package::find(&all)?;
        let bytes = bytes.ok_or_else(none)?.to_vec();
        self.resume(saved, kept.text, bytes, compute).await
    }

    async fn resume(
        &mut self,
        Saved { setup, progress }: Saved,
        text: Text,
        bytes: Vec<u8>,
        compute: Compute,
    ) -> Result<(), Fault> {
        let tokenizer = setup.tokenizer.clone();
        let corpus = self.encode(text, bytes, tokenizer, &setup.settings).await?;
        if !began_with(progress.log.records(), &corpus.data) {
            return Err(Fault::request(
                "this is not the text that the checkpoint was trained on: it has another number of \
                 tokens; choose that text, or drop both together",
            ));
        }
        let name = progress.model.card.name.clone().unwrap_or_else(|| "training".to_owned());
        let start = Start::Progress(Box::new(progress));
        let job = self.build(compute, name, setup, corpus, &start).await?;
        self.ready(job);
        Ok(())
    }

    /// Puts a training on the device that is asked for, or that is quicker.
    async fn build(
        &self,
        compute: Compute,
        name: String,
        setup: Setup,
        corpus: Rc<Corpus>,
        start: &Start,
    ) -> Result<Job, Fault> {
        self.busy(Chore::Device).await;
        let make = |device: Device| {
            Job::new(device, name.clone(), setup.clone(), Rc::clone(&corpus), start.clone())
        };
        let (device, on_cpu) = adapter::open(compute).await?;
        let adapter = adapter::name(&device).await;
        let mut gpu = make(device).await?;
        (gpu.adapter, gpu.on_cpu) = (adapter, on_cpu);
        if compute != Compute::Auto || !gpu.on_gpu() || gpu.step_ms < SLOW {
            return Ok(gpu);
        }
        let mut cpu = make(Device::cpu()).await?;
        if cpu.step_ms >= gpu.step_ms {
            return Ok(gpu);
        }
        let (adapter, gpu_ms) = (gpu.adapter, gpu.step_ms);
        cpu.on_cpu = Some(OnCpu::Quicker { adapter, gpu_ms, cpu_ms: cpu.step_ms });
        cpu.adapter = adapter::CPU.to_owned();
        Ok(cpu)
    }

    fn ready(&mut self, mut job: Job) {
        self.tell(TrainEvent::Ready(Box::new(job.info())));
        self.tell(TrainEvent::Records(job.news()));
        self.job = Some(job);
    }

    /// Stores a checkpoint in the browser.
    async fn keep(&self, saved: &Saved) -> Result<(), Fault> {
        let Some(job) = &self.job else { return Ok(()) };
        let archive = package::zip(&job.name, saved, &job.corpus)?;
        let kept = Kept {
            text: job.corpus.text.clone(),
            step: saved.progress.state.step,
            steps: job.steps(),
            validation_loss: saved.progress.state.validation_loss,
            bytes: archive.len() as u64,
            time: Date::now(),
        };
        self.tell(match kept::put(&kept, &archive).await {
            Ok(()) => TrainEvent::Stored(kept),
            Err(sentence) => TrainEvent::NotStored(sentence),
        });
        Ok(())
    }

    /// Goes on with other settings.
    async fn change(&mut self, changes: &[String]) -> Result<(), Fault> {
        let nothing = || Fault::request("there is no training to change");
        let job = self.job.as_mut().ok_or_else(nothing)?;
        let Saved { mut setup, progress } = job.save().await?;
        let refused = |error: SettingsError| Fault::request(&error);
        let asked = setup.settings.changed(changes).map_err(refused)?;
        setup.settings.resume(&asked).map_err(refused)?;
        let (done, steps) = (progress.state.step, asked.train.steps);
        if steps < done {
            return Err(Fault::request(&format!(
                "{done} steps are done already, more than the {steps} asked for; ask for more"
            )));
        }
        setup.settings = asked;
        let compute = job.compute();
        let (name, corpus, on_cpu) = (job.name.clone(), Rc::clone(&job.corpus), job.on_cpu.clone());
        let start = Start::Progress(Box::new(progress));
        let mut changed = self.build(compute, name, setup, corpus, &start).await?;
        changed.on_cpu = on_cpu;
        if let Some(before) = &self.job {
            changed.follows(before);
        }
        self.ready(changed);
        Ok(())
    }

    async fn take(&mut self, form: TakeAs) -> Result<(), Fault> {
        let job = self.job.as_mut().ok_or_else(|| Fault::request("there is no training yet"))?;
        let saved = job.save().await?;
        let stem = format!("{}-step-{}", job.name, saved.progress.state.step);
        let (name, bytes) = match form {
            TakeAs::Checkpoint => {
                (format!("{stem}.zip"), package::zip(&job.name, &saved, &job.corpus)?)
            }
            TakeAs::Model => {
                let bytes = saved.progress.model.to_safetensors(Precision::F32)?;
                (format!("{stem}.safetensors"), bytes)
            }
        };
        let failed = |_| Fault::request("the browser could not make the file: its memory is full");
        let parts = Array::of1(&Uint8Array::from(bytes.as_slice()));
        let blob = Blob::new_with_u8_array_sequence(&parts).map_err(failed)?;
        let url = Url::create_object_url_with_blob(&blob).map_err(failed)?;
        self.tell(TrainEvent::File { name, url, bytes: bytes.len() as u64 });
        Ok(())
    }
}

/// What a model that is trained by a plan is called.
fn name(plan: &Plan) -> String {
    let text = match &plan.text {
        Text::Grammar { level: Level::First, .. } => "first-stories",
        Text::Grammar { .. } => "grammar",
        Text::Sample => "sample",
        Text::Own { .. } => "own-text",
    };
    format!("{}-{text}", plan.preset)
}

/// What the text of a checkpoint is called that says no more.
fn title(saved: &Saved) -> String {
    let name = saved.progress.model.card.name.as_deref().unwrap_or("a checkpoint");
    format!("text of {name}")
}

/// Whether a run that logged this began with a corpus of so many tokens.
fn began_with(records: &[Record], data: &Data) -> bool {
    let lengths = records.iter().find_map(|record| match record {
        Record::Start { train_tokens, validation_tokens, .. } => {
            Some([*train_tokens, *validation_tokens])
        }
        _ => None,
    });
    lengths.is_none_or(|lengths| lengths == data.lengths())
}

impl From<RunError> for Fault {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Device(error) => error.into(),
            RunError::Training(diffusion::training::TrainingError::Device(error)) => error.into(),
            RunError::Sample(error) => error.into(),
            other => Self::request(&other),
        }
    }
}
