//! A corpus that is larger than what is on the device at a time.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use device::Device;
use diffusion::Schedule;
use diffusion::training::team::Share;
use diffusion::training::{
    Data, MAX_WINDOW, Tokens, Training, TrainingError, TrainingOptions, TrainingState,
};
use kernels::Variants;
use model::{Config, Init, Objective, Times, Weighting, initial_values};
use optim::{AdamW, DecaySchedule, LrSchedule, OptimizerConfig};
use pollster::block_on;

const CONFIG: Config = Config {
    n_layer: 1,
    n_head: 2,
    n_embd: 32,
    block_size: 8,
    timesteps: 20,
    ..Config::reference(40)
};

/// Windows of 64 tokens, each for two steps of 4 x 8.
const OPTIONS: TrainingOptions = TrainingOptions {
    batch: 4,
    length: 8,
    accumulation: 1,
    recompute: false,
    window: 64,
    share: Share::WHOLE,
    outer: None,
    story_starts: 0.0,
    end_of_text: Some(3),
    complementary: 0.0,
    dropout: 0.0,
    objective: Objective::Masked,
    span_length: 1.0,
    schedule: Schedule::Cosine2,
    times: Times::Uniform,
    weighting: Weighting::Mean,
    stratified: true,
    seed: 5,
};

const OPTIMIZER: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.0 },
    scalar_lr: 0.02,
    muon: None,
    clip: 1.0,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

/// Remembers what was read of it.
#[derive(Clone, Debug)]
struct Watched {
    ids: Vec<u32>,
    reads: Arc<Mutex<Vec<Range<usize>>>>,
    /// Reads after which there are no more.
    most: usize,
}

impl Watched {
    /// Five windows, of which two overlap: 300 tokens, with a story's end here and there.
    fn new() -> Self {
        let ids = (0..300u32).map(|n| if n % 23 == 7 { 3 } else { 4 + n % 36 }).collect();
        Self { ids, reads: Arc::default(), most: usize::MAX }
    }

    fn reads(&self) -> Vec<Range<usize>> {
        self.reads.lock().expect("nobody panicked").clone()
    }
}

impl Tokens for Watched {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn read(&self, range: Range<usize>) -> io::Result<Vec<u32>> {
        let mut reads = self.reads.lock().expect("nobody panicked");
        if reads.len() == self.most {
            return Err(io::Error::other("the disk is gone"));
        }
        reads.push(range.clone());
        Ok(self.ids[range].to_vec())
    }
}

fn training(device: &mut Device, corpus: &Watched, options: &TrainingOptions) -> Training {
    let init = initial_values(&CONFIG, &Init { std: 0.05, zero_projections: false, seed: 1 });
    let data = Data::new(corpus.clone(), vec![4; 100]);
    Training::new(device, &Variants::default(), CONFIG, &init, &data, options, &OPTIMIZER)
        .expect("possible settings")
}

fn steps(training: &mut Training, device: &mut Device, steps: u32) -> TrainingState {
    (0..steps).for_each(|_| training.step(device).expect("the device answers"));
    block_on(training.state(device)).expect("the device answers")
}

#[test]
fn each_window_has_its_turn_in_each_round() {
    let (corpus, mut device) = (Watched::new(), Device::cpu());
    let mut training = training(&mut device, &corpus, &OPTIONS);
    steps(&mut training, &mut device, 40);
    let reads = corpus.reads();
    // A window that ends a round and begins the next is not read again.
    assert!((17..=20).contains(&reads.len()), "{reads:?}");
    let places = |reads: &[Range<usize>]| reads.iter().map(|read| read.start).collect::<Vec<_>>();
    let windows: BTreeSet<_> = places(&reads).into_iter().collect();
    assert_eq!(windows.into_iter().collect::<Vec<_>>(), [0, 59, 118, 177, 236]);
    assert!(reads.iter().all(|read| read.len() == 64));
    let first = places(&reads[..5]);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 5, "{first:?}");
    assert!(!places(&reads[5..]).windows(5).any(|round| round == first), "{reads:?}");
}

/// Which window a step draws from follows from its number, also at stories and when the training was
/// interrupted within a window.
#[test]
fn a_resumed_training_is_in_the_same_window() {
    for story_starts in [0.0, 0.7] {
        let (corpus, options) = (Watched::new(), TrainingOptions { story_starts, ..OPTIONS });
        let mut device = Device::cpu();
        let mut whole = training(&mut device, &corpus, &options);
        let expected = steps(&mut whole, &mut device, 13);
        for cut in [1, 4, 7] {
            let mut device = Device::cpu();
            let mut first = training(&mut device, &corpus, &options);
            let state = steps(&mut first, &mut device, cut);
            let mut second = training(&mut device, &corpus, &options);
            second.restore(&mut device, &state).expect("a state of this training");
            assert!(steps(&mut second, &mut device, 13 - cut) == expected, "cut after {cut}");
        }
    }
}

#[test]
fn a_window_that_holds_all_is_the_corpus() {
    let run = |window| {
        let (corpus, mut device) = (Watched::new(), Device::cpu());
        let mut training = training(&mut device, &corpus, &TrainingOptions { window, ..OPTIONS });
        let state = steps(&mut training, &mut device, 13);
        assert_eq!(corpus.reads().len(), 1);
        state
    };
    assert!(run(300) == run(MAX_WINDOW));
}

#[test]
fn a_corpus_that_goes_away_ends_the_training_with_a_sentence() {
    let (corpus, mut device) = (Watched { most: 1, ..Watched::new() }, Device::cpu());
    let mut training = training(&mut device, &corpus, &OPTIONS);
    steps(&mut training, &mut device, 2);
    let error = (0..10).find_map(|_| training.step(&mut device).err()).expect("it is gone");
    assert!(matches!(error, TrainingError::Unreadable(_)), "{error}");
    assert_eq!(error.to_string(), "the corpus cannot be read any more: the disk is gone");
}
