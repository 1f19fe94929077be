//! The launches of a pass.

use std::ops::Range;

use device::{Recording, Slice};
use kernels::rows::{self, LIVE};
use kernels::sample_chance::Chance;
use kernels::sample_doubt::Doubt;
use kernels::sample_noise::Renoise;
use kernels::sample_order::{Choice, Score};
use kernels::sample_survey::Survey;
use kernels::{
    Variants, cross_entropy, decode, remask, sample_apart, sample_ask, sample_begin, sample_blocks,
    sample_bound, sample_certainty, sample_chance, sample_doubt, sample_explain, sample_hide,
    sample_noise, sample_order, sample_posterior, sample_survey, sample_threshold, sample_tokens,
    sample_uniforms, shift,
};
use model::forward::{self, Pass};
use model::{Model, Objective};

use super::SampleOptions;
use super::parts::{Commit, Correction, Layout, Order};
use super::plan::{FILLS, GROUPS, Phase};
use super::workspace::{Buffers, Decoding};

/// Where the uniform random numbers of a pass come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uniforms {
    /// Drawn on the device, from seed, sample, pass and position.
    #[default]
    Drawn,
    /// Written by the host before each pass ([`super::Generation::write_uniforms`]): reproduces
    /// runs whose random numbers come from elsewhere.
    Given,
}

/// What a pass is recorded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassOptions {
    /// Also computes the top tokens, their probabilities and the entropy of every position that the
    /// network is asked about.
    pub predictions: bool,
    /// Source of the random numbers that tokens are drawn with.
    pub uniforms: Uniforms,
}

/// What passes are recorded from.
#[derive(Clone, Copy)]
pub(super) struct Recorder<'a> {
    pub(super) variants: &'a Variants,
    pub(super) model: &'a Model,
    pub(super) buffers: &'a Buffers,
    pub(super) options: &'a SampleOptions,
    pub(super) pass: PassOptions,
}

impl Recorder<'_> {
    /// One denoising pass.
    pub(super) fn record(&self, phase: Phase) -> Recording {
        let mut step = Recording::default();
        let Buffers { table, cursor, timesteps, control, .. } = *self.buffers;
        let io = sample_begin::Buffers { table, cursor, timesteps, control };
        sample_begin::record(&mut step, io);
        let surveyed = phase != Phase::Write || self.options.sampler.surveyed();
        if surveyed {
            self.survey(&mut step, phase);
        }
        let seen = step.section("rows that are asked", |step| self.ask(step, phase));
        self.if_live(&mut step, surveyed, |step| self.look(step, phase, seen));
        step.section("tokens", |step| self.read_logits(step, phase, seen));
        step.section("who stays", |step| {
            self.if_live(step, surveyed, |step| self.settle(step, phase));
        });
        step
    }

    /// Records what a pass does if there is anything to do.
    fn if_live(&self, step: &mut Recording, surveyed: bool, record: impl FnOnce(&mut Recording)) {
        let Buffers { live, layers, .. } = *self.buffers;
        let batch = self.buffers.acts.batch as u32;
        match (surveyed, batch) {
            (false, _) => record(step),
            (true, 1) => step.when(live, record),
            (true, _) => step.when_layers(&[(batch, layers), (1, live)], record),
        }
    }

    /// Whether the mask is never drawn. Masks in a finished block are an edit's.
    fn excludes_mask(&self) -> bool {
        let blocks = matches!(self.model.objective, Objective::Block(_));
        blocks || self.options.sampler.excludes_mask()
    }

    fn survey(&self, step: &mut Recording, phase: Phase) {
        let buffers = self.buffers;
        let io = sample_survey::Buffers {
            told: buffers.told,
            ids: buffers.ids,
            kinds: buffers.kinds,
            timesteps: buffers.timesteps,
            control: buffers.control,
            progress: buffers.progress,
            live: buffers.live,
            layers: buffers.layers,
        };
        let survey = Survey {
            length: buffers.acts.length,
            mask_id: self.model.config.mask_id,
            judging: phase == Phase::Judge,
            groups: GROUPS as u32,
            fills: FILLS as u32,
        };
        sample_survey::record(step, io, &survey);
    }

    /// Keeps what stands, and notes what is to be drawn.
    fn keep(&self, step: &mut Recording, seen: Slice) {
        let Buffers { ids, confidence, kinds, asked, tokens, token_confidence, .. } = *self.buffers;
        let io =
            sample_ask::Buffers { ids, seen, confidence, kinds, asked, tokens, token_confidence };
        let redraws = self.options.sampler.redraws();
        sample_ask::record(step, io, self.model.config.mask_id, redraws);
    }

    /// A pass over the next position of each text, with keys and values of those before it cached.
    /// If it does not draw a token, it only adds to the cache.
    pub(super) fn decode(&self, decoding: &Decoding, draws: bool) -> Recording {
        let Self { variants, model, buffers, .. } = *self;
        let Buffers { table, cursor, timesteps, control, ids, kinds, rows, .. } = *buffers;
        let Decoding { ref acts, filled, inputs } = *decoding;
        let (mask_id, length) = (model.config.mask_id, buffers.acts.length);
        let mut step = Recording::default();
        if draws {
            sample_begin::record(
                &mut step,
                sample_begin::Buffers { table, cursor, timesteps, control },
            );
            self.survey(&mut step, Phase::Write);
            self.keep(&mut step, ids);
        }
        let io = decode::Begin {
            ids,
            kinds,
            rope: buffers.acts.rope,
            filled,
            inputs,
            angles: acts.rope,
            rows: rows.part(0, acts.batch),
        };
        decode::begin(&mut step, io, length, mask_id);
        let pass = Pass { variants, model, acts, ids: inputs, timesteps, dropout: None };
        if !draws {
            forward::trunk(&mut step, &pass);
            return step;
        }
        self.if_live(&mut step, true, |step| {
            self.draw_uniforms(step);
            forward::trunk(step, &pass);
            let c = model.config.n_embd;
            for (start, count) in acts.logit_chunks() {
                let h = acts.final_h.part(start * c, count * c);
                let logits = forward::head(step, &pass, h, count);
                self.read_run(step, Phase::Write, start..start + count, logits);
            }
            self.settle(step, Phase::Write);
        });
        step
    }

    fn draw_uniforms(&self, step: &mut Recording) {
        let Self { buffers, options, pass, .. } = *self;
        let Buffers { control, uniforms, .. } = *buffers;
        if pass.uniforms == Uniforms::Drawn {
            let length = buffers.acts.length;
            let io = sample_uniforms::Buffers { control, uniforms };
            sample_uniforms::record(step, io, length, options.first_sample, options.seed);
        }
    }

    /// Which positions the pass needs logits of. Returns what the network sees.
    fn ask(&self, step: &mut Recording, phase: Phase) -> Slice {
        let Buffers { ids, kinds, control, live, asked, rows, places, run_live, .. } =
            *self.buffers;
        let (mask_id, length) = (self.model.config.mask_id, self.buffers.acts.length);
        let mut seen = ids;
        if phase == Phase::Judge {
            seen = self.buffers.seen;
            let io = sample_hide::Buffers { ids, kinds, control, live, seen };
            sample_hide::record(step, io, length, GROUPS as u32, mask_id);
        }
        self.keep(step, seen);
        let io = rows::Select { weights: asked, rows, places, live: run_live };
        rows::select(step, io, self.buffers.acts.logit_rows);
        if self.model.objective.shifts() {
            seen = self.buffers.seen;
            shift::record(step, shift::Buffers { tokens: ids, shifted: seen }, length, mask_id);
        }
        seen
    }

    /// The network's output at the positions that are asked, side by side.
    fn look(&self, step: &mut Recording, phase: Phase, seen: Slice) {
        let buffers = self.buffers;
        let Buffers { ids, asked, .. } = *buffers;
        if phase != Phase::Judge {
            self.draw_uniforms(step);
        }
        step.section("forward", |step| forward::trunk(step, &self.forward_pass(seen)));
        let Buffers { rows, row_targets, row_weights, .. } = *buffers;
        let (h, row_h) = (buffers.acts.final_h, buffers.acts.branch);
        let (targets, weights) = (ids, asked);
        let io = rows::Gather { rows, h, targets, weights, row_h, row_targets, row_weights };
        rows::gather(step, io);
    }

    fn forward_pass(&self, ids: Slice) -> Pass<'_> {
        let Self { variants, model, buffers, .. } = *self;
        Pass {
            variants,
            model,
            acts: &buffers.acts,
            ids,
            timesteps: buffers.timesteps,
            dropout: None,
        }
    }

    /// Logits, some rows at a time, and what follows from them; nothing where no row is asked.
    fn read_logits(&self, step: &mut Recording, phase: Phase, seen: Slice) {
        let Self { model, buffers, .. } = *self;
        let c = model.config.n_embd;
        let pass = self.forward_pass(seen);
        for (run, (start, count)) in buffers.acts.logit_chunks().enumerate() {
            step.when(buffers.run_live.part(run * LIVE, 1), |step| {
                let h = buffers.acts.branch.part(start * c, count * c);
                let logits = forward::head(step, &pass, h, count);
                self.read_run(step, phase, start..start + count, logits);
            });
        }
    }

    /// What follows from the logits of some rows: tokens, certainty, loss, predictions.
    fn read_run(&self, step: &mut Recording, phase: Phase, run: Range<usize>, logits: Slice) {
        let Self { model, buffers, options, pass, .. } = *self;
        let part = |slice: Slice, width| slice.part(run.start * width, run.len() * width);
        let (mask_id, sampler) = (model.config.mask_id, options.sampler);
        let rows = part(buffers.rows, 1);
        if phase == Phase::Judge {
            let stats = buffers.stats.part(run.start, run.len());
            cross_entropy::forward(step, logits, part(buffers.row_targets, 1), stats);
        } else {
            let Buffers { ids, uniforms, kinds, control, tokens, token_confidence, .. } = *buffers;
            if model.objective == Objective::Replaced {
                sample_posterior::record(
                    step,
                    sample_posterior::Buffers { rows, ids, control, logits },
                );
            }
            let io = sample_tokens::Buffers {
                logits,
                rows,
                uniforms,
                kinds,
                control,
                tokens,
                token_confidence,
            };
            sample_tokens::record(step, io, &options.sampling(mask_id, self.excludes_mask()));
            if matches!(sampler.commit, Commit::Bound(_))
                || matches!(sampler.order, Order::Margin | Order::Entropy)
            {
                let (margin, entropy) = (buffers.margin, buffers.uncertainty);
                let io = sample_certainty::Buffers { logits, rows, margin, entropy };
                sample_certainty::record(step, io, mask_id);
            }
        }
        if pass.predictions {
            let excluded = self.excludes_mask().then_some(mask_id);
            let io = sample_explain::Buffers {
                logits,
                tokens: part(buffers.top_tokens, sample_explain::BEST),
                probabilities: part(buffers.top_probabilities, sample_explain::BEST),
                entropy: part(buffers.entropy, 1),
            };
            sample_explain::record(step, io, excluded);
        }
    }

    /// Who stays, and the text after the pass.
    fn settle(&self, step: &mut Recording, phase: Phase) {
        let Self { model, buffers, .. } = *self;
        let Buffers { tokens, token_confidence, kinds, control, .. } = *buffers;
        let Buffers { ids, confidence, readback, .. } = *buffers;
        if self.options.sampler.writes_from_noise() {
            let SampleOptions { seed, first_sample, .. } = *self.options;
            let noise = model.objective.noise(&model.config);
            let renoise = Renoise { length: buffers.acts.length, first_sample, seed, noise };
            let io = sample_noise::Buffers {
                kinds,
                tokens,
                token_confidence,
                control,
                ids,
                confidence,
                readback,
            };
            return sample_noise::record(step, io, &renoise);
        }
        let order = match phase {
            Phase::Write => self.commit(step),
            Phase::Judge => self.doubt(step),
            Phase::Fill => self.order(step),
        };
        let io = remask::Buffers {
            tokens,
            token_confidence,
            order,
            kinds,
            control,
            ids,
            confidence,
            readback,
        };
        remask::record(step, io, buffers.acts.length, model.config.mask_id);
    }

    /// The order in which drawn tokens stay. Returns where it lies, as the others do.
    fn order(&self, step: &mut Recording) -> Slice {
        let Self { model, buffers, options, .. } = *self;
        let sampler = options.sampler;
        if matches!(sampler.correction, Correction::Revise | Correction::Redraw) {
            return buffers.token_confidence;
        }
        let Buffers { margin, uncertainty, token_confidence, ids, kinds, .. } = *buffers;
        let Buffers { control, order, .. } = *buffers;
        let mask_id = model.config.mask_id;
        let (certainty, score, temperature) = match sampler.order {
            Order::Noisy => (token_confidence, Score::Logarithm, options.choice_temperature),
            Order::Confidence => (token_confidence, Score::Logarithm, 0.0),
            Order::Margin => (margin, Score::Logarithm, 0.0),
            Order::Entropy => (uncertainty, Score::Negative, 0.0),
            Order::Random => (token_confidence, Score::None, 1.0),
        };
        let SampleOptions { seed, first_sample, .. } = *options;
        let length = buffers.acts.length;
        let choice = Choice { score, temperature, length, first_sample, seed, mask_id };
        let io = sample_order::Buffers { certainty, ids, kinds, control, order };
        sample_order::record(step, io, &choice);
        order
    }

    /// Who stays by order, layout, commit rule, and chance.
    fn commit(&self, step: &mut Recording) -> Slice {
        let Self { model, buffers, options, .. } = *self;
        let Buffers { ids, kinds, control, token_confidence, uncertainty, .. } = *buffers;
        let (mask_id, length) = (model.config.mask_id, buffers.acts.length);
        let sampler = options.sampler;
        let mut order = self.order(step);
        // Where the next verdict goes: never where it is computed from.
        let mut verdict = buffers.verdict;

        let reveals = sampler.commit == Commit::Chance;
        if reveals || matches!(sampler.correction, Correction::Remdm(_)) {
            let SampleOptions { seed, first_sample, .. } = *options;
            let chance = Chance { length, first_sample, seed, mask_id, reveals };
            sample_chance::record(
                step,
                sample_chance::Buffers { ids, kinds, control, order },
                &chance,
            );
        }
        match sampler.layout {
            Layout::Whole => (),
            Layout::Blocks(block) => {
                let io = sample_blocks::Buffers { ids, control, order };
                sample_blocks::record(step, io, length, block, mask_id);
            }
            Layout::Apart => {
                sample_apart::record(
                    step,
                    sample_apart::Buffers { order, control, verdict },
                    length,
                );
                std::mem::swap(&mut order, &mut verdict);
            }
        }
        let threshold = match sampler.commit {
            Commit::Schedule | Commit::Chance => return order,
            Commit::Bound(bound) => {
                let io = sample_bound::Buffers { order, entropy: uncertainty, control, verdict };
                sample_bound::record(step, io, length, bound);
                return verdict;
            }
            Commit::Threshold(threshold) => threshold,
            // No confidence is as high.
            Commit::One => 2.0,
        };
        let io = sample_threshold::Buffers { order, token_confidence, control, verdict };
        sample_threshold::record(step, io, length, threshold);
        verdict
    }

    /// Who of the hidden group stays.
    fn doubt(&self, step: &mut Recording) -> Slice {
        let Self { model, buffers, options, .. } = *self;
        let Buffers { ids, kinds, places, control, stats, order, .. } = *buffers;
        let below = match options.sampler.correction {
            Correction::Targeted { below, .. } => below,
            _ => 0.0,
        };
        let doubt = Doubt {
            length: buffers.acts.length,
            groups: GROUPS as u32,
            mask_id: model.config.mask_id,
            // No cross-entropy is infinite.
            limit: (-below.ln()).min(f32::MAX),
        };
        let loss = stats.loss;
        sample_doubt::record(
            step,
            sample_doubt::Buffers { ids, kinds, places, loss, control, order },
            &doubt,
        );
        order
    }
}
