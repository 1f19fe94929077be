//! Cross-entropy of logits: statistics of each row, and the gradient.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words};
use rayon::prelude::*;

use crate::{COMMON, grid};

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    rows: u32,
    vocabulary: u32,
}

/// `shaders/cross_entropy_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "cross_entropy_forward",
    source: include_str!("../../../shaders/cross_entropy_forward.wgsl"),
    imports: COMMON,
    bindings: &[
        floats("logits"),
        words("targets"),
        floats_mut("lse"),
        floats_mut("loss"),
        floats_mut("hit"),
        floats_mut("entropy"),
    ],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(forward_twin),
};

/// `shaders/cross_entropy_backward.wgsl`
pub static BACKWARD: Kernel = Kernel {
    name: "cross_entropy_backward",
    source: include_str!("../../../shaders/cross_entropy_backward.wgsl"),
    imports: COMMON,
    bindings: &[words("targets"), floats("weights"), floats("lse"), floats_mut("logits")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(backward_twin),
};

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
pub fn forward(step: &mut Recording, logits: Slice, targets: Slice, rows: TokenStats) {
    let vocabulary = logits.len / targets.len;
    step.push(Launch {
        kernel: &FORWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(vocabulary))],
        params: bytemuck::bytes_of(&Params {
            rows: targets.len as u32,
            vocabulary: vocabulary as u32,
        })
        .to_vec(),
        buffers: vec![logits, targets, rows.lse, rows.loss, rows.hit, rows.entropy],
        grid: grid::fold(targets.len),
        flop: 5 * logits.len as u64,
    });
}

/// Records the gradient of `sum(weights * loss)`, in place of the logits.
pub fn backward(step: &mut Recording, targets: Slice, weights: Slice, lse: Slice, logits: Slice) {
    let vocabulary = logits.len / targets.len;
    step.push(Launch {
        kernel: &BACKWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(vocabulary))],
        params: bytemuck::bytes_of(&Params {
            rows: targets.len as u32,
            vocabulary: vocabulary as u32,
        })
        .to_vec(),
        buffers: vec![targets, weights, lse, logits],
        grid: grid::fold(targets.len),
        flop: 3 * logits.len as u64,
    });
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, targets, lse, loss, hit, entropy]) = args.take::<Params, 6>();
    let rows = logits.floats().par_chunks_exact(params.vocabulary as usize).zip(targets.words());
    let outputs = lse.floats_mut().par_iter_mut().zip(loss.floats_mut());
    let outputs = outputs.zip(hit.floats_mut().par_iter_mut().zip(entropy.floats_mut()));
    rows.zip(outputs).for_each(|((logits, &target), ((lse, loss), (hit, entropy)))| {
        let largest = logits.iter().fold(E::neg_infinity(), |a, &b| if b > a { b } else { a });
        let [total, weighted] = exponential_sums(logits, largest);
        let log_total = total.ln();
        let first_largest = logits.iter().position(|&logit| logit == largest);
        *lse = largest + log_total;
        *loss = log_total - (logits[target as usize] - largest);
        *hit = if first_largest == Some(target as usize) { E::one() } else { E::zero() };
        *entropy = log_total - weighted / total;
    });
}

/// Sums of `e^s` and of `s e^s` over `s = logit - largest`, in eight interleaved parts, which
/// compilers turn into vectors.
fn exponential_sums<E: Real>(logits: &[E], largest: E) -> [E; 2] {
    let mut total = [E::zero(); 8];
    let mut weighted = [E::zero(); 8];
    let mut add = |lane: usize, logit: E| {
        let shifted = logit - largest;
        let exponential = shifted.exp_fast();
        total[lane] += exponential;
        weighted[lane] += exponential * shifted;
    };
    let (runs, rest) = logits.as_chunks::<8>();
    for run in runs {
        (0..8).for_each(|lane| add(lane, run[lane]));
    }
    rest.iter().enumerate().for_each(|(lane, &logit)| add(lane, logit));
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
        logits.iter_mut().for_each(|logit| *logit = weight * (*logit - lse).exp_fast());
        logits[target as usize] -= weight;
    });
}
