//! Which ending does a model take for likelier?

use std::ops::Range;

use anyhow::{Result, ensure};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::Probe;
use diffusion::metrics::Scorer;
use judge::Question;
use kernels::Variants;
use model::Model;
use pollster::block_on;

use super::Estimate;

/// Sequences of a batch.
const BATCH: usize = 16;

/// A sequence that a network is asked about.
struct Row {
    /// Number of the ending that it belongs to.
    ending: usize,
    question: diffusion::Question,
    /// Positions whose answers count.
    asked: Range<usize>,
}

/// Share of the questions whose right ending has the higher likelihood per token: from left to right
/// by autoregressive models, by others as pseudo-likelihood, each token from all others (Salazar et al.
/// 2020). What comes before the story's own text is the story before it.
pub(crate) fn endings(
    device: &mut Device,
    variants: &Variants,
    model: &Model,
    probe: &Probe,
    tokenizer: &Tokenizer,
    questions: &[Question],
) -> Result<Estimate> {
    let block = model.config.block_size;
    let after: Vec<u32> = tokenizer.end_of_text_id().into_iter().collect();
    let mut rows = vec![];
    let mut asked = 0;
    for (number, Question { context, right, wrong }) in questions.iter().enumerate() {
        let before = &questions[(number + questions.len() - 1) % questions.len()];
        let before = tokenizer.encode_plain(&format!("{}{}", before.context, before.right));
        let context = [before, after.clone(), tokenizer.encode_plain(context)].concat();
        let pair = [right, wrong].map(|ending| tokenizer.encode_plain(ending));
        // A window needs as much context as ending, and nothing can stand in for it.
        let fits =
            |ending: &Vec<u32>| 2 * ending.len() <= block && context.len() + ending.len() >= block;
        if pair.iter().all(fits) {
            for ending in &pair {
                rows.extend(about(probe, &context, ending, block, asked));
                asked += 1;
            }
        }
    }
    ensure!(
        asked > 0,
        "no real story makes a question, with a last sentence that fits the block and is not that of other stories; give others, or leave it out by `--cloze 0`"
    );
    let scorer = Scorer::new(device, variants, model, BATCH, block)?;
    let mut nats = vec![(0.0, 0usize); asked];
    for batch in rows.chunks(BATCH) {
        let row = |row: usize| &batch.get(row).unwrap_or(&batch[0]).question;
        let all = |of: fn(&diffusion::Question) -> &Vec<u32>| -> Vec<u32> {
            (0..BATCH).flat_map(|n| of(row(n)).iter().copied()).collect()
        };
        let (seen, targets) = (all(|one| &one.seen), all(|one| &one.targets));
        let told = all(|one| &one.told);
        let scores = block_on(scorer.score(device, &seen, &targets, &told))?;
        let positions = probe.objective.positions(block);
        for (row, loss) in batch.iter().zip(scores.loss.chunks(positions)) {
            let (sum, count) = &mut nats[row.ending];
            *sum += loss[row.asked.clone()].iter().map(|&nats| f64::from(nats)).sum::<f64>();
            *count += row.asked.len();
        }
    }
    let known = nats.chunks(2).filter(|pair| {
        let [right, wrong] = [pair[0], pair[1]].map(|(sum, count)| sum / count as f64);
        right < wrong
    });
    let count = (asked / 2) as f64;
    let share = known.count() as f64 / count;
    Ok(Estimate { mean: share, error: (share * (1.0 - share) / count).sqrt() })
}

/// The sequences that ask about an ending.
fn about(probe: &Probe, context: &[u32], ending: &[u32], block: usize, number: usize) -> Vec<Row> {
    let start = block - ending.len();
    let clean = [&context[context.len() - start..], ending].concat();
    let times = vec![time(probe, block); probe.objective.parts(block)];
    let question = probe.question(&clean, &times, 0, 0);
    if probe.objective.shifts() {
        return vec![Row { ending: number, question, asked: start..block }];
    }
    let one = |at: usize| {
        let mut question = question.clone();
        question.seen[..block].copy_from_slice(&clean);
        // Of a model that tells random tokens from others, any token hides the true one.
        question.seen[at] = probe.noise.of((at as u32).wrapping_mul(0x9e37_79b9));
        Row { ending: number, question, asked: at..at + 1 }
    };
    (start..block).map(one).collect()
}

/// The time at which about one token of a block is masked.
fn time(probe: &Probe, block: usize) -> usize {
    match probe.objective.shifts() {
        true => 1,
        false => probe.masks.nearest(1.0 - 1.0 / block as f64, probe.timesteps),
    }
}

#[cfg(test)]
mod tests {
    use diffusion::Schedule;
    use model::{Config, Objective};

    use super::*;

    fn probe(objective: Objective) -> Probe {
        let schedule = Schedule::Linear;
        let config = Config { timesteps: 10, ..Config::reference(97) };
        Probe::new(&config, objective, schedule, schedule)
    }

    #[test]
    fn each_token_of_an_ending_is_asked_for() {
        let about =
            |objective, block| about(&probe(objective), &[5, 6, 7, 8, 9, 3], &[10, 11], block, 3);
        let rows = about(Objective::Masked, 5);
        let asked: Vec<_> =
            rows.iter().map(|row| (row.question.seen.clone(), row.asked.clone())).collect();
        assert_eq!(asked, [(vec![8, 9, 3, 2, 11], 3..4), (vec![8, 9, 3, 10, 2], 4..5)]);
        let whole = |row: &Row| row.question.targets == [8, 9, 3, 10, 11] && row.ending == 3;
        assert!(rows.iter().all(whole));
        assert_eq!(rows[0].question.told, [2], "one of five is nearest to two of ten");

        let rows = about(Objective::Block(2), 4);
        assert_eq!(rows[1].question.seen, [9, 3, 10, 2, 9, 3, 10, 11], "blocks before are clean");
        assert_eq!((rows.len(), &rows[1].asked), (2, &(3..4)));

        let rows = about(Objective::Autoregressive, 5);
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0].question.seen[..], &rows[0].asked), (&[2, 8, 9, 3, 10][..], &(3..5)));
    }
}
