//! Samplers made of parts: each part's defining property, on every device; what the device decides by
//! itself is what a host that reads every state would decide.

use super::*;
use crate::sampler::plan::Phase;

const SAMPLERS: [&str; 13] = [
    "ancestral",
    "threshold",
    "entropy",
    "remdm",
    "maskgit+remdm:0.5",
    "margin+schedule+whole+none",
    "random+one+whole+none",
    "threshold:0.05+apart",
    "noisy+schedule+apart+none",
    "noisy+schedule+blocks:5+none",
    "entropy+bound:6+blocks:7+none",
    "maskgit+targeted:0.02:2",
    "threshold:0.05+targeted:0.02:2",
];

fn options(sampler: &str) -> SampleOptions {
    SampleOptions { sampler: sampler.parse().unwrap(), ..maskgit(0.8) }
}

/// Gaps before, between and behind given tokens: 22 of 28 positions.
fn text() -> Vec<Option<u32>> {
    let mut text = prompt(&[19, 30, 23, 23, 38, 4, 9, 3], 20);
    (text[0], text[2]) = (None, None);
    text
}

/// Every state of a generation that is read after each pass, and the passes that ran.
fn watched(
    bench: &mut Bench,
    text: &[Option<u32>],
    options: &SampleOptions,
) -> (Vec<State>, usize) {
    let mut generation = bench.generation(&[text.to_vec()], options);
    let mut states = vec![bench.state(&mut generation)];
    while !generation.finished() {
        generation.step(&mut bench.device).unwrap();
        states.push(bench.state(&mut generation));
    }
    let passes = block_on(generation.passes_run(&bench.device)).unwrap();
    (states, passes)
}

fn masks(ids: &[u32]) -> usize {
    ids.iter().filter(|&&id| id == MASK).count()
}

#[test]
fn watched_or_not_all_devices_write_the_same() {
    let golden = Golden::sampler();
    let mut benches = Bench::all(&golden);
    for sampler in SAMPLERS {
        let options = options(sampler);
        let mut first = None;
        for bench in &mut benches {
            let what = format!("{sampler} on {}", bench.device);
            let (states, passes) = watched(bench, &text(), &options);
            let end = &states[states.len() - 1];
            assert_eq!(masks(&end.ids), 0, "{what}");
            for (i, token) in text().iter().enumerate() {
                assert!(token.is_none_or(|id| end.ids[i] == id), "{what}: {i} was given");
            }
            // Nobody looks until the end; in a batch, and alone under the number in the batch.
            let mut generation = bench.generation(&[text(), text(), text()], &options);
            generation.run(&mut bench.device).unwrap();
            let batch = bench.state(&mut generation);
            assert_eq!(batch.row(0), end.ids, "{what}, unwatched");
            assert_ne!(batch.row(1), batch.row(0), "{what}");
            let alone = SampleOptions { first_sample: 2, ..options.clone() };
            let mut generation = bench.generation(&[text()], &alone);
            generation.run(&mut bench.device).unwrap();
            assert_eq!(bench.state(&mut generation).ids, batch.row(2), "{what}, alone");
            assert!(generation.finished());
            let most = block_on(generation.passes_run(&bench.device)).unwrap();
            assert!((1..=generation.passes()).contains(&most), "{what}: {most} passes");
            let found = first.get_or_insert((end.ids.clone(), passes));
            assert_eq!(*found, (end.ids.clone(), passes), "{what} against the oracle");
        }
    }
}

#[test]
fn rules_that_adapt_end_early() {
    let golden = Golden::sampler();
    let mut bench = Bench::new(Device::cpu(), &golden);
    let mut passes = |sampler: &str| watched(&mut bench, &text(), &options(sampler)).1;
    assert_eq!(passes("random+one+whole+none"), 22, "one token a pass");
    assert_eq!(passes("threshold:0.0000001"), 1, "everything is sure enough");
    assert_eq!(passes("entropy+bound:1000"), 1, "everything may be drawn together");
    assert_eq!(passes("entropy+bound:0"), 22, "no two have no entropy together");
    let some = passes("threshold:0.05");
    assert!((2..22).contains(&some), "{some} passes");
    assert!(passes("threshold:0.02") <= some);
    assert_eq!(passes("maskgit"), 10, "the schedule's");
}

#[test]
fn the_surest_come_first() {
    let golden = Golden::sampler();
    for sampler in ["margin+one", "entropy+one+whole+none"] {
        for bench in &mut Bench::all(&golden) {
            let options = SampleOptions { temperature: 0.0, ..options(sampler) };
            let mut generation = bench.recorded(&[text()], &options, PREDICTIONS);
            let mut before = bench.state(&mut generation);
            while !generation.finished() {
                let step = block_on(generation.step_with_predictions(&mut bench.device)).unwrap();
                let (after, predictions) = step.unwrap();
                let new: Vec<usize> =
                    (0..28).filter(|&i| before.ids[i] == MASK && after.ids[i] != MASK).collect();
                let [new] = new[..] else { panic!("{sampler}: {new:?} in one pass") };
                let certainty = |i: usize| {
                    let Prediction { top, entropy } = predictions[i].as_ref().unwrap();
                    if sampler.starts_with("margin") { top[0].1 - top[1].1 } else { -entropy }
                };
                let waiting = (0..28).filter(|&i| after.ids[i] == MASK);
                for other in waiting {
                    assert!(certainty(new) >= certainty(other) - 1e-5, "{sampler}: {new}, {other}");
                }
                before = after;
            }
        }
    }
}

#[test]
fn layouts_hold_in_every_pass() {
    let golden = Golden::sampler();
    let mut bench = Bench::new(Device::cpu(), &golden);
    for sampler in ["noisy+schedule+apart+none", "threshold:0.05+apart", "threshold:0.01+blocks:5"]
    {
        for steps in [1, 4, 10] {
            let options = SampleOptions { steps: Some(steps), ..options(sampler) };
            let (states, _) = watched(&mut bench, &text(), &options);
            for pair in states.windows(2) {
                let [before, after] = [&pair[0].ids, &pair[1].ids];
                let new = |i: usize| before[i] == MASK && after[i] != MASK;
                if sampler.contains("apart") {
                    let both = (1..28).find(|&i| new(i - 1) && new(i));
                    assert_eq!(both, None, "{sampler} in {steps} steps: {before:?} {after:?}");
                } else if let Some(first) = before.iter().position(|&id| id == MASK) {
                    let block = first / 5 * 5..first / 5 * 5 + 5;
                    assert!((0..28).all(|i| !new(i) || block.contains(&i)), "{sampler}");
                }
            }
        }
    }
    let (states, _) = watched(&mut bench, &text(), &options("noisy+schedule+blocks:7+none"));
    for state in &states {
        let first = state.ids.iter().position(|&id| id == MASK).unwrap_or(28);
        let behind = state.ids.iter().zip(text()).skip((first / 7 + 1) * 7);
        assert!(behind.into_iter().all(|(&id, given)| given.is_some() || id == MASK));
    }
}

#[test]
fn remdm_masks_again_and_keeps_the_schedule() {
    let golden = Golden::sampler();
    let mut bench = Bench::new(Device::cpu(), &golden);
    let again = |states: &[State]| -> usize {
        let pairs = states.windows(2);
        pairs
            .map(|pair| {
                let both = pair[0].ids.iter().zip(&pair[1].ids);
                both.filter(|(before, after)| **before != MASK && **after == MASK).count()
            })
            .sum()
    };
    let (states, _) = watched(&mut bench, &text(), &options("ancestral"));
    assert_eq!(again(&states), 0, "visible for good");
    let (states, _) = watched(&mut bench, &text(), &options("remdm:1"));
    assert!(again(&states) > 5);
    // With a quota, too, and then as many masks remain as the schedule says, or more.
    let (states, _) = watched(&mut bench, &text(), &options("maskgit+remdm:0.3"));
    assert!(again(&states) > 0);
    for state in &states {
        let quota = Schedule::Cosine2.masked_count(state.time, 10, 22);
        assert!(masks(&state.ids) >= quota, "{} masks, {quota} wanted", masks(&state.ids));
    }
}

#[test]
fn the_targeted_correction_draws_doubled_and_unexpected_tokens_again() {
    let golden = Golden::sampler();
    for bench in &mut Bench::all(&golden) {
        // Nothing is less probable than 0: doubled tokens alone are drawn again.
        let options = SampleOptions { temperature: 0.0, ..options("maskgit+targeted:0:1") };
        let mut generation = bench.generation(&[text()], &options);
        let mut state = bench.state(&mut generation);
        state.ids = (40..68).collect();
        state.ids[12] = state.ids[11];
        state.ids[20] = state.ids[21];
        for (i, token) in text().iter().enumerate() {
            state.ids[i] = token.unwrap_or(state.ids[i]);
        }
        state.confidence = vec![0.5; 28];
        state.pass = 10;
        generation.set_state(&mut bench.device, &state).unwrap();
        let mut changed = [false; 28];
        while !generation.finished() {
            generation.step(&mut bench.device).unwrap();
            let now = bench.state(&mut generation);
            changed.iter_mut().zip(&now.ids).for_each(|(changed, &id)| *changed |= id == MASK);
        }
        let masked: Vec<usize> = (0..28).filter(|&i| changed[i]).collect();
        // 3 is given and repeats 2 there.
        assert_eq!(masked, [12, 21]);
        let end = bench.state(&mut generation);
        assert_eq!(masks(&end.ids), 0);

        // Everything is less probable than nearly 1: all is drawn again, given tokens are not.
        let mut options = options;
        options.sampler = "maskgit+targeted:0.9999:1".parse().unwrap();
        let mut generation = bench.generation(&[text()], &options);
        generation.set_state(&mut bench.device, &state).unwrap();
        for _ in 0..8 {
            generation.step(&mut bench.device).unwrap();
        }
        let judged = bench.state(&mut generation);
        for (i, token) in text().iter().enumerate() {
            assert_eq!(judged.ids[i], token.unwrap_or(MASK), "position {i}");
        }

        // A text without faults is judged once, and stays.
        options.sampler = "maskgit+targeted:0:8".parse().unwrap();
        let mut generation = bench.generation(&[text()], &options);
        (state.ids[12], state.ids[20]) = (90, 91);
        generation.set_state(&mut bench.device, &state).unwrap();
        generation.run(&mut bench.device).unwrap();
        let end = bench.state(&mut generation);
        let passes = block_on(generation.passes_run(&bench.device)).unwrap();
        assert_eq!((end.ids, passes), (state.ids.clone(), 8));
    }
}

#[test]
fn adaptive_runs_go_back_and_fill_what_is_erased() {
    let golden = Golden::sampler();
    for bench in &mut Bench::all(&golden) {
        for sampler in
            ["threshold:0.05", "noisy+schedule+blocks:5+none", "threshold:0.05+targeted:0.02:1"]
        {
            let mut generation = bench.generation(&[text()], &options(sampler));
            let mut states = vec![bench.state(&mut generation)];
            while !generation.finished() {
                generation.step(&mut bench.device).unwrap();
                states.push(bench.state(&mut generation));
            }
            let end = states[states.len() - 1].clone();
            generation.set_state(&mut bench.device, &states[1]).unwrap();
            assert_eq!(bench.state(&mut generation), states[1]);
            generation.run(&mut bench.device).unwrap();
            assert_eq!(bench.state(&mut generation).ids, end.ids, "{sampler}");
            // In the last pass that writes, everything is erased.
            let writes = |&pass: &usize| generation.plans.phase(pass) == Phase::Write;
            let mut state = end;
            state.pass = (0..generation.passes()).rev().find(writes).expect("a pass that writes");
            (0..28).filter(|&i| text()[i].is_none()).for_each(|i| state.ids[i] = MASK);
            generation.set_state(&mut bench.device, &state).unwrap();
            generation.run(&mut bench.device).unwrap();
            assert_eq!(masks(&bench.state(&mut generation).ids), 0, "{sampler}");
        }
    }
}

/// Three texts of 32 positions are two runs of rows: the second is computed only while more than the
/// first holds can be drawn.
#[test]
fn finished_rows_have_no_logits() {
    let golden = Golden::sampler();
    for mut bench in Bench::all(&golden) {
        for (sampler, redraws) in [("maskgit", false), ("seed", true)] {
            let texts = vec![prompt(&[19, 30], 30); 3];
            let mut generation = bench.generation(&texts, &options(sampler));
            let mut runs = Vec::new();
            while !generation.finished() {
                let state = bench.state(&mut generation);
                let asked = if redraws { 90 } else { masks(&state.ids) };
                generation.step(&mut bench.device).unwrap();
                let live = block_on(bench.device.read_words(generation.buffers.run_live)).unwrap();
                let live = [live[0], live[kernels::rows::LIVE]];
                assert_eq!(live, [u32::from(asked > 0), u32::from(asked > 64)], "{sampler}");
                runs.push(live);
            }
            assert_eq!(runs.contains(&[1, 0]), !redraws, "{sampler}: {runs:?}");
        }
    }
}
