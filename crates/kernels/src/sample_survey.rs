//! What is left to do before a denoising pass, and whether it runs at all.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::imports::kernel;
use crate::remask::GIVEN;
use crate::sample_begin::{GROUP, HEADER, LEFT};

/// Words of [`Buffers::progress`].
pub const PROGRESS: usize = 2;

/// What a pass is for.
#[derive(Clone, Copy, Debug)]
pub struct Survey {
    /// Positions of a sequence.
    pub length: usize,
    /// Id of the mask token.
    pub mask_id: u32,
    /// Whether the pass hides positions to judge their tokens, rather than fill masks.
    pub judging: bool,
    /// Groups in which positions are hidden.
    pub groups: u32,
    /// Passes of a filling after a judgement.
    pub fills: u32,
}

params! {
    struct Params {
        batch: u32,
        length: u32,
        mask_id: u32,
        judging: u32,
        groups: u32,
        fills: u32,
    }
}

buffers! {
    /// Buffers of a survey of N positions in sequences of equal length.
    pub struct Buffers {
        /// Time that the network is told, by number of masks, `(batch, length + 1)`.
        told: words,
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Written: `(batch)`.
        timesteps: words_mut,
        /// In place: of [`crate::sample_begin`], where element [`LEFT`] is not 0 the counts.
        control: words_mut,
        /// In place: passes that ran, and whether the last filling had anything to fill, `(2)`.
        progress: words_mut,
        /// Written: 1 if the pass runs, else 0, `(1)`.
        live: words_mut,
        /// Written: the batch if the pass runs, else 0, `(1)`.
        layers: words_mut,
    }
}

/// `shaders/sample_survey.wgsl`
pub static KERNEL: Kernel = kernel!("sample_survey", Params, Buffers, twin);

/// Records the survey before the pass that `control` tells of.
pub fn record(step: &mut Recording, io: Buffers, survey: &Survey) {
    let params = Params {
        batch: io.timesteps.len as u32,
        length: survey.length as u32,
        mask_id: survey.mask_id,
        judging: u32::from(survey.judging),
        groups: survey.groups,
        fills: survey.fills,
    };
    step.push(Launch::new(&KERNEL, &params, io, [1, 1, 1]));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [told, ids, kinds, timesteps, control, progress, live, layers] = buffers;
    let (told, timesteps) = (told.words(), timesteps.words_mut());
    let (control, progress) = (control.words_mut(), progress.words_mut());
    let (length, judging) = (params.length as usize, params.judging == 1);
    let rows = ids.words().chunks_exact(length).zip(kinds.words().chunks_exact(length));
    let mut any = false;
    for (b, (ids, kinds)) in rows.enumerate() {
        let hidden = |i: usize| judging && i as u32 % params.groups == control[GROUP];
        let counts = |&i: &usize| kinds[i] != GIVEN && (ids[i] == params.mask_id || hidden(i));
        let masks = (0..length).filter(counts).count();
        any |= masks > 0;
        timesteps[b] = told[b * (length + 1) + masks];
        if control[LEFT] > 0 {
            control[HEADER + b] = masks as u32 - (masks as u32).div_ceil(control[LEFT]);
        }
    }
    if !judging && control[LEFT] == params.fills {
        progress[1] = any.into();
    }
    let runs = if judging { progress[1] } else { any.into() };
    live.words_mut()[0] = runs;
    layers.words_mut()[0] = runs * params.batch;
    progress[0] += runs;
}
