//! The end of a denoising pass: the tokens that are lowest in an order, mostly the least sure,
//! become masks again.

use bytemuck::{Pod, Zeroable};
use device::{
    Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words, words_mut,
};

use crate::sample_order::STAYS;
use crate::sample_pass::HEADER;
use crate::{COMMON, grid};

/// What re-masking reads and writes; N positions in sequences of equal length.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// Tokens drawn in this pass or kept, `(N)`.
    pub tokens: Slice,
    /// Confidence of each, `(N)`.
    pub token_confidence: Slice,
    /// Order in which they become masks, lowest first, `(N)`: the confidence itself, or that of
    /// [`crate::sample_order`].
    pub order: Slice,
    /// Not 0 where a token is to be generated, `(N)`.
    pub generated: Slice,
    /// Of [`crate::sample_pass`]: from element 2 on, how many become masks in each sequence.
    pub control: Slice,
    /// Written: `(N)`.
    pub ids: Slice,
    /// Written: `(N)`, 0 at masks.
    pub confidence: Slice,
    /// Written: ids and the bits of confidence in f32, `(2, N)`, to be read back in one piece.
    pub frame: Slice,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    count: u32,
    length: u32,
    mask_id: u32,
}

/// `shaders/remask.wgsl`
pub static KERNEL: Kernel = Kernel {
    name: "remask",
    source: include_str!("../../../shaders/remask.wgsl"),
    imports: COMMON,
    bindings: &[
        words("tokens"),
        floats("token_confidence"),
        floats("order"),
        words("generated"),
        words("control"),
        words_mut("ids"),
        floats_mut("confidence"),
        words_mut("frame"),
    ],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin),
};

/// Records `ids` and `confidence` after the pass, for sequences of `length` positions.
pub fn record(step: &mut Recording, io: Buffers, length: usize, mask_id: u32) {
    let count = io.tokens.len;
    step.push(Launch {
        kernel: &KERNEL,
        constants: vec![],
        params: bytemuck::bytes_of(&Params { count: count as u32, length: length as u32, mask_id })
            .to_vec(),
        buffers: vec![
            io.tokens,
            io.token_confidence,
            io.order,
            io.generated,
            io.control,
            io.ids,
            io.confidence,
            io.frame,
        ],
        grid: grid::elements(count),
        flop: 0,
    });
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [tokens, token_confidence, order, generated, control, ids, confidence, frame] = buffers;
    let (token_confidence, order) = (token_confidence.floats(), order.floats());
    let generated = generated.words();
    let (ids, confidence) = (ids.words_mut(), confidence.floats_mut());
    ids.copy_from_slice(tokens.words());
    confidence.copy_from_slice(token_confidence);
    let length = params.length as usize;
    for (b, &count) in control.words()[HEADER..].iter().enumerate() {
        let positions = b * length..(b + 1) * length;
        let wide = |n: usize| order[n].wide();
        let may = |&n: &usize| generated[n] != 0 && wide(n) < f64::from(STAYS);
        let mut sorted: Vec<usize> = positions.filter(may).collect();
        sorted.sort_by(|&a, &b| wide(a).total_cmp(&wide(b)));
        for &n in sorted.iter().take(count as usize) {
            ids[n] = params.mask_id;
            confidence[n] = E::zero();
        }
    }
    let (first, second) = frame.words_mut().split_at_mut(ids.len());
    first.copy_from_slice(ids);
    for (bits, confidence) in second.iter_mut().zip(confidence) {
        *bits = (confidence.wide() as f32).to_bits();
    }
}
