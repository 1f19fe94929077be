//! Texts that a model writes in order to be judged.

use std::path::Path;

use anyhow::{Context, Result};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::Probe;
use diffusion::sampler::{SampleOptions, Sampler, Workspace};
use indicatif::{ProgressBar, ProgressStyle};
use model::{Config, Model, Objective};
use pollster::block_on;
use writer::Writer;

use super::{Estimate, endings};
use crate::checkpoints::Located;
use crate::compute::{self, ComputeArgs};
use crate::sample::defaults;
use crate::sampler_args::SamplerArgs;

/// A way to write; what is `None` is as the model's card says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) sampler: Option<Sampler>,
    pub(crate) steps: Option<usize>,
    pub(crate) temperature: Option<f32>,
}

/// Every sampler with every number of steps and every temperature; a list may be empty. A sampler that
/// takes as many steps as it needs is there once.
pub(crate) fn recipes(samplers: &[Sampler], steps: &[usize], temperatures: &[f32]) -> Vec<Recipe> {
    fn all<T: Copy>(list: &[T]) -> Vec<Option<T>> {
        if list.is_empty() { vec![None] } else { list.iter().copied().map(Some).collect() }
    }
    let mut recipes = vec![];
    for sampler in all(samplers) {
        let steps = match sampler.is_some_and(Sampler::adaptive) {
            true => vec![None],
            false => all(steps),
        };
        for steps in steps {
            for temperature in all(temperatures) {
                recipes.push(Recipe { sampler, steps, temperature });
            }
        }
    }
    recipes
}

/// What texts are about, and how long they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Excerpt {
    /// Tokens of a real story that a text begins with.
    pub(crate) given: usize,
    /// Tokens of a text with its beginning.
    pub(crate) length: usize,
}

impl Excerpt {
    /// The beginnings of the stories that are longer than that.
    fn openings(self, tokenizer: &Tokenizer, stories: &[&str]) -> Vec<Vec<u32>> {
        let ids = stories.iter().map(|story| tokenizer.encode_plain(story));
        let long = ids.filter(|ids| ids.len() > self.given);
        long.map(|ids| ids[..self.given].to_vec()).collect()
    }

    /// Stories, cut to as many tokens as texts have at most.
    pub(crate) fn cut(self, tokenizer: &Tokenizer, stories: &[&str]) -> Vec<String> {
        let ids = stories.iter().map(|story| tokenizer.encode_plain(story));
        let long = ids.filter(|ids| ids.len() > self.given);
        long.map(|ids| tokenizer.decode(&ids[..ids.len().min(self.length)])).collect()
    }
}

/// Texts, and how they came about.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) texts: Vec<String>,
    /// Passes of the network over a text, at most.
    pub(crate) passes: usize,
    /// Sampler, with its parts.
    pub(crate) sampler: String,
    /// Denoising steps that were asked for.
    pub(crate) steps: Option<usize>,
    pub(crate) temperature: f32,
}

/// A model on a device, ready to write.
pub(crate) struct Author {
    device: Device,
    writer: Writer,
    probe: Probe,
    together: usize,
    excerpt: Excerpt,
}

impl Author {
    /// Loads a model in order to write `texts` texts by each of the recipes.
    pub(crate) fn load(
        located: Located,
        compute: &ComputeArgs,
        recipes: &[Recipe],
        excerpt: Excerpt,
        texts: usize,
    ) -> Result<Self> {
        let Located { file, model: checkpoint, tokenizer, .. } = located;
        let tokenizer = tokenizer.into_tokenizer();
        let card = &checkpoint.card;
        let defaults = defaults(card, &tokenizer)?;
        let Config { block_size, .. } = checkpoint.config;
        let mut length = excerpt.length;
        for recipe in recipes {
            let options = recipe.options(&defaults)?;
            options.validate(&checkpoint.config, card.objective)?;
            if !matches!(card.objective, Objective::Block(_)) {
                length = length.max(options.sampler.seen(excerpt.length, block_size));
            }
        }
        let mut device = compute.open()?;
        let variants = compute::variants(&mut device, kernels::Precision::F32)?;
        let model = Model::load(&mut device, &checkpoint)?;
        compute::check(&mut device, &model, &variants, card.check.as_ref())?;
        let together = Workspace::texts_at_a_time(&checkpoint.config, length).min(texts);
        let workspace = Workspace::for_model(&mut device, &model, together, length)?;
        let probe = Probe::new(&checkpoint.config, card.objective, card.schedule, card.schedule);
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        let name = card.name.clone().unwrap_or_else(|| folder.to_string_lossy().into_owned());
        let writer = Writer { model, variants, workspace, tokenizer, defaults, name };
        Ok(Self { device, writer, probe, together, excerpt })
    }

    /// What the model is called.
    pub(crate) fn name(&self) -> &str {
        &self.writer.name
    }

    /// Its tokenizer.
    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.writer.tokenizer
    }

    /// Goes on from the beginnings of the first `texts` stories, or begins again with the first.
    pub(crate) fn write(
        &mut self,
        stories: &[&str],
        texts: usize,
        recipe: &Recipe,
        seed: u64,
    ) -> Result<Written> {
        let options = SampleOptions { seed, ..recipe.options(&self.writer.defaults)? };
        let openings = self.excerpt.openings(&self.writer.tokenizer, stories);
        let Excerpt { given, length } = self.excerpt;
        anyhow::ensure!(
            !openings.is_empty(),
            "no real story is longer than {given} tokens, with which texts begin; give longer ones"
        );
        let prompts: Vec<Vec<Option<u32>>> = openings
            .iter()
            .cycle()
            .take(texts)
            .map(|ids| {
                let given = ids.iter().map(|&id| Some(id));
                given.chain(std::iter::repeat_n(None, length - ids.len())).collect()
            })
            .collect();
        let Writer { model, variants, workspace, tokenizer, name, .. } = &self.writer;
        let parts = diffusion::sampler::Parts { model, variants, workspace };
        let (mut written, mut passes) = (vec![], 0);
        let bar = ProgressBar::new(texts as u64).with_message(format!("{name} is writing"));
        bar.set_style(
            ProgressStyle::with_template("{msg} {bar:24} text {pos}/{len}  {eta} left")?
                .progress_chars("━╸ "),
        );
        bar.tick();
        for (batch, prompts) in prompts.chunks(self.together).enumerate() {
            let first_sample = (batch * self.together) as u32;
            let options = SampleOptions { first_sample, ..options.clone() };
            let run = writer::Run::new(&mut self.device, parts, prompts, &options, false);
            let mut run = block_on(run)?;
            while !run.over() {
                run.step(&mut self.device)?;
            }
            let state = block_on(run.state(&self.device))?;
            passes = passes.max(block_on(run.generation().passes_run(&self.device))?);
            written.extend((0..prompts.len()).map(|row| tokenizer.decode(run.text(&state, row))));
            bar.inc(prompts.len() as u64);
        }
        bar.finish_and_clear();
        Ok(Written {
            texts: written,
            passes,
            sampler: options.sampler.to_string(),
            steps: options.steps.filter(|_| !options.sampler.adaptive()),
            temperature: options.temperature,
        })
    }

    /// Share of the stories' last sentences that the model knows from those of other stories, see
    /// [`endings()`]; `None` without any questions.
    pub(crate) fn endings(&mut self, stories: &[&str], most: usize) -> Result<Option<Estimate>> {
        if most == 0 {
            return Ok(None);
        }
        let questions = judge::cloze(stories, most);
        let Writer { model, variants, tokenizer, name, .. } = &self.writer;
        let share = endings(&mut self.device, variants, model, &self.probe, tokenizer, &questions);
        share.map(Some).with_context(|| format!("cannot ask {name} about last sentences"))
    }
}

impl Recipe {
    /// The options for a model with these defaults.
    fn options(&self, defaults: &SampleOptions) -> Result<SampleOptions> {
        let Self { sampler, steps, temperature } = *self;
        let adaptive = sampler.unwrap_or(defaults.sampler).adaptive();
        let steps = steps.filter(|_| !adaptive);
        SamplerArgs { sampler, steps, temperature, ..SamplerArgs::default() }.apply(defaults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_all_combinations() {
        let samplers: Vec<Sampler> =
            ["maskgit", "threshold"].map(|name| name.parse().expect("a sampler")).to_vec();
        let found = recipes(&samplers, &[5, 10], &[0.5, 1.0]);
        let shown: Vec<_> = found
            .iter()
            .map(|recipe| (recipe.sampler.map(Sampler::adaptive), recipe.steps, recipe.temperature))
            .collect();
        assert_eq!(shown.len(), 6);
        assert_eq!(
            shown[..2],
            [(Some(false), Some(5), Some(0.5)), (Some(false), Some(5), Some(1.0))]
        );
        assert_eq!(shown[4], (Some(true), None, Some(0.5)), "its steps are its own");
        let none = Recipe { sampler: None, steps: None, temperature: None };
        assert_eq!(recipes(&[], &[], &[]), [none]);
    }
}
