//! The golden metrics, on every device.

use kernels::Variants;
use model::{Activations, Model, Schedule};
use pollster::block_on;

use super::*;
use crate::golden::{Golden, devices, numbers};

/// |a - b| <= 2e-5 + 2e-5 |b|: f32 against f64.
fn assert_close(what: &str, a: f64, b: f64) {
    assert!((a - b).abs() <= 2e-5 + 2e-5 * b.abs(), "{what}: {a}, expected {b}");
}

/// Backpropagation needs what every layer computed; a forward pass only the latest.
#[test]
fn scoring_takes_less_memory_than_training() {
    let checkpoint = Golden::sampler().checkpoint();
    for mut device in devices() {
        let model = Model::load(&mut device, &checkpoint).unwrap();
        let start = device.memory();
        Scorer::new(&mut device, &Variants::default(), &model, 3, 32).unwrap();
        let scored = device.memory();
        Activations::for_training(&mut device, &model.config, 3, 32, false).unwrap();
        let (taken, trained) = (scored - start, device.memory() - scored);
        assert!(taken < trained, "{device}: {taken} of {trained}");
    }
}

#[test]
fn golden_metrics_of_the_network() {
    let golden = Golden::metrics();
    let number = |name: &str| golden.json[name].as_f64().unwrap();
    let checkpoint = Golden::sampler().checkpoint();
    for mut device in devices() {
        let model = Model::load(&mut device, &checkpoint).unwrap();
        let scorer = Scorer::new(&mut device, &Variants::default(), &model, 3, 32).unwrap();
        let what = device.to_string();

        let mut scores = MaskedScores::default();
        for batch in 0..6 {
            let [noisy, clean, times] =
                ["xt", "x0", "t"].map(|part| golden.words(&format!("eval{batch}.{part}")));
            let score = scorer.score(&mut device, &noisy, &clean, &times);
            let Scores { loss, hit, .. } = block_on(score).unwrap();
            scores.add(&loss, &hit, &golden.bytes(&format!("eval{batch}.mask")));
        }
        let expected = numbers(&golden.json["batch_losses"]);
        for (actual, expected) in scores.batch_losses().iter().zip(expected) {
            assert_close(&what, *actual, expected);
        }
        assert_close(&what, scores.loss(), number("masked_loss"));
        assert_close(&what, scores.perplexity(), number("perplexity"));
        assert_eq!(scores.accuracy(), number("accuracy"), "{what}");
        assert_eq!(scores.masked() as f64, number("masked"), "{what}");

        let mut entropies = EntropyByTime::new(10);
        for t in 1..=10 {
            for batch in 0..2 {
                let name = |part: &str| format!("entropy.t{t}.{batch}.{part}");
                let (ids, times) = (golden.words(&name("xt")), [t; 3]);
                let score = scorer.score(&mut device, &ids, &ids, &times);
                let Scores { entropy, .. } = block_on(score).unwrap();
                entropies.add(t as usize, &entropy, &golden.bytes(&name("mask")));
            }
        }
        let expected = numbers(&golden.json["entropy_per_t"]);
        for (actual, expected) in entropies.values().iter().zip(expected) {
            assert_close(&what, *actual, expected);
        }
        assert_close(&what, entropies.mean(), number("entropy_mean"));
    }
}

#[test]
fn golden_metrics_of_the_texts() {
    let golden = Golden::metrics();
    let sampler = Golden::sampler();
    let (mut rates, mut texts) = (Vec::new(), Vec::new());
    for run in sampler.json["runs"]["greedy"].as_array().unwrap() {
        let states = sampler.words(&format!("{}.states", run["key"].as_str().unwrap()));
        let states: Vec<&[u32]> = states.chunks_exact(32).collect();
        let start = run["prompt"].as_array().unwrap().len();
        let end = start + run["gen_len"].as_u64().unwrap() as usize;
        let generated: Vec<bool> = (0..32).map(|i| (start..end).contains(&i)).collect();
        rates.push(change_rate(&states, &generated));
        texts.push(states[11][start..end].to_vec());
    }
    let rate = rates.iter().sum::<f64>() / rates.len() as f64;
    assert!((rate - golden.json["change_rate"].as_f64().unwrap()).abs() < 1e-12);
    assert!((distinct(&texts, 2) - golden.json["distinct_2"].as_f64().unwrap()).abs() < 1e-12);
}

#[test]
fn golden_schedules() {
    let golden = Golden::metrics();
    for (name, schedule) in
        [("survival_cosine", Schedule::Cosine), ("survival_cosine2", Schedule::Cosine2)]
    {
        for (t, expected) in numbers(&golden.json[name]).into_iter().enumerate() {
            // The cosine of two mathematics libraries: a unit in the last place.
            assert!((schedule.alpha(t, 10) - expected).abs() < 2e-16, "{name} at {t}");
        }
    }
    let table = &Golden::sampler().json["k_table_from_t2"];
    let mut rows = 0;
    for (name, counts) in table.as_object().unwrap() {
        let words: Vec<&str> = name.split([' ', '=']).collect();
        let schedule: Schedule = serde_json::from_value(words[0].into()).unwrap();
        let (timesteps, generated) = (words[2].parse().unwrap(), words[4].parse().unwrap());
        for (t, expected) in (1..).zip(numbers(counts)) {
            let count = schedule.masked_count(t, timesteps, generated);
            assert_eq!(count as f64, expected, "{name}, state at {t}");
        }
        rows += 1;
    }
    assert_eq!(rows, 8);
}
