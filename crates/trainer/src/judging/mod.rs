//! Texts of files and of models beside real ones.

mod endings;
mod picture;
mod reader;
mod table;
mod writing;

use anyhow::Result;
use judge::Judgement;
use serde::{Deserialize, Serialize};

pub(crate) use endings::endings;
pub(crate) use picture::{against_passes, perplexity_and_entropy};
pub(crate) use reader::Reader;
pub(crate) use table::rows;
pub(crate) use writing::{Author, Excerpt, Recipe, Written, recipes};

/// A number with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Estimate {
    /// The number.
    pub(crate) mean: f64,
    /// Its standard error.
    pub(crate) error: f64,
}

/// Texts to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// What they are called; those of models are called by what their origins do not share.
    pub(crate) name: String,
    /// The texts.
    pub(crate) texts: Vec<String>,
    /// How a model wrote them, if one did.
    pub(crate) origin: Option<Origin>,
}

/// How a model wrote texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The model.
    pub(crate) model: String,
    /// The sampler, with its parts.
    pub(crate) sampler: String,
    /// Denoising steps that were asked for.
    pub(crate) steps: Option<usize>,
    /// Sampling temperature.
    pub(crate) temperature: f32,
    /// Passes of the network over a text, at most.
    pub(crate) passes: f64,
    /// Share of last sentences that the model knows from those of other stories.
    pub(crate) endings: Option<Estimate>,
}

impl Origin {
    /// Model, sampler, steps and temperature in words.
    fn parts(&self) -> [String; 4] {
        let steps = self.steps.map_or("any steps".to_owned(), |steps| format!("{steps} steps"));
        [self.model.clone(), self.sampler.clone(), steps, format!("T = {}", self.temperature)]
    }
}

/// A name for each list of parts: the parts that are not the same in all, or else the first.
fn names<const N: usize>(all: &[[String; N]]) -> Vec<String> {
    let varies = |part: &usize| all.iter().any(|one| one[*part] != all[0][*part]);
    let varying: Vec<usize> = (0..N).filter(varies).collect();
    let shown = if varying.is_empty() { vec![0] } else { varying };
    let name = |one: &[String; N]| {
        shown.iter().map(|&part| one[part].as_str()).collect::<Vec<_>>().join(", ")
    };
    all.iter().map(name).collect()
}

/// What is known of a set of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Column {
    /// What the text alone says.
    #[serde(flatten)]
    pub(crate) judgement: Judgement,
    /// How a model wrote it, if one did.
    #[serde(flatten)]
    pub(crate) origin: Option<Origin>,
    /// Information of the texts under the reader, in nats per byte.
    pub(crate) nats_per_byte: Option<Estimate>,
    /// Entropy of a text's own tokens, in nats, mean of the texts: repetition makes it low, and the
    /// information, too.
    pub(crate) entropy: Option<f64>,
}

/// Judges sets of texts beside `real` ones, which come last; see [`judge::judge`].
pub(crate) fn columns(
    mut sets: Vec<Set>,
    real: Set,
    training: Option<&str>,
    mut reader: Option<&mut Reader>,
) -> Result<Vec<Column>> {
    let parts: Vec<_> =
        sets.iter().filter_map(|set| set.origin.as_ref()).map(Origin::parts).collect();
    let written = sets.iter_mut().filter(|set| set.origin.is_some());
    for (set, name) in written.zip(names(&parts)) {
        set.name = name;
    }
    let named: Vec<(String, Vec<&str>)> = sets
        .iter()
        .map(|set| (set.name.clone(), set.texts.iter().map(String::as_str).collect()))
        .collect();
    let real_texts: Vec<&str> = real.texts.iter().map(String::as_str).collect();
    let judgements = judge::judge(&named, (&real.name, &real_texts), training);
    sets.push(real);
    let column = |(judgement, set): (Judgement, &Set)| {
        let read = reader.as_mut().map(|reader| reader.read(&set.texts)).transpose()?;
        Ok(Column {
            judgement,
            origin: set.origin.clone(),
            nats_per_byte: read.map(|read| read.nats_per_byte),
            entropy: read.map(|read| read.entropy),
        })
    };
    judgements.into_iter().zip(&sets).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_what_is_not_shared() {
        let list = |parts: [&str; 3]| parts.map(str::to_owned);
        let all = [list(["a", "s", "1"]), list(["a", "t", "2"])];
        assert_eq!(names(&all), ["s, 1", "t, 2"]);
        assert_eq!(names(&all[..1]), ["a"]);
        assert_eq!(names::<3>(&[]), Vec::<String>::new());
    }
}
