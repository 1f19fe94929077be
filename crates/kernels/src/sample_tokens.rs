//! The draw of tokens from logits.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::remask::FREE_NO_END;
use crate::sample_begin::GREEDY;

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Id of the mask token.
    pub mask_id: u32,
    /// Whether the mask token can never be drawn.
    pub exclude_mask: bool,
    /// Token that ends a text: it is not drawn at positions that given tokens follow.
    pub end_id: Option<u32>,
    /// What logits are divided by; `None` takes the largest.
    pub temperature: Option<f32>,
    /// Top-k sampling: only so many largest logits can be drawn; at least 1.
    pub top_k: Option<u32>,
    /// Nucleus (top-p) sampling: only the smallest set of largest logits whose probabilities sum to
    /// at least this can be drawn; (0, 1].
    pub top_p: Option<f32>,
}

params! {
    struct Params {
        count: u32,
        positions: u32,
        vocabulary: u32,
        mask_id: u32,
        exclude_mask: u32,
        end_id: u32,
        greedy: u32,
        top_k: u32,
        top_p: f32,
        inverse_temperature: f32,
    }
}

buffers! {
    /// Buffers of a draw of tokens, for R of N positions.
    pub struct Buffers {
        /// `(R, V)`
        logits: floats,
        /// Position of each row, from [`crate::rows::select`]: `(R)`.
        rows: words,
        /// One number between 0 and 1 for every draw, `(N)`.
        uniforms: floats,
        /// Kind of each position: see [`crate::remask`], `(N)`.
        kinds: words,
        /// Of [`crate::sample_begin`]: element [`GREEDY`] makes the pass greedy.
        control: words,
        /// Written at the positions of `rows`: `(N)`.
        tokens: words_mut,
        /// Written there: probability of each token under the distribution it was drawn from, `(N)`.
        token_confidence: floats_mut,
    }
}

/// `shaders/sample_tokens.wgsl`
pub static KERNEL: Kernel = kernel!("sample_tokens", Params, Buffers, twin);

/// Records the draw of a token and its confidence at the positions of `rows`.
pub fn record(step: &mut Recording, io: Buffers, sampling: &Sampling) {
    let (count, positions) = (io.rows.len, io.tokens.len as u32);
    let vocabulary = io.logits.len / count;
    step.push(
        Launch::new(
            &KERNEL,
            &Params {
                count: count as u32,
                positions,
                vocabulary: vocabulary as u32,
                mask_id: sampling.mask_id,
                exclude_mask: u32::from(sampling.exclude_mask),
                end_id: sampling.end_id.unwrap_or(u32::MAX),
                greedy: u32::from(sampling.temperature.is_none()),
                top_k: sampling.top_k.unwrap_or(0),
                top_p: sampling.top_p.unwrap_or(1.0),
                inverse_temperature: sampling.temperature.map_or(1.0, |t| 1.0 / t),
            },
            io,
            grid::fold(count),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(3 * io.logits.len),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 7>();
    let [logits, rows, uniforms, kinds, control, tokens, token_confidence] = buffers;
    let (uniforms, kinds) = (uniforms.floats(), kinds.words());
    let greedy = params.greedy == 1 || control.words()[GREEDY] == 1;
    let all = logits.floats().par_chunks_exact(params.vocabulary as usize).zip(rows.words());
    let asked = all.filter(|(_, n)| **n < params.positions);
    let drawn: Vec<(usize, (u32, E))> = asked
        .map(|(logits, &n)| {
            let n = n as usize;
            (n, draw(logits, uniforms[n], greedy, kinds[n] == FREE_NO_END, &params))
        })
        .collect();
    let (tokens, token_confidence) = (tokens.words_mut(), token_confidence.floats_mut());
    for (n, drawn) in drawn {
        (tokens[n], token_confidence[n]) = drawn;
    }
}

/// The token drawn from one row of logits, and its probability. `inside`: given tokens follow.
fn draw<E: Real>(
    logits: &[E],
    uniform: E,
    greedy: bool,
    inside: bool,
    params: &Params,
) -> (u32, E) {
    let allowed = |v: u32| {
        (params.exclude_mask == 0 || v != params.mask_id) && !(inside && v == params.end_id)
    };
    let (mut best, mut largest) = (0, E::neg_infinity());
    for (v, &logit) in (0..).zip(logits) {
        if allowed(v) && logit > largest {
            (best, largest) = (v, logit);
        }
    }
    let scale = if greedy { E::one() } else { E::from_f64(params.inverse_temperature.into()) };
    let mut weights: Vec<E> = (0..)
        .zip(logits)
        .map(|(v, &logit)| {
            let weight = ((logit - largest) * scale).exp_fast();
            if allowed(v) { weight } else { E::zero() }
        })
        .collect();
    if !greedy && (params.top_k > 0 || params.top_p < 1.0) {
        cut(&mut weights, logits, params, allowed);
    }
    // In f64: the running sum of a large vocabulary would lose digits in f32.
    let total: f64 = weights.iter().map(|weight| weight.as_f64()).sum();
    if !greedy {
        let wanted = uniform.as_f64() * total;
        let mut sum = 0.0;
        for (v, weight) in (0..).zip(&weights).filter(|(_, weight)| **weight > E::zero()) {
            best = v;
            sum += weight.as_f64();
            if sum > wanted {
                break;
            }
        }
    }
    (best, weights[best as usize] / E::from_f64(total))
}

/// Sets the weights outside top-k and top-p to zero.
fn cut<E: Real>(weights: &mut [E], logits: &[E], params: &Params, allowed: impl Fn(u32) -> bool) {
    let mut order: Vec<u32> = (0..logits.len() as u32).filter(|&v| allowed(v)).collect();
    let logit = |v: u32| logits[v as usize];
    let descending = |a: &u32, b: &u32| logit(*b).as_f64().total_cmp(&logit(*a).as_f64());
    let mut floor = E::neg_infinity();
    if params.top_k > 0 {
        let kept = order.len().min(params.top_k as usize);
        let (_, last, _) = order.select_nth_unstable_by(kept - 1, descending);
        floor = logit(*last);
        order.retain(|&v| logit(v) >= floor);
    }
    if params.top_p < 1.0 {
        order.sort_unstable_by(descending);
        let weight = |v: u32| weights[v as usize].as_f64();
        let wanted = f64::from(params.top_p) * order.iter().map(|&v| weight(v)).sum::<f64>();
        let mut sum = 0.0;
        for &v in &order {
            floor = logit(v);
            sum += weight(v);
            if sum >= wanted {
                break;
            }
        }
    }
    for (weight, &logit) in weights.iter_mut().zip(logits) {
        if logit < floor {
            *weight = E::zero();
        }
    }
}
