//! The passes of a whole generation: one plan for the text, or one after the other for its blocks.

use kernels::sample_begin::HEADER;
use model::Config;

use super::SampleOptions;
use super::parts::MOST_ROUNDS;
use super::plan::{CATCHING_UP, Phase, Plan, ROUND};

/// The passes of a generation.
#[derive(Clone, Debug)]
pub(super) struct Plans {
    /// Passes that are not planned, since they are done already.
    done: usize,
    parts: Vec<Part>,
}

/// Passes over one block of the texts, or over all of them.
#[derive(Clone, Debug)]
struct Part {
    /// The first pass.
    start: usize,
    block: usize,
    plan: Plan,
}

impl Plans {
    /// The most planned passes for texts of `length` tokens in blocks of `block`.
    pub(super) fn most(config: &Config, length: usize, block: usize) -> usize {
        let blocks = length.div_ceil(block);
        // Passes of samplers that decide by themselves, or else of a schedule; at least one in a block.
        let steps = config.timesteps * length.div_ceil(config.block_size);
        let more = 2 + CATCHING_UP + MOST_ROUNDS as usize * ROUND;
        length + steps + blocks * more
    }

    /// One plan for whole texts.
    pub(super) fn whole(plan: Plan) -> Self {
        Self { done: 0, parts: vec![Part { start: 0, block: 0, plan }] }
    }

    /// One plan after the other for the blocks that `chosen` holds of, behind `done` passes. The steps
    /// are those of a text that fills the model's context: a block gets its share of them, at least
    /// one.
    pub(super) fn of_blocks(
        options: &SampleOptions,
        config: &Config,
        generated: &[&[bool]],
        block: usize,
        done: usize,
        chosen: impl Fn(usize) -> bool,
    ) -> Self {
        let steps = options.steps(config.timesteps);
        let blocks = generated.iter().map(|row| row.len().div_ceil(block)).max().unwrap_or(0);
        let (mut parts, mut start) = (vec![], done);
        let (mut before, mut shared) = (0, 0);
        for number in 0..blocks {
            let rows = rows_of(generated, block, number);
            let count = |row: &Vec<bool>| row.iter().filter(|&&generated| generated).count();
            let largest = rows.iter().map(count).max().unwrap_or(0);
            if largest == 0 || !chosen(number) {
                continue;
            }
            before += largest;
            let end = (steps * before).div_ceil(config.block_size);
            let share = end.saturating_sub(shared).clamp(1, config.timesteps);
            shared += share;
            let options = SampleOptions { steps: Some(share), ..options.clone() };
            let rows: Vec<&[bool]> = rows.iter().map(Vec::as_slice).collect();
            let plan = Plan::new(&options, config, &rows);
            let passes = plan.passes();
            parts.push(Part { start, block: number, plan });
            start += passes;
        }
        Self { done, parts }
    }

    /// Passes before the planned ones.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Number of all passes.
    pub(super) fn passes(&self) -> usize {
        self.parts.last().map_or(self.done, |part| part.start + part.plan.passes())
    }

    /// Number of the passes up to the last that writes.
    pub(super) fn writing(&self) -> usize {
        let writes = |&pass: &usize| self.phase(pass) == Phase::Write;
        (0..self.passes()).rev().find(writes).map_or(0, |last| last + 1)
    }

    /// The part of a pass, and which pass of it that is: behind the last one, too.
    fn part(&self, pass: usize) -> Option<(&Part, usize)> {
        let part = self.parts.iter().rev().find(|part| part.start <= pass);
        part.map(|part| (part, pass - part.start))
    }

    /// The block that a pass writes in.
    pub(super) fn block(&self, pass: usize) -> usize {
        self.part(pass).map_or(0, |(part, _)| part.block)
    }

    /// Nominal time of the state after `pass` passes.
    pub(super) fn time(&self, pass: usize) -> usize {
        self.part(pass).map_or(0, |(part, local)| part.plan.time(local))
    }

    /// What a pass is for.
    pub(super) fn phase(&self, pass: usize) -> Phase {
        self.part(pass).map_or(Phase::Write, |(part, local)| part.plan.phase(local))
    }

    /// [`Plan::next`], for texts that have `masks` masks together where the pass writes.
    pub(super) fn next(&self, pass: usize, masks: usize, surveyed: bool) -> usize {
        let Some((part, local)) = self.part(pass) else { return pass };
        part.start + part.plan.next(local, masks, surveyed)
    }

    /// The table of the planned passes as [`kernels::sample_begin`] takes it; in blocks of `block`, if
    /// there are any.
    pub(super) fn table(
        &self,
        options: &SampleOptions,
        config: &Config,
        generated: &[&[bool]],
        block: Option<usize>,
    ) -> Vec<u32> {
        let passes = self.passes() - self.done;
        let mut table = Vec::with_capacity(passes * (HEADER + generated.len()));
        for Part { block: number, plan, .. } in &self.parts {
            match block {
                None => table.extend(plan.table(options, config, generated)),
                Some(block) => {
                    let rows = rows_of(generated, block, *number);
                    let rows: Vec<&[bool]> = rows.iter().map(Vec::as_slice).collect();
                    table.extend(plan.table(options, config, &rows));
                }
            }
        }
        table
    }
}

/// Generated positions of a block of each text. Behind the end of a text nothing is generated.
pub(super) fn rows_of(generated: &[&[bool]], block: usize, number: usize) -> Vec<Vec<bool>> {
    let start = number * block;
    let at = |row: &&[bool], i: usize| row.get(i).copied().unwrap_or(false);
    generated.iter().map(|row| (start..start + block).map(|i| at(row, i)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Schedule;

    fn config() -> Config {
        Config { block_size: 32, timesteps: 20, mask_id: 2, ..Config::reference(97) }
    }

    fn plans(sampler: &str, row: &[bool], steps: Option<usize>) -> Plans {
        let sampler = sampler.parse().expect("a sampler");
        let schedule = Schedule::Linear;
        let options = SampleOptions { sampler, schedule, steps, ..SampleOptions::default() };
        Plans::of_blocks(&options, &config(), &[row], 8, 0, |_| true)
    }

    #[test]
    fn every_block_has_its_share_of_the_steps() {
        let row = [&[false; 12][..], &[true; 28]].concat();
        let some = plans("maskgit", &row, None);
        // 4, 8, 8 and 8 of 32 tokens, in 20 steps of a whole context.
        let blocks: Vec<_> = (0..some.passes()).map(|pass| some.block(pass)).collect();
        let passes = |block| blocks.iter().filter(|&&of| of == block).count();
        assert_eq!([0, 1, 2, 3, 4].map(passes), [0, 3, 5, 5, 5]);
        assert_eq!((some.time(0), some.time(3), some.time(18)), (20, 20, 0));
        assert_eq!(plans("maskgit", &row, Some(1)).passes(), 4, "at least one for each block");
        assert_eq!(plans("threshold", &row, None).passes(), 28, "a pass for each token at most");
        assert!(plans("seed", &[true; 64], None).passes() <= Plans::most(&config(), 64, 8));
        let corrected = plans("threshold+targeted:0.1:8", &[true; 64], None);
        assert!(corrected.passes() <= Plans::most(&config(), 64, 8));
    }

    #[test]
    fn what_a_block_has_done_leads_to_the_next() {
        let plans = plans("threshold", &[true; 16], None);
        assert_eq!(plans.next(3, 5, true), 3);
        assert_eq!((plans.next(3, 0, true), plans.block(8)), (8, 1), "the block stands");
        assert_eq!((plans.next(11, 0, true), plans.passes()), (16, 16));
        assert_eq!(plans.block(16), 1, "behind the last pass");
    }

    #[test]
    fn only_chosen_blocks_are_planned_again() {
        let sampler = "maskgit".parse().expect("a sampler");
        let options = SampleOptions { sampler, ..SampleOptions::default() };
        let row = [true; 32];
        let plans = Plans::of_blocks(&options, &config(), &[&row], 8, 7, |block| block == 2);
        assert_eq!((plans.done(), plans.passes(), plans.block(7)), (7, 12, 2));
        let table = plans.table(&options, &config(), &[&row], Some(8));
        assert_eq!(table.len(), 5 * (HEADER + 1));
        let none = Plans::of_blocks(&options, &config(), &[&row], 8, 7, |_| false);
        assert_eq!((none.passes(), none.time(7)), (7, 0));
    }
}
