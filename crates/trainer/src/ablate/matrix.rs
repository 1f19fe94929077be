//! The file of an ablation, and the runs that it asks for.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use diffusion::sampler::Sampler;
use run::Settings;
use serde::{Deserialize, Serialize};

use crate::{files, settings};

/// Lines that a picture can tell apart.
const LINES: usize = 6;

/// An ablation as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ablation {
    /// Title of the report.
    pub(super) title: String,
    /// What is asked, and at which budget, in a few sentences.
    pub(super) about: String,
    /// Preset or file of the settings that all runs share.
    pub(super) base: String,
    /// Changes of it for all runs, as `key=value`.
    #[serde(default)]
    pub(super) set: Vec<String>,
    /// Seeds; every combination of values is run with each.
    pub(super) seeds: Vec<u64>,
    /// What is varied. Lines of a picture differ in the last axis.
    pub(super) axis: Vec<Axis>,
    /// Devices that share the steps of each run, as by `train --ranks`.
    #[serde(default = "one")]
    pub(super) ranks: usize,
    /// Batches of 16 sequences for bits per byte.
    #[serde(default = "batches")]
    pub(super) batches: usize,
    /// What the judge is told.
    #[serde(default)]
    pub(super) judge: Judging,
}

fn one() -> usize {
    1
}

fn batches() -> usize {
    16
}

/// Something that is varied.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) values: Vec<Choice>,
}

/// A value of an axis.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    pub(super) name: String,
    /// Changes of the settings, as `key=value`.
    #[serde(default)]
    pub(super) set: Vec<String>,
    /// How many stories are trained on: the first of the corpus. What is held out stays.
    #[serde(default)]
    pub(super) stories: Option<usize>,
}

/// What every model writes for the judge, see `trainer judge`. Empty lists are as the model's card says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Judging {
    /// Texts of each seed and recipe.
    pub(super) texts: usize,
    /// Tokens of a real story that a text begins with.
    pub(super) given: usize,
    /// Samplers, with their parts joined by `+`.
    pub(super) samplers: Vec<String>,
    pub(super) steps: Vec<usize>,
    pub(super) temperatures: Vec<f32>,
    /// Stories whose last sentence is asked for.
    pub(super) cloze: usize,
}

impl Default for Judging {
    /// A few texts to look at.
    fn default() -> Self {
        let (samplers, steps, temperatures) = (vec![], vec![], vec![]);
        Self { texts: 2, given: 16, samplers, steps, temperatures, cloze: 0 }
    }
}

/// A combination of values.
#[derive(Clone, Debug)]
pub(super) struct Arm {
    /// The number of its value on each axis.
    pub(super) values: Vec<usize>,
    /// The values' names.
    pub(super) name: String,
    /// The name of that on the last axis.
    pub(super) last: String,
    pub(super) stories: Option<usize>,
    pub(super) runs: Vec<Planned>,
}

/// A run that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// Name of its folder.
    pub(super) folder: String,
    pub(super) seed: u64,
    /// Changes of the base.
    pub(super) changes: Vec<String>,
    /// What they come to.
    pub(super) settings: Settings,
}

impl Ablation {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let read = || -> Result<Self> {
            let ablation: Self = files::read_toml(path)?;
            ablation.check()?;
            Ok(ablation)
        };
        read().with_context(|| format!("cannot use the ablation {}", files::input_name(path)))
    }

    fn check(&self) -> Result<()> {
        let seeds: BTreeSet<_> = self.seeds.iter().collect();
        ensure!(!seeds.is_empty(), "`seeds` is empty; give at least one");
        ensure!(seeds.len() == self.seeds.len(), "`seeds` has a number twice; give each once");
        ensure!(self.batches > 0, "`batches` is 0; give at least 1");
        ensure!(self.judge.texts > 0, "`judge.texts` is 0; give at least 1");
        let last =
            self.axis.last().context("nothing is varied; give an [[axis]] with its values")?;
        ensure!(
            last.values.len() <= LINES,
            "the last axis, `{}`, has {} values, and a picture can tell {LINES} lines apart; give fewer, or put another axis behind it",
            last.name,
            last.values.len()
        );
        for axis in &self.axis {
            ensure!(!axis.values.is_empty(), "the axis `{}` has no values", axis.name);
            for choice in &axis.values {
                ensure!(
                    choice.stories != Some(0),
                    "the value `{}` trains on no story; give at least 1",
                    choice.name
                );
            }
        }
        self.recipes()?;
        Ok(())
    }

    /// How every model writes.
    pub(super) fn recipes(&self) -> Result<Vec<crate::judging::Recipe>> {
        let Judging { samplers, steps, temperatures, .. } = &self.judge;
        let parse = |name: &String| Ok(name.parse::<Sampler>()?);
        let samplers = samplers.iter().map(parse).collect::<Result<Vec<_>>>();
        let samplers = samplers.context("`judge.samplers`")?;
        Ok(crate::judging::recipes(&samplers, steps, temperatures))
    }

    /// Every combination of values, the last axis fastest, with its runs.
    pub(super) fn arms(&self) -> Result<Vec<Arm>> {
        let mut combinations: Vec<Vec<usize>> = vec![vec![]];
        for axis in &self.axis {
            let longer = |values: &Vec<usize>| {
                (0..axis.values.len()).map(|n| [&values[..], &[n]].concat()).collect::<Vec<_>>()
            };
            combinations = combinations.iter().flat_map(longer).collect();
        }
        let arms = combinations.into_iter().map(|values| self.arm(values));
        let arms = arms.collect::<Result<Vec<_>>>()?;
        let mut folders = BTreeSet::new();
        for run in arms.iter().flat_map(|arm| &arm.runs) {
            ensure!(
                folders.insert(&run.folder),
                "two runs would have the folder `{}`; give values names that differ in letters or digits",
                run.folder
            );
        }
        Ok(arms)
    }

    fn arm(&self, values: Vec<usize>) -> Result<Arm> {
        let choices: Vec<&Choice> =
            self.axis.iter().zip(&values).map(|(axis, &n)| &axis.values[n]).collect();
        let name = choices.iter().map(|choice| choice.name.as_str()).collect::<Vec<_>>().join(", ");
        let changes = || self.set.iter().chain(choices.iter().flat_map(|choice| &choice.set));
        let run = |&seed: &u64| -> Result<Planned> {
            let seeded = format!("train.seed={seed}");
            let changes: Vec<String> = changes().cloned().chain([seeded]).collect();
            let settings = settings::read(&self.base, &changes);
            let settings = settings.with_context(|| format!("the combination `{name}`"))?;
            Ok(Planned { folder: format!("{}-seed{seed}", slug(&name)), seed, changes, settings })
        };
        let runs = self.seeds.iter().map(run).collect::<Result<_>>()?;
        let stories = choices.iter().rev().find_map(|choice| choice.stories);
        let last = choices.last().map_or_else(String::new, |choice| choice.name.clone());
        Ok(Arm { name: name.clone(), last, stories, runs, values })
    }

    /// The arms of each picture: those that differ in the last axis alone, with what they share.
    pub(super) fn pictures<'a, T>(&self, arms: &'a [T]) -> Vec<(String, &'a [T])> {
        let lines = self.axis.last().map_or(1, |axis| axis.values.len());
        let others = &self.axis[..self.axis.len().saturating_sub(1)];
        let shared = |mut number: usize| {
            let mut names: Vec<&str> = vec![];
            for axis in others.iter().rev() {
                names.push(&axis.values[number % axis.values.len()].name);
                number /= axis.values.len();
            }
            names.reverse();
            names.join(", ")
        };
        arms.chunks(lines).enumerate().map(|(n, arms)| (shared(n), arms)).collect()
    }
}

/// A name as that of a file: letters, digits and dots stay, anything else is a hyphen.
pub(super) fn slug(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_alphanumeric() && c != '.');
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        title = "Noise"
        about = "Which?"
        base = "tiny"
        set = ["steps=8"]
        seeds = [1, 2]
        [[axis]]
        name = "stories"
        values = [{ name = "10", stories = 10 }, { name = "all" }]
        [[axis]]
        name = "objective"
        values = [{ name = "Masked" }, { name = "span (3)", set = ["objective=span"] }]
    "#;

    fn read(text: &str) -> Result<Ablation> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        let ablation = Ablation::read(file.path())?;
        ablation.arms()?;
        Ok(ablation)
    }

    #[test]
    fn all_combinations_are_run_with_all_seeds() -> Result<()> {
        let ablation = read(FILE)?;
        let arms = ablation.arms()?;
        let names: Vec<_> = arms.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(names, ["10, Masked", "10, span (3)", "all, Masked", "all, span (3)"]);
        let folders: Vec<_> = arms[1].runs.iter().map(|run| run.folder.as_str()).collect();
        assert_eq!(folders, ["10-span-3-seed1", "10-span-3-seed2"]);
        assert_eq!((arms[1].stories, arms[2].stories), (Some(10), None));
        let settings = &arms[1].runs[1].settings;
        assert_eq!((settings.train.seed, settings.train.steps), (2, 8));
        assert_eq!(settings.training(None).objective, model::Objective::Span);
        let pictures = ablation.pictures(&arms);
        let shared: Vec<_> =
            pictures.iter().map(|(name, arms)| (name.as_str(), arms.len())).collect();
        assert_eq!(shared, [("10", 2), ("all", 2)]);
        Ok(())
    }

    #[test]
    fn the_ablations_of_the_repository_can_be_run() -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/ablations");
        let mut count = 0;
        for entry in std::fs::read_dir(folder)? {
            let ablation = Ablation::read(&entry?.path())?;
            assert!(ablation.arms()?.iter().all(|arm| arm.runs.len() == 3), "{}", ablation.title);
            count += 1;
        }
        assert_eq!(count, 7);
        Ok(())
    }

    #[test]
    fn what_cannot_be_run_is_said_first() {
        for (from, to, sentence) in [
            ("seeds = [1, 2]", "seeds = []", "`seeds` is empty"),
            ("seeds = [1, 2]", "seeds = [1, 1]", "a number twice"),
            ("seeds = [1, 2]", "seed = [1, 2]", "line 6: unknown field `seed`"),
            ("title = \"Noise\"", "", "missing field `title`"),
            ("stories = 10", "stories = 0", "trains on no story"),
            ("objective=span", "objective=hint", "the combination `10, span (3)`: configuration"),
            ("steps=8", "stesp=8", "did you mean `train.steps`"),
            ("base = \"tiny\"", "base = \"huge\"", "presets tiny"),
            (
                "name = \"all\"",
                "name = \"10!\"",
                "two runs would have the folder `10-masked-seed1`",
            ),
            ("seeds = [1, 2]", "seeds = [1]\njudge.samplers = [\"best\"]", "`judge.samplers`"),
        ] {
            assert!(FILE.contains(from));
            let error = read(&FILE.replace(from, to)).expect_err(to);
            let error = format!("{error:#}");
            assert!(error.contains(sentence), "{to}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        let seven = (0..7).map(|n| format!("{{ name = \"{n}\" }}")).collect::<Vec<_>>().join(",");
        let wide = FILE.replace("{ name = \"Masked\" }", &seven);
        let error = format!("{:#}", read(&wide).expect_err("eight lines"));
        assert!(error.contains("`objective`, has 8 values"), "{error}");
    }
}
