//! Block diffusion between its two ends: one block is masked diffusion, blocks of one token are an
//! autoregressive network. Likelihoods by brute force over all texts of three tokens.

use device::Device;
use diffusion::metrics::{Scorer, stratified_times};
use diffusion::{Probe, Schedule};
use kernels::Variants;
use model::{Config, Init, Model, Objective, initial_values};
use pollster::block_on;

/// Three tokens and `[MASK]`; the network is told the time.
const TINY: Config = Config {
    n_layer: 2,
    n_head: 2,
    n_embd: 8,
    block_size: 3,
    timesteps: 4,
    mask_id: 3,
    ..Config::reference(4)
};
const CLEAN: u32 = 3;
const SCHEDULE: Schedule = Schedule::Cosine2;

fn network(device: &mut Device, config: Config, objective: Objective) -> Model {
    let init = Init { std: 0.7, zero_projections: false, seed: 4 };
    let model = Model::new(device, config).expect("it fits");
    let values = initial_values(&config, &init);
    model.parameters.write(device, &values).expect("the device answers");
    Model { objective, ..model }
}

/// All texts of three tokens.
fn texts() -> Vec<Vec<u32>> {
    let token = |n: u32, place: u32| n / CLEAN.pow(place) % CLEAN;
    (0..CLEAN.pow(3)).map(|n| (0..3).map(|place| token(n, place)).collect()).collect()
}

fn probe(objective: Objective) -> Probe {
    Probe::new(&TINY, objective, SCHEDULE, SCHEDULE)
}

/// What a network is asked about texts, one after the other.
#[derive(Default)]
struct Questions {
    seen: Vec<u32>,
    targets: Vec<u32>,
    told: Vec<u32>,
}

impl Questions {
    /// Adds `text` with masks where `hidden` has a bit, each of its parts at a time.
    fn ask(&mut self, objective: Objective, text: &[u32], hidden: u32, times: &[usize]) {
        let mask = |i: usize| if hidden >> i & 1 == 1 { TINY.mask_id } else { text[i] };
        self.seen.extend((0..text.len()).map(mask));
        self.targets.extend(text);
        self.told.extend(times.iter().map(|&time| time as u32));
        if let Objective::Block(_) = objective {
            self.seen.extend(text);
            self.targets.extend(text);
            self.told.extend(vec![0; times.len()]);
        }
    }

    /// Cross-entropy of the three tokens of each text, in nats: among those that can be written.
    fn losses(self, device: &mut Device, model: &Model) -> Vec<[f64; 3]> {
        let positions = model.objective.positions(3);
        let count = self.seen.len() / positions;
        let scorer = Scorer::new(device, &Variants::default(), model, count, 3).expect("it fits");
        let mut score = |targets: &[u32]| -> Vec<f64> {
            let scores = scorer.score(device, &self.seen, targets, &self.told);
            let loss = block_on(scores).expect("the device answers").loss;
            loss.into_iter().map(f64::from).collect()
        };
        let (raw, lost) = (score(&self.targets), score(&vec![TINY.mask_id; self.targets.len()]));
        let nats: Vec<f64> =
            raw.iter().zip(lost).map(|(nats, lost)| nats + (1.0 - (-lost).exp()).ln()).collect();
        nats.chunks(positions).map(|row| [row[0], row[1], row[2]]).collect()
    }
}

/// The bound on every text's likelihood, exactly: the sum over times and masks of each block, with the
/// blocks before it clean.
fn bounds(device: &mut Device, model: &Model, block: usize) -> Vec<f64> {
    let (all, last, parts) = (texts(), TINY.timesteps, 3 / block);
    let cases: Vec<(usize, u32)> =
        (1..=last).flat_map(|t| (0..8).map(move |set| (t, set))).collect();
    let mut questions = Questions::default();
    for (text, &(t, set)) in all.iter().flat_map(|text| cases.iter().map(move |case| (text, case)))
    {
        questions.ask(model.objective, text, set, &vec![t; parts]);
    }
    let losses = questions.losses(device, model);
    let bound = |losses: &[[f64; 3]]| -> f64 {
        let of_case = |(&(t, set), nats): (&(usize, u32), &[f64; 3])| -> f64 {
            let alpha = SCHEDULE.alpha(t, last);
            let masked = |i: &usize| set >> i & 1 == 1;
            let of_block = |k: usize| {
                let places = block * k..block * (k + 1);
                let hidden = places.clone().filter(masked).count() as i32;
                // What is masked in other blocks is drawn independently, and is not seen.
                let chance = (1.0 - alpha).powi(hidden) * alpha.powi(block as i32 - hidden);
                let others = 0.5f64.powi(3 - block as i32);
                let nats: f64 = places.filter(masked).map(|i| nats[i]).sum();
                SCHEDULE.elbo_weight(t, last) * chance * others * nats
            };
            (0..parts).map(of_block).sum()
        };
        cases.iter().zip(losses).map(of_case).sum()
    };
    losses.chunks(cases.len()).map(bound).collect()
}

/// With one block, a network computes what it computes as a masked one.
#[test]
fn one_block_is_masked_diffusion() {
    let mut device = Device::oracle();
    let block = network(&mut device, TINY, Objective::Block(3));
    let masked = Model { objective: Objective::Masked, ..block.clone() };
    let [one, other] = [&block, &masked].map(|model| {
        let mut questions = Questions::default();
        for (n, text) in texts().iter().enumerate() {
            questions.ask(model.objective, text, n as u32 % 8, &[1 + n % 4]);
        }
        questions.losses(&mut device, model)
    });
    for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
        assert!((one - other).abs() < 1e-6, "{one}, masked {other}");
    }
    let masked_bounds = bounds(&mut device, &masked, 3);
    for (one, other) in bounds(&mut device, &block, 3).iter().zip(masked_bounds) {
        assert!((one - other).abs() < 1e-5, "{one}, masked {other}");
    }
}

/// With blocks of one token the bound of a text is its likelihood, whatever the schedule, and the
/// likelihoods of all texts sum to one. Only then: longer blocks are drawn in steps that know little of
/// each other.
#[test]
fn blocks_of_one_token_are_autoregressive() {
    let mut device = Device::oracle();
    let config = Config { timestep_embedding: false, ..TINY };
    let model = network(&mut device, config, Objective::Block(1));
    let bounds_of_one = bounds(&mut device, &model, 1);
    // Every token is predicted from those before it, as if all were masked.
    let mut questions = Questions::default();
    texts().iter().for_each(|text| questions.ask(model.objective, text, 7, &[4; 3]));
    let exact = questions.losses(&mut device, &model);
    for (bound, nats) in bounds_of_one.iter().zip(&exact) {
        let nats: f64 = nats.iter().sum();
        assert!((bound - nats).abs() < 1e-5, "{bound}, left to right {nats}");
    }
    let total: f64 = bounds_of_one.iter().map(|nats| (-nats).exp()).sum();
    assert!((total - 1.0).abs() < 1e-5, "{total}");

    let model = Model { objective: Objective::Block(3), ..model };
    let total: f64 = bounds(&mut device, &model, 3).iter().map(|nats| (-nats).exp()).sum();
    assert!(total < 1.0 - 1e-3, "a bound, not the likelihood: {total}");
}

/// What random masks estimate is the bound, whether a text is one block or three.
#[test]
fn estimates_are_the_bound() {
    let mut device = Device::oracle();
    for block in [1, 3] {
        let objective = Objective::Block(block);
        let model = network(&mut device, TINY, objective);
        let (probe, parts, count) = (probe(objective), 3 / block, 3000);
        let exact = bounds(&mut device, &model, block);
        let text = &texts()[17];
        let times = stratified_times(count * parts, TINY.timesteps, 5);
        let mut questions = Questions::default();
        let mut masks = vec![];
        for n in 0..count {
            let time = |part: usize| times[(part + n) % parts * count + n];
            let times: Vec<usize> = (0..parts).map(time).collect();
            let question = probe.question(text, &times, 6, n as u32);
            assert_eq!(question.seen[3..], text[..]);
            assert_eq!(question.mask[3..], [0; 3]);
            assert_eq!(question.told[parts..], vec![0; parts]);
            let set = question.mask[0] + 2 * question.mask[1] + 4 * question.mask[2];
            questions.ask(objective, text, set, &times);
            assert_eq!(questions.told[2 * parts * n..], question.told);
            masks.push((times, question.mask));
        }
        let losses = questions.losses(&mut device, &model);
        let mut bound = probe.bound();
        for (loss, (times, mask)) in losses.iter().zip(masks) {
            bound.add(&times, &loss.map(|nats| nats as f32), &mask[..3]);
        }
        let (mean, error) = bound.nats_per_sequence();
        assert!(
            (mean - exact[17]).abs() < 4.5 * error,
            "{block}: {mean} +- {error}, {}",
            exact[17]
        );
        assert!(error < 0.1 * mean, "{error}");
    }
}
