//! The block of every text that is written in: taken out of the texts, and put back.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;

params! {
    struct Params {
        count: u32,
        block: u32,
        length: u32,
    }
}

buffers! {
    /// Buffers of the entry into a block of each text, N = texts x block.
    pub struct Enter {
        /// Number of the block, `(1)`.
        place: words,
        /// Ids and bits of confidence, `(2, texts, length)`.
        text: words,
        /// Kind of each position, see [`crate::remask`], `(texts, length)`.
        text_kinds: words,
        /// Written: `(N)`.
        ids: words_mut,
        /// Written: `(N)`.
        confidence: floats_mut,
        /// Written: `(N)`.
        kinds: words_mut,
        /// Written: ids and bits of confidence, `(2, N)`.
        readback: words_mut,
        /// In place, see [`crate::sample_survey`]: the block has not been judged.
        progress: words_mut,
    }
}

buffers! {
    /// Buffers of the way out.
    pub struct Leave {
        /// Number of the block, `(1)`.
        place: words,
        /// Ids and bits of confidence, `(2, N)`.
        readback: words,
        /// In place: `(2, texts, length)`.
        text: words_mut,
    }
}

/// `shaders/window_enter.wgsl`
pub static ENTER: Kernel = kernel!("window_enter", Params, Enter, enter_twin);

/// `shaders/window_leave.wgsl`
pub static LEAVE: Kernel = kernel!("window_leave", Params, Leave, leave_twin);

/// Parameters for windows of `count` positions in texts of `size` words in all.
fn params([count, size, texts]: [usize; 3]) -> Params {
    let [block, length] = [count / texts, size / 2 / texts];
    let [count, block, length] = [count, block, length].map(|size| size as u32);
    Params { count, block, length }
}

/// Records that block `place` of each of so many texts is taken.
pub fn enter(step: &mut Recording, io: Enter, texts: usize) {
    let params = params([io.ids.len, io.text.len, texts]);
    step.push(Launch::new(&ENTER, &params, io, grid::elements(io.ids.len)));
}

/// Records that block `place` of each of so many texts is put back.
pub fn leave(step: &mut Recording, io: Leave, texts: usize) {
    let count = io.readback.len / 2;
    let params = params([count, io.text.len, texts]);
    step.push(Launch::new(&LEAVE, &params, io, grid::elements(count)));
}

impl Params {
    /// Where position `n` of the windows at `place` is in the texts.
    fn at(self, place: u32, n: usize) -> usize {
        let [block, length] = [self.block, self.length].map(|size| size as usize);
        n / block * length + place as usize * block + n % block
    }

    /// Positions of all texts.
    fn positions(self) -> usize {
        (self.count / self.block * self.length) as usize
    }
}

fn enter_twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [place, text, text_kinds, ids, confidence, kinds, readback, progress] = buffers;
    progress.words_mut()[1] = 1;
    let (place, text, text_kinds) = (place.words()[0], text.words(), text_kinds.words());
    let (tokens, sure) = text.split_at(params.positions());
    let (ids, kinds, confidence) = (ids.words_mut(), kinds.words_mut(), confidence.floats_mut());
    let (token_bits, sure_bits) = readback.words_mut().split_at_mut(params.count as usize);
    for n in 0..params.count as usize {
        let at = params.at(place, n);
        (ids[n], kinds[n]) = (tokens[at], text_kinds[at]);
        confidence[n] = E::from_f64(f32::from_bits(sure[at]).into());
        (token_bits[n], sure_bits[n]) = (tokens[at], sure[at]);
    }
}

fn leave_twin<E: Real>(args: Args<'_, E>) {
    let (params, [place, readback, text]) = args.take::<Params, 3>();
    let (place, readback) = (place.words()[0], readback.words());
    let (tokens, sure) = text.words_mut().split_at_mut(params.positions());
    let (token_bits, sure_bits) = readback.split_at(params.count as usize);
    for n in 0..params.count as usize {
        let at = params.at(place, n);
        (tokens[at], sure[at]) = (token_bits[n], sure_bits[n]);
    }
}
