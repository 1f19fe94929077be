//! A training on a device.

use std::rc::Rc;

use device::{Device, DeviceError};
use diffusion::training::team::Alone;
use run::{Event, Record, Run, RunError, Saved, Setup, Start};
use web_time::Instant;

use super::corpus::Corpus;
use crate::protocol::{Compute, Fault, OnCpu, TrainInfo};

/// Milliseconds of steps that a GPU is given before it is waited for: commands are heard in between,
/// and waiting after each quick step would slow them down.
const AHEAD_MS: f64 = 40.0;

/// A training under way, with its device.
#[derive(Debug)]
pub(super) struct Job {
    device: Device,
    run: Run,
    pub(super) corpus: Rc<Corpus>,
    pub(super) name: String,
    pub(super) adapter: String,
    pub(super) on_cpu: Option<OnCpu>,
    /// Milliseconds of a step, as measured before the first.
    pub(super) step_ms: f64,
    /// Milliseconds of steps that were not waited for.
    ahead_ms: f64,
    /// Seconds of work.
    seconds: f64,
    /// Steps that were done before.
    first: u32,
    /// Lines of the log that were told.
    told: usize,
}

impl Job {
    /// Puts a training on a device and times a step of it.
    pub(super) async fn new(
        mut device: Device,
        name: String,
        mut setup: Setup,
        corpus: Rc<Corpus>,
        start: Start,
    ) -> Result<Self, Fault> {
        setup.variants = setup.variants.on(&device.capabilities());
        let (data, alone) = (&corpus.data, Box::new(Alone));
        let mut run = Run::new(&mut device, name.clone(), setup, data, start, alone, 0.0).await?;
        let begun = Instant::now();
        let seconds = run.time_step(&mut device, || begun.elapsed().as_secs_f64()).await?;
        Ok(Self {
            first: run.steps_done(),
            device,
            run,
            corpus,
            name,
            adapter: String::new(),
            on_cpu: None,
            step_ms: 1e3 * seconds,
            ahead_ms: 0.0,
            seconds: 0.0,
            told: 0,
        })
    }

    /// Does what comes next.
    pub(super) async fn advance(&mut self) -> Result<Event, RunError> {
        let (begun, before) = (Instant::now(), self.seconds);
        let clock = || before + begun.elapsed().as_secs_f64();
        let event = self.run.advance(&mut self.device, clock, false).await?;
        if self.on_gpu() && matches!(event, Event::Step { .. }) {
            self.ahead_ms += self.ms();
            if self.ahead_ms >= AHEAD_MS {
                self.run.wait(&self.device).await?;
                self.ahead_ms = 0.0;
            }
        }
        self.seconds = clock();
        Ok(event)
    }

    /// Everything that the training resumes from.
    pub(super) async fn save(&mut self) -> Result<Saved, DeviceError> {
        self.run.save(&self.device, self.seconds).await
    }

    /// Lines of the log since the last call.
    pub(super) fn news(&mut self) -> Vec<Record> {
        let records = self.run.log().records();
        let news = records[self.told..].to_vec();
        self.told = records.len();
        news
    }

    /// The lines that were told already are those of `before`, too.
    pub(super) fn follows(&mut self, before: &Self) {
        self.told = before.told;
    }

    /// Whether a GPU computes.
    pub(super) fn on_gpu(&self) -> bool {
        self.device.gpu().is_some()
    }

    /// Where it is computed, to ask for the same again.
    pub(super) fn compute(&self) -> Compute {
        if self.on_gpu() { Compute::Gpu } else { Compute::Cpu }
    }

    /// Steps done.
    pub(super) fn step(&self) -> u32 {
        self.run.steps_done()
    }

    /// Steps in all.
    pub(super) fn steps(&self) -> u32 {
        self.run.setup().settings.train.steps
    }

    /// Mean time of a step, with what comes between steps, in milliseconds.
    pub(super) fn ms(&self) -> f64 {
        match self.step() - self.first {
            0 => self.step_ms,
            steps => 1e3 * self.seconds / f64::from(steps),
        }
    }

    /// Seconds until the last step.
    pub(super) fn left(&self) -> f64 {
        1e-3 * self.ms() * f64::from(self.steps().saturating_sub(self.step()))
    }

    /// Bytes that the device holds.
    pub(super) fn memory(&self) -> u64 {
        self.device.memory()
    }

    /// What is known of the training.
    pub(super) fn info(&self) -> TrainInfo {
        let config = self.run.config();
        let settings = &self.run.setup().settings;
        TrainInfo {
            name: self.name.clone(),
            text: self.corpus.text.clone(),
            steps: settings.train.steps,
            settings: settings.to_toml(),
            entropy: settings.data.entropy,
            parameters: config.parameters() as u64,
            vocabulary: config.vocab_size as u32,
            step: self.step(),
            step_ms: self.step_ms,
            memory: self.memory(),
            adapter: self.adapter.clone(),
            on_cpu: self.on_cpu.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernels::Variants;
    use pollster::block_on;
    use run::{Outcome, Settings};

    use super::super::{corpus, package};
    use super::*;
    use crate::protocol::{Level, Plan, Text};

    const CHANGES: [&str; 8] = [
        "n_embd=16",
        "n_head=1",
        "n_layer=1",
        "batch_size=4",
        "timesteps=5",
        "eval_batches=1",
        "sample_tokens=8",
        "warmup=2",
    ];

    fn plan(steps: u32) -> (Settings, Rc<Corpus>) {
        let steps = format!("train.steps={steps}");
        let changes = CHANGES.iter().copied().chain([steps.as_str()]).map(str::to_owned);
        let text = Text::Grammar { level: Level::First, stories: 60, seed: 1 };
        let plan = Plan { text, preset: "pocket".to_owned(), changes: changes.collect() };
        let bytes = block_on(corpus::read(&plan.text, &[], "")).expect("stories");
        let settings = corpus::settings(&plan).expect("settings");
        let tokenizer = corpus::tokenizer(&bytes, &settings.data).expect("a tokenizer");
        let corpus = Corpus::new(plan.text, bytes, tokenizer, &settings).expect("text enough");
        (settings, Rc::new(corpus))
    }

    fn begin(steps: u32) -> Job {
        let (settings, corpus) = plan(steps);
        let tokenizer = corpus.tokenizer.clone();
        let setup = Setup { settings, tokenizer, variants: Variants::default() };
        let job = Job::new(Device::cpu(), "tab".to_owned(), setup, corpus, Start::Random);
        block_on(job).expect("a training")
    }

    fn train(mut job: Job, until: u32) -> Saved {
        while job.step() < until {
            block_on(job.advance()).expect("the CPU does not fail");
        }
        block_on(job.save()).expect("the CPU does not fail")
    }

    /// Parameters and moments, as bits.
    fn bits(saved: &Saved) -> Vec<Vec<u32>> {
        let buffers = saved.progress.optimizer.iter().map(|(_, values)| values);
        let all = [&saved.progress.model.values].into_iter().chain(buffers);
        all.map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
    }

    /// As the program drives a run.
    fn program(steps: u32) -> Saved {
        let (settings, corpus) = plan(steps);
        let tokenizer = corpus.tokenizer.clone();
        let setup = Setup { settings, tokenizer, variants: Variants::default() };
        let mut device = Device::cpu();
        let (name, data, alone) = ("native".into(), &corpus.data, Box::new(Alone));
        let run = Run::new(&mut device, name, setup, data, Start::Random, alone, 0.0);
        let mut run = block_on(run).expect("a run");
        let mut last = None;
        loop {
            match block_on(run.advance(&mut device, || 0.0, false)).expect("the CPU does not fail")
            {
                Event::Checkpoint(saved) => last = Some(*saved),
                Event::End(Outcome::Complete) => return last.expect("a checkpoint at the end"),
                _ => {}
            }
        }
    }

    #[test]
    fn steps_in_the_tab_are_the_program_s() {
        let (native, tab) = (program(12), train(begin(12), 12));
        assert_eq!(native.progress.state.step, 12);
        assert_eq!(bits(&tab), bits(&native));
    }

    #[test]
    fn half_and_half_through_a_zip_is_the_whole() {
        let half = train(begin(12), 6);
        let (_, corpus) = plan(12);
        let zip = package::zip("tab", &half, &corpus).expect("a zip");
        let files = block_on(package::expand(vec![("tab.zip".to_owned(), zip)])).expect("files");
        let (saved, text) = package::find(&files).expect("a checkpoint");
        assert_eq!(text, Some(corpus.bytes.as_slice()));
        let start = Start::Progress(Box::new(saved.progress));
        let job = Job::new(Device::cpu(), "tab".to_owned(), saved.setup, corpus, start);
        let mut job = block_on(job).expect("a training");
        assert_eq!((job.step(), job.steps()), (6, 12));
        assert!(job.news().iter().any(|record| matches!(record, Record::Evaluation { .. })));
        assert_eq!(bits(&train(job, 12)), bits(&program(12)));
    }

    #[test]
    fn news_are_told_once() {
        let mut job = begin(12);
        assert!(matches!(job.news()[..], [Record::Start { step: 0, .. }]));
        let mut steps = 0;
        while job.step() < 12 {
            block_on(job.advance()).expect("the CPU does not fail");
            let is_step = |record: &&Record| matches!(record, Record::Step { .. });
            steps += job.news().iter().filter(is_step).count();
        }
        assert_eq!(steps, 1, "every ten steps the loss is read");
        assert!(job.left() == 0.0 && job.ms() > 0.0);
    }
}
