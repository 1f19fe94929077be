//! Uniform diffusion: CPU device and GPU against the f64 oracle, and the oracle against Bayes' rule and
//! the entropy of a source.

mod harness;

use harness::compare;
use kernels::draw_batch::Noise;
use kernels::noise_divergence::{self, Divergence};
use kernels::remask::{FREE, GIVEN};
use kernels::rng::{Philox, below, unit};
use kernels::sample_begin::{HEADER, ODDS, REMASK, REVEAL};
use kernels::sample_noise::{self, Renoise};
use kernels::sample_posterior;

fn odds(a: f64, count: u32) -> f64 {
    f64::from(count) * a / (1.0 - a)
}

#[test]
fn divergences() {
    for (batch, length, vocabulary, plain) in
        [(1, 1, 5, true), (3, 7, 41, true), (2, 33, 257, false), (5, 3, 1030, true)]
    {
        let (count, first) = (vocabulary as u32 - 3, length);
        // Costs of a step are small, and their f32 terms are sums of logarithms near 0.
        compare("noise_divergence", 3e-6, 2e-5, |bench, step| {
            let rows = (batch - 1) * length;
            let rows = rows.max(1);
            let first = if batch == 1 { 0 } else { first };
            let noise = Noise { first: 3, count };
            let words = |i: u32| Philox::new(7).draw([i, 0, 0, 0]);
            let tokens = |which: usize| -> Vec<u32> {
                (0..rows as u32).map(|i| 3 + below(words(i)[which], count)).collect()
            };
            let (mut ids, targets) = (tokens(0), tokens(1));
            // Some are as they were, and one is no noise.
            ids.iter_mut().zip(&targets).step_by(3).for_each(|(id, &target)| *id = target);
            ids[rows / 2] = 1;
            let logits: Vec<f32> = (0..(rows * vocabulary) as u32)
                .map(|i| 8.0 * unit(Philox::new(9).draw([i, 0, 0, 0])[0]) - 4.0)
                .collect();
            let alpha = [1.0, 0.9999, 0.7, 0.2, 0.0];
            let times: Vec<u32> = (0..batch as u32).map(|b| 1 + b % 4).collect();
            let io = noise_divergence::Buffers {
                logits: bench.given_floats(&logits),
                ids: bench.given_words(&ids),
                targets: bench.given_words(&targets),
                times: bench.given_words(&times),
                alpha: bench.given_floats(&alpha),
                loss: bench.unwritten(rows),
            };
            let divergence = Divergence { first, length, mask_id: 2, noise, plain };
            noise_divergence::record(step, io, &divergence);
            vec![io.loss]
        });
    }
}

/// A source of one token: eleven tokens with an entropy of 1.9918 nats.
fn source() -> Vec<f64> {
    let weights: Vec<f64> =
        (1..=11).map(|k| f64::from(k).powf(-EXPONENT) * RATIO.powi(k - 1)).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}
const EXPONENT: f64 = 0.528_508_281_7;
const RATIO: f64 = 0.840_385_004_1;

/// What is known of the clean token where `z` stands: prior times chance of `z`.
fn posterior(prior: &[f64], z: usize, a: f64) -> Vec<f64> {
    let even = (1.0 - a) / prior.len() as f64;
    let weight = |(x, p): (usize, &f64)| p * if x == z { a + even } else { even };
    let weights: Vec<f64> = prior.iter().enumerate().map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The bound of continuous time (UDLM, arXiv 2412.10193, equation 18), integrated over the time, where
/// the network answers with `answer(z, a)`.
fn continuous_bound(prior: &[f64], answer: impl Fn(usize, f64) -> Vec<f64>) -> f64 {
    let (n, cells) = (prior.len() as f64, 2000);
    let even = |x: &[f64], a: f64| -> Vec<f64> { x.iter().map(|x| n * a * x + 1.0 - a).collect() };
    let mut bound = 0.0;
    for cell in 0..cells {
        // Denser at both ends.
        let u = (f64::from(cell) + 0.5) / f64::from(cells);
        let (t, width) = (u * u * (3.0 - 2.0 * u), 6.0 * u * (1.0 - u) / f64::from(cells));
        let a = 1.0 - t;
        for z in 0..prior.len() {
            let predicted = even(&answer(z, a), a);
            for (x, p) in prior.iter().enumerate() {
                let chance = p * ((1.0 - a) / n + if x == z { a } else { 0.0 });
                let mut clean = vec![0.0; prior.len()];
                clean[x] = 1.0;
                let known = even(&clean, a);
                let sum: f64 = (0..prior.len())
                    .map(|j| {
                        let ratio = predicted[z] * known[j] / (predicted[j] * known[z]);
                        known[j] / known[z] * ratio.ln()
                    })
                    .sum();
                let loss = -1.0 / (n * a) * (n / known[z] - n / predicted[z] - sum);
                bound += width * chance * loss;
            }
        }
    }
    bound
}

/// The bound in `steps` steps of the linear schedule, from the kernel, where the network's logits are
/// the logarithms of `answer(z, a)`.
fn bound_in_steps(
    prior: &[f64],
    steps: usize,
    plain: bool,
    answer: impl Fn(usize, f64) -> Vec<f64>,
) -> f64 {
    let n = prior.len();
    let alpha: Vec<f32> = (0..=steps).map(|t| 1.0 - t as f32 / steps as f32).collect();
    let (mut logits, mut ids, mut targets, mut times, mut chances) =
        (vec![], vec![], vec![], vec![], vec![]);
    for (t, &a) in alpha.iter().enumerate().skip(1) {
        let a = f64::from(a);
        for z in 0..n {
            let answer = answer(z, a);
            for (x, p) in prior.iter().enumerate() {
                // The mask is token 0.
                logits.push(3.0);
                logits.extend(answer.iter().map(|p| p.ln() as f32));
                ids.push(1 + z as u32);
                targets.push(1 + x as u32);
                times.push(t as u32);
                chances.push(p * ((1.0 - a) / n as f64 + if x == z { a } else { 0.0 }));
            }
        }
    }
    let outputs = compare("noise_divergence of a source", 3e-6, 2e-5, |bench, step| {
        let io = noise_divergence::Buffers {
            logits: bench.given_floats(&logits),
            ids: bench.given_words(&ids),
            targets: bench.given_words(&targets),
            times: bench.given_words(&times),
            alpha: bench.given_floats(&alpha),
            loss: bench.unwritten(targets.len()),
        };
        let noise = Noise { first: 1, count: n as u32 };
        let divergence = Divergence { first: 0, length: 1, mask_id: 0, noise, plain };
        noise_divergence::record(step, io, &divergence);
        vec![io.loss]
    });
    outputs[0].iter().zip(chances).map(|(loss, chance)| loss * chance).sum()
}

/// One token, and a network that knows the truth. Its bound is the entropy, in continuous time and in
/// any number of steps, if it is asked for the leave-one-out posterior, which is the prior here. With
/// the posterior that knows the noisy token, the bound is far off.
#[test]
fn the_bound_needs_the_leave_one_out_posterior() {
    let prior = source();
    let entropy: f64 = -prior.iter().map(|p| p * p.ln()).sum::<f64>();
    assert!((entropy - 1.9918).abs() < 1e-5, "{entropy}");
    let plain = |z, a| posterior(&prior, z, a);
    let left_out = |_, _| prior.clone();
    let bound = continuous_bound(&prior, left_out);
    assert!((bound - 1.9918).abs() < 1e-4, "{bound}");
    let bound = continuous_bound(&prior, plain);
    assert!((bound - 3.3304).abs() < 1e-4, "{bound}");

    for steps in [1, 3, 50] {
        // A network that is trained on all positions knows the noisy token, and the kernel undoes it.
        for bound in [
            bound_in_steps(&prior, steps, true, plain),
            bound_in_steps(&prior, steps, false, left_out),
        ] {
            assert!((bound - entropy).abs() < 2e-5, "{steps} steps: {bound}");
        }
    }
    let wrong = bound_in_steps(&prior, 50, false, plain);
    assert!(wrong > 2.5, "{wrong}");
}

#[test]
fn posteriors_know_what_stands_there() {
    for (rows, positions, vocabulary) in [(1, 1, 5), (7, 9, 41), (300, 600, 33)] {
        compare("sample_posterior", 1e-6, 1e-6, |bench, step| {
            // The last row is of no position.
            let places: Vec<u32> = (0..rows as u32)
                .map(|row| if row + 1 == rows as u32 && row > 0 { positions } else { row })
                .collect();
            let ids: Vec<u32> = (0..positions).map(|n| n * n % vocabulary).collect();
            let mut control = vec![0; HEADER + 1];
            control[ODDS] = (odds(0.3, vocabulary - 3) as f32).to_bits();
            let io = sample_posterior::Buffers {
                rows: bench.given_words(&places),
                ids: bench.given_words(&ids),
                control: bench.given_words(&control),
                logits: bench.floats(rows * vocabulary as usize),
            };
            sample_posterior::record(step, io);
            vec![io.logits]
        });
    }
}

/// The control buffer of a step from survival probability `a` to `s`.
fn control(a: f64, s: f64, count: u32) -> Vec<u32> {
    let mut control = vec![0; HEADER + 1];
    let fresh = (1.0 - a / s) * (1.0 - s) / (1.0 - a);
    let reveal = (s - a) / (1.0 - a);
    for (element, value) in [(REMASK, fresh), (REVEAL, reveal), (ODDS, odds(a, count))] {
        control[element] = (value as f32).to_bits();
    }
    control
}

#[test]
fn steps_are_the_same_everywhere() {
    for (batch, length) in [(1, 1), (3, 7), (2, 257)] {
        let outputs = compare("sample_noise", 0.0, 0.0, |bench, step| {
            let rows = batch * length;
            let kinds: Vec<u32> =
                (0..rows).map(|n| if n % 5 == 0 { GIVEN } else { FREE }).collect();
            let io = sample_noise::Buffers {
                kinds: bench.given_words(&kinds),
                tokens: bench.words(rows, 6),
                token_confidence: bench.floats(rows),
                control: bench.given_words(&control(0.4, 0.5, 6)),
                ids: bench.words(rows, 6),
                confidence: bench.floats(rows),
                readback: bench.unwritten_words(2 * rows),
            };
            let noise = Noise { first: 10, count: 6 };
            sample_noise::record(step, io, &Renoise { length, first_sample: 4, seed: 3, noise });
            vec![io.kinds, io.ids, io.confidence]
        });
        let [kinds, ids, confidence] = outputs.try_into().unwrap();
        for ((kind, id), confidence) in kinds.iter().zip(ids).zip(confidence) {
            // Noise is told by its ids here.
            assert!(id < 6.0 || (*kind != 0.0 && confidence == 0.0), "{kind}: {id}, {confidence}");
        }
    }
}

/// How often each token stands behind a step, by Bayes' rule over the forward process.
fn bayes(x: u32, z: u32, [a, s]: [f64; 2], noise: Noise) -> Vec<f64> {
    let even = 1.0 / f64::from(noise.count);
    let after = |from: u32, to: u32, kept: f64| {
        kept * f64::from(u8::from(from == to)) + (1.0 - kept) * even
    };
    let tokens = noise.first..noise.first + noise.count;
    let joint: Vec<f64> = tokens.map(|j| after(x, j, s) * after(j, z, a / s)).collect();
    let total: f64 = joint.iter().sum();
    joint.into_iter().map(|chance| chance / total).collect()
}

/// Drawn steps are as frequent as Bayes' rule says, and so is the formula with the leave-one-out
/// posterior that they come from.
#[test]
fn steps_follow_bayes_rule() {
    let (noise, count) = (Noise { first: 3, count: 5 }, 40_000);
    for ([a, s], x, z) in
        [([0.4, 0.5], 4, 6), ([0.4, 0.5], 6, 6), ([0.0, 0.2], 3, 7), ([0.8, 1.0], 5, 3)]
    {
        let expected = bayes(x, z, [a, s], noise);
        let n = f64::from(noise.count);
        let (same, one) = (if x == z { 1.0 } else { 0.0 }, |yes| f64::from(u8::from(yes)));
        for (j, expected) in (3..).zip(&expected) {
            let formula = (n * a * same * one(j == z)
                + (a / s - a) * one(j == z)
                + (s - a) * one(j == x)
                + (1.0 - a / s) * (1.0 - s) / n)
                / (n * a * same + 1.0 - a);
            assert!((formula - expected).abs() < 1e-12, "{j}: {formula}, not {expected}");
        }
        let outputs = compare("sample_noise, one pair", 0.0, 0.0, |bench, step| {
            let io = sample_noise::Buffers {
                kinds: bench.given_words(&vec![FREE; count]),
                tokens: bench.given_words(&vec![x; count]),
                token_confidence: bench.given_floats(&vec![0.5; count]),
                control: bench.given_words(&control(a, s, noise.count)),
                ids: bench.given_words(&vec![z; count]),
                confidence: bench.given_floats(&vec![0.25; count]),
                readback: bench.unwritten_words(2 * count),
            };
            let renoise = Renoise { length: count, first_sample: 0, seed: 8, noise };
            sample_noise::record(step, io, &renoise);
            vec![io.ids]
        });
        for (j, expected) in (3..).zip(expected) {
            let found = outputs[0].iter().filter(|&&id| id == f64::from(j)).count() as f64;
            let error = 4.5 * (expected * (1.0 - expected) * count as f64).sqrt();
            let expected = expected * count as f64;
            assert!((found - expected).abs() <= error, "{j}: {found} times, not {expected:.1}");
        }
    }
}

/// What the kernels mix: drawing the clean token from the posterior and then the step from Bayes' rule
/// is the step of the leave-one-out posterior.
#[test]
fn both_posteriors_give_the_same_step() {
    let prior = source();
    let (noise, [a, s]) = (Noise { first: 0, count: 11 }, [0.3, 0.45]);
    for z in 0..11 {
        let drawn = posterior(&prior, z as usize, a);
        let steps: Vec<Vec<f64>> = (0..11).map(|x| bayes(x, z, [a, s], noise)).collect();
        let n = 11.0;
        for j in 0..11 {
            let mixed: f64 = drawn.iter().zip(&steps).map(|(p, step)| p * step[j]).sum();
            let here = if j == z as usize { 1.0 } else { 0.0 };
            let formula = (n * a * prior[j] * here
                + (a / s - a) * here
                + (s - a) * prior[j]
                + (1.0 - a / s) * (1.0 - s) / n)
                / (n * a * prior[z as usize] + 1.0 - a);
            assert!((mixed - formula).abs() < 1e-12, "{z} to {j}: {mixed}, {formula}");
        }
    }
}
