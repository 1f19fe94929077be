//! Cross-entropy of logits: statistics of each row, and the gradient.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::{largest_of, vectorized};

params! {
    struct Params {
        rows: u32,
        vocabulary: u32,
    }
}

buffers! {
    /// Buffers of the forward pass, for N rows.
    struct Forward {
        /// `(N, V)`
        logits: floats,
        /// `(N)`
        targets: words,
        /// Written: log sum exp of the logits, `(N)`.
        lse: floats_mut,
        /// Written: cross-entropy in nats, `(N)`.
        loss: floats_mut,
        /// Written: 1 where the target is the likeliest token, `(N)`.
        hit: floats_mut,
        /// Written: entropy of the prediction in nats, `(N)`.
        entropy: floats_mut,
    }
}

/// `shaders/cross_entropy_forward.wgsl`
pub static FORWARD: Kernel = kernel!("cross_entropy_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the backward pass, for N rows.
    pub struct Backward {
        /// `(N)`
        targets: words,
        /// Share of each row in the loss, `(N)`.
        weights: floats,
        /// Of the forward pass, `(N)`.
        lse: floats,
        /// In place: logits, then their gradient, `(N, V)`.
        logits: floats_mut,
    }
}

/// `shaders/cross_entropy_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("cross_entropy_backward", Params, Backward, backward_twin);

/// One number per position of a batch; what the loss and the metrics are made of.
#[derive(Clone, Copy, Debug)]
pub struct TokenStats {
    /// log sum exp of the logits, `(N)`.
    pub lse: Slice,
    /// Cross-entropy in nats, `(N)`.
    pub loss: Slice,
    /// 1 where the target is the most likely token, `(N)`.
    pub hit: Slice,
    /// Entropy of the prediction in nats, `(N)`.
    pub entropy: Slice,
}

impl TokenStats {
    /// Rows `start..start + len`.
    pub fn part(self, start: usize, len: usize) -> Self {
        Self {
            lse: self.lse.part(start, len),
            loss: self.loss.part(start, len),
            hit: self.hit.part(start, len),
            entropy: self.entropy.part(start, len),
        }
    }
}

/// Records the statistics of every row of `logits (N, V)` against `targets (N)`.
pub fn forward(step: &mut Recording, logits: Slice, targets: Slice, stats: TokenStats) {
    let TokenStats { lse, loss, hit, entropy } = stats;
    let io = Forward { logits, targets, lse, loss, hit, entropy };
    let vocabulary = logits.len / targets.len;
    step.push(
        Launch::new(
            &FORWARD,
            &Params { rows: targets.len as u32, vocabulary: vocabulary as u32 },
            io,
            grid::fold(targets.len),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(5 * logits.len),
    );
}

/// Records the gradient of `sum(weights * loss)`, in place of the logits.
pub fn backward(step: &mut Recording, io: Backward) {
    let Backward { targets, logits, .. } = io;
    let vocabulary = logits.len / targets.len;
    step.push(
        Launch::new(
            &BACKWARD,
            &Params { rows: targets.len as u32, vocabulary: vocabulary as u32 },
            io,
            grid::fold(targets.len),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))])
        .flop(3 * logits.len),
    );
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, targets, lse, loss, hit, entropy]) = args.take::<Params, 6>();
    let rows = logits.floats().par_chunks_exact(params.vocabulary as usize).zip(targets.words());
    let outputs = lse.floats_mut().par_iter_mut().zip(loss.floats_mut());
    let outputs = outputs.zip(hit.floats_mut().par_iter_mut().zip(entropy.floats_mut()));
    rows.zip(outputs).for_each(|((logits, &target), ((lse, loss), (hit, entropy)))| {
        let largest = vectorized!(largest_of(logits));
        let [total, weighted] = vectorized!(exponential_sums(logits, largest));
        let log_total = total.ln();
        let first_largest = logits.iter().position(|&logit| logit == largest);
        *lse = largest + log_total;
        *loss = log_total - (logits[target as usize] - largest);
        *hit = if first_largest == Some(target as usize) { E::one() } else { E::zero() };
        *entropy = log_total - weighted / total;
    });
}

/// Sums of `e^s` and of `s e^s` over `s = logit - largest`, in eight interleaved parts. Exponentials are
/// made in a loop of their own, which compilers turn into vectors; with the sums in it they do not.
#[inline(always)]
fn exponential_sums<E: Real>(logits: &[E], largest: E) -> [E; 2] {
    const PARTS: usize = 8;
    let mut exponentials = [E::zero(); 8 * PARTS];
    let mut total = [E::zero(); PARTS];
    let mut weighted = [E::zero(); PARTS];
    for run in logits.chunks(exponentials.len()) {
        for (exponential, &logit) in exponentials.iter_mut().zip(run) {
            *exponential = (logit - largest).exp_fast();
        }
        for (run, exponentials) in run.chunks(PARTS).zip(exponentials.chunks(PARTS)) {
            let parts = total.iter_mut().zip(&mut weighted);
            for (((total, weighted), &logit), &exponential) in parts.zip(run).zip(exponentials) {
                *total += exponential;
                *weighted += exponential * (logit - largest);
            }
        }
    }
    [total, weighted].map(|parts| parts.into_iter().sum())
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [targets, weights, lse, logits]) = args.take::<Params, 4>();
    let rows = logits.floats_mut().par_chunks_exact_mut(params.vocabulary as usize);
    let inputs = targets.words().par_iter().zip(weights.floats()).zip(lse.floats());
    rows.zip(inputs).for_each(|(logits, ((&target, &weight), &lse))| {
        if weight == E::zero() {
            logits.fill(E::zero());
            return;
        }
        vectorized!(for logit in logits.iter_mut() {
            *logit = weight * (*logit - lse).exp_fast();
        });
        logits[target as usize] -= weight;
    });
}
