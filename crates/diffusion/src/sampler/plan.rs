//! The passes of a generation, decided before the first.

use std::collections::BTreeMap;

use kernels::sample_begin::{GREEDY, GROUP, HEADER, LEFT, ODDS, PASS, REMASK, REVEAL};
use model::{Config, Schedule};

use super::SampleOptions;
use super::parts::{Commit, Correction, Layout, Sampler};
use crate::times;

/// Groups in which a finished text is judged: each pass hides one position in so many, so that the
/// model sees both neighbours and most of the text.
pub(super) const GROUPS: usize = 8;

/// Passes in which doubtful tokens are drawn again.
pub(super) const FILLS: usize = 4;

/// Passes behind a schedule that reveal what it could not, neighbours of the last ones: between two
/// that are revealed, at most two masks remain.
pub(super) const CATCHING_UP: usize = 2;

/// Passes of a round of correction.
pub(super) const ROUND: usize = GROUPS + FILLS;

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Writing the text.
    Write,
    /// Judging a group of positions of a finished text.
    Judge,
    /// Drawing again what was doubtful.
    Fill,
}

/// The passes of a generation.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Nominal time before each pass, and 0 behind the last.
    times: Vec<usize>,
    /// Passes that write.
    writing: usize,
    /// Where a schedule goes from block to block: the block of each of these passes, and the time
    /// after it in the block's own schedule.
    blocks: Vec<(usize, usize)>,
}

impl Plan {
    /// The passes for texts with these generated positions, row after row.
    pub(super) fn new(options: &SampleOptions, config: &Config, generated: &[&[bool]]) -> Self {
        let Sampler { layout, correction, .. } = options.sampler;
        let most = generated.iter().map(|row| count(row)).max().unwrap_or(0);
        let (steps, timesteps) = (options.steps(config.timesteps), config.timesteps);
        let mut blocks = vec![];
        let mut times = if options.sampler.adaptive() {
            (0..=most).map(|done| told(options.schedule, timesteps, most - done, most)).collect()
        } else {
            match layout {
                Layout::Whole => times(steps, timesteps),
                Layout::Apart => {
                    let mut times = times(steps, timesteps);
                    let last = times[steps - 1];
                    times.splice(steps..steps, [last; CATCHING_UP]);
                    times
                }
                Layout::Blocks(block) => {
                    blocks = passes_of_blocks(steps, timesteps, generated, block as usize);
                    let remain = |&(b, time): &(usize, usize)| {
                        let masks = |row: &&[bool]| {
                            remaining(options.schedule, timesteps, row, block as usize, b, time)
                        };
                        generated.iter().map(masks).max().unwrap_or(0) as usize
                    };
                    let told = |masks| told(options.schedule, timesteps, masks, most);
                    let behind = blocks.iter().map(|pass| told(remain(pass)));
                    [timesteps].into_iter().chain(behind).collect()
                }
            }
        };
        if correction == Correction::Redraw {
            // The greedy pass at t = 0, and the end behind it.
            times.push(0);
        }
        let writing = times.len() - 1;
        if let Correction::Targeted { rounds, .. } = correction {
            times.resize(times.len() + rounds as usize * ROUND, 0);
        }
        Self { times, writing, blocks }
    }

    /// Number of all passes.
    pub(super) fn passes(&self) -> usize {
        self.times.len() - 1
    }

    /// Nominal time of the state after `pass` passes.
    pub(super) fn time(&self, pass: usize) -> usize {
        self.times[pass]
    }

    /// What a pass is for.
    pub(super) fn phase(&self, pass: usize) -> Phase {
        match pass.checked_sub(self.writing) {
            None => Phase::Write,
            Some(behind) if behind % ROUND < GROUPS => Phase::Judge,
            Some(_) => Phase::Fill,
        }
    }

    /// The next pass that has anything to do after `pass` passes, for texts that have `masks` masks
    /// together; where the device decides by itself, it skips the passes in between.
    pub(super) fn next(&self, pass: usize, masks: usize, surveyed: bool) -> usize {
        let Some(behind) = pass.checked_sub(self.writing) else {
            return if surveyed && masks == 0 { self.writing } else { pass };
        };
        match behind % ROUND {
            // A judgement that found nothing ends it.
            GROUPS if masks == 0 => self.passes(),
            fill if fill > GROUPS && masks == 0 => pass + ROUND - fill,
            _ => pass,
        }
    }

    /// The table of all passes as [`kernels::sample_begin`] takes it.
    pub(super) fn table(
        &self,
        options: &SampleOptions,
        config: &Config,
        generated: &[&[bool]],
    ) -> Vec<u32> {
        let Sampler { commit, layout, correction, .. } = options.sampler;
        let timesteps = config.timesteps;
        let eta = if let Correction::Remdm(eta) = correction { eta } else { 0.0 };
        let mut table = Vec::with_capacity(self.passes() * (HEADER + generated.len()));
        for (pass, pair) in self.times.windows(2).enumerate() {
            let mut row = [0; HEADER];
            row[PASS] = pair[0] as u32;
            let mut counts = vec![0; generated.len()];
            match self.phase(pass) {
                Phase::Write => {
                    row[GREEDY] = u32::from(correction == Correction::Redraw && pair[0] == 0);
                    if correction == Correction::Noise {
                        let tokens = config.vocab_size as u32 - config.mask_id - 1;
                        let [fresh, reveal, odds] =
                            noise(options.schedule, timesteps, pair, tokens);
                        row[REMASK] = fresh.to_bits();
                        row[REVEAL] = reveal.to_bits();
                        row[ODDS] = odds.to_bits();
                    } else {
                        let (remask, reveal) = chances(options.schedule, timesteps, pair, eta);
                        row[REMASK] = remask.to_bits();
                        row[REVEAL] = reveal.to_bits();
                    }
                    let last = pass + 1 == self.writing;
                    row[LEFT] = u32::from(last && options.sampler.surveyed());
                    if commit == Commit::Schedule {
                        let after = match layout {
                            Layout::Apart if pass + 1 + CATCHING_UP >= self.writing => 0,
                            _ => pair[1],
                        };
                        let masked = |row: &&[bool]| match (layout, self.blocks.get(pass)) {
                            (Layout::Blocks(block), Some(&(b, time))) => {
                                let block = block as usize;
                                remaining(options.schedule, timesteps, row, block, b, time)
                            }
                            _ => options.schedule.masked_count(after, timesteps, count(row)) as u32,
                        };
                        counts = generated.iter().map(masked).collect();
                    }
                }
                Phase::Judge => row[GROUP] = ((pass - self.writing) % ROUND) as u32,
                Phase::Fill => row[LEFT] = (ROUND - (pass - self.writing) % ROUND) as u32,
            }
            table.extend(row);
            table.extend(counts);
        }
        table
    }
}

/// Number of generated positions.
fn count(row: &[bool]) -> usize {
    row.iter().filter(|&&generated| generated).count()
}

/// The time at which `masks` of `generated` positions are masked: what the network is told of them.
pub(super) fn told(schedule: Schedule, timesteps: usize, masks: usize, generated: usize) -> usize {
    match masks {
        0 => 0,
        _ => schedule.nearest(1.0 - masks as f64 / generated as f64, timesteps),
    }
}

/// [`told`] for every number of masks of every text, `(batch, length + 1)`.
pub(super) fn told_table(
    options: &SampleOptions,
    timesteps: usize,
    generated: &[&[bool]],
) -> Vec<u32> {
    let mut rows: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    let mut table = vec![];
    for text in generated {
        let count = count(text);
        let row = rows.entry(count).or_insert_with(|| {
            let time = |masks: usize| told(options.schedule, timesteps, masks.min(count), count);
            (0..=text.len()).map(|masks| time(masks) as u32).collect()
        });
        table.extend_from_slice(row);
    }
    table
}

/// With which probability a visible token is masked again and a mask revealed, on the way from time
/// t to s (ReMDM, arXiv 2503.00307, rescaled by `eta`; with 0, MDLM's ancestral sampling).
fn chances(schedule: Schedule, timesteps: usize, pair: &[usize], eta: f32) -> (f32, f32) {
    let [now, then] = [pair[0], pair[1]].map(|t| schedule.alpha(t, timesteps));
    let most = if now > 0.0 { ((1.0 - then) / now).min(1.0) } else { 1.0 };
    let remask = if pair[1] == 0 { 0.0 } else { f64::from(eta) * most };
    let reveal = if pair[1] == 0 { 1.0 } else { (then - (1.0 - remask) * now) / (1.0 - now) };
    (remask as f32, reveal as f32)
}

/// What [`kernels::sample_noise`] draws with on the way from time t to s: the probability that a wrong
/// token becomes another random one, that it gives way to the right one, and the odds of a right one.
fn noise(schedule: Schedule, timesteps: usize, pair: &[usize], tokens: u32) -> [f32; 3] {
    let [now, then] = [pair[0], pair[1]].map(|t| schedule.alpha(t, timesteps));
    let fresh = (1.0 - now / then) * (1.0 - then) / (1.0 - now);
    let reveal = (then - now) / (1.0 - now);
    let odds = f64::from(tokens) * now / (1.0 - now);
    [fresh, reveal, odds].map(|number| number as f32)
}

/// The passes that write in blocks: every block gets its share of the steps, at least one, and goes
/// through the whole schedule. Each is its block and the time after it.
fn passes_of_blocks(
    steps: usize,
    timesteps: usize,
    generated: &[&[bool]],
    block: usize,
) -> Vec<(usize, usize)> {
    let blocks: Vec<Vec<usize>> =
        generated.iter().map(|row| row.chunks(block).map(count).collect()).collect();
    let number = blocks.iter().map(Vec::len).max().unwrap_or(0);
    let largest = |b: usize| blocks.iter().map(|row| row[b]).max().unwrap_or(0);
    let total: usize = (0..number).map(largest).sum();
    let (mut passes, mut before) = (vec![], 0);
    for b in (0..number).filter(|&b| largest(b) > 0) {
        before += largest(b);
        let end = (steps * before).div_ceil(total);
        let share = end.saturating_sub(passes.len()).clamp(1, timesteps);
        passes.extend(times(share, timesteps)[1..].iter().map(|&time| (b, time)));
    }
    passes
}

/// Masks of a text at a time in the schedule of block `b`, those in the blocks behind it included.
fn remaining(
    schedule: Schedule,
    timesteps: usize,
    row: &[bool],
    block: usize,
    b: usize,
    time: usize,
) -> u32 {
    let (before, behind) = row.split_at((block * (b + 1)).min(row.len()));
    let inside = &before[(block * b).min(before.len())..];
    (schedule.masked_count(time, timesteps, count(inside)) + count(behind)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            n_layer: 1,
            n_head: 1,
            n_embd: 8,
            block_size: 64,
            timesteps: 20,
            mask_id: 2,
            ..Config::reference(97)
        }
    }

    fn options(sampler: &str) -> SampleOptions {
        let sampler = sampler.parse().unwrap();
        SampleOptions { sampler, schedule: Schedule::Linear, ..SampleOptions::default() }
    }

    /// Masks that the table lets remain after each pass of the first text.
    fn remain(sampler: &str, generated: &[&[bool]]) -> Vec<u32> {
        let (options, config) = (options(sampler), config());
        let plan = Plan::new(&options, &config, generated);
        let table = plan.table(&options, &config, generated);
        table.chunks(HEADER + generated.len()).map(|row| row[HEADER]).collect()
    }

    #[test]
    fn blocks_are_finished_one_after_the_other() {
        let row = [&[false; 5][..], &[true; 35]].concat();
        let masks = remain("maskgit+blocks:16", &[&row]);
        // 11, 16 and 8 positions, in 7, 9 and 4 of the 20 passes.
        assert_eq!(masks.len(), 20);
        assert_eq!((masks[6], masks[15], masks[19]), (24, 8, 0));
        assert!(masks.is_sorted_by(|a, b| a >= b), "{masks:?}");
        let few = Plan::new(
            &SampleOptions { steps: Some(2), ..options("maskgit+blocks:8") },
            &config(),
            &[&row],
        );
        assert_eq!(few.passes(), 5, "at least one pass for each block");
    }

    #[test]
    fn chances_keep_the_schedule() {
        for schedule in Schedule::ALL {
            for eta in [0.0, 0.02, 1.0] {
                // The share that is visible is a_t before, and a_s after: the marginals of ReMDM.
                for t in 2..=20 {
                    let (remask, reveal) = chances(schedule, 20, &[t, t - 1], eta);
                    let [now, then] = [t, t - 1].map(|t| schedule.alpha(t, 20));
                    let after = now * (1.0 - f64::from(remask)) + (1.0 - now) * f64::from(reveal);
                    assert!((after - then).abs() < 1e-6, "{schedule} {eta} {t}: {after} {then}");
                    assert!((0.0..=1.0).contains(&reveal) && (0.0..=1.0).contains(&remask));
                }
                assert_eq!(chances(schedule, 20, &[1, 0], eta), (0.0, 1.0));
            }
        }
    }

    #[test]
    fn what_has_nothing_to_do_is_skipped() {
        let row = [true; 30];
        let (options, config) = (options("threshold+targeted:0.1:2"), config());
        let plan = Plan::new(&options, &config, &[&row]);
        assert_eq!(plan.passes(), 30 + 2 * (8 + 4));
        assert_eq!(plan.next(7, 3, true), 7);
        assert_eq!(plan.next(7, 0, true), 30, "the text stands");
        assert_eq!((plan.phase(29), plan.phase(30)), (Phase::Write, Phase::Judge));
        assert_eq!(plan.next(34, 0, true), 34);
        assert_eq!((plan.phase(37), plan.phase(38)), (Phase::Judge, Phase::Fill));
        assert_eq!(plan.next(38, 0, true), 54, "nothing was doubtful");
        assert_eq!(plan.next(38, 2, true), 38);
        assert_eq!(plan.next(40, 0, true), 42, "all is filled: the next round");
        assert_eq!(plan.next(42, 0, true), 42);
    }

    #[test]
    fn the_network_is_told_how_much_is_masked() {
        let schedule = Schedule::Linear;
        let told: Vec<_> = (0..=10).map(|masks| told(schedule, 20, masks, 10)).collect();
        assert_eq!(told, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    }
}
