//! Settings that make no sense.

use diffusion::training::{MAX_WINDOW, TrainingOptions};
use model::Beta;

use super::{OuterSettings, Settings, SettingsError};

impl Settings {
    /// Refuses settings that make no sense, with a sentence that says which and why.
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        let (data, train) = (&self.data, &self.train);
        let config = self.config(data.vocab_size, 2);
        let TrainingOptions { objective, weighting, times, .. } = self.training(None);
        config.validate().and_then(|()| objective.check(&config))?;
        weighting.check(objective, times)?;
        self.training(None)
            .check_pairs()
            .map_err(|error| SettingsError::Value(error.to_string()))?;
        let std = f64::from(self.model.init_std);
        let share = data.validation_share;
        let decay = self.schedule.decay_share;
        let Beta { a, b, uniform } = self.diffusion.beta;
        let span = self.diffusion.span_length;
        let pairs = self.diffusion.complementary;
        let (starts, dropout) = (train.story_starts, train.dropout);
        let OuterSettings { round, rate, nesterov } = train.outer;
        let reals = [
            ("diffusion.span_length", span, (1.0..=1000.0).contains(&span), "between 1 and 1000"),
            ("diffusion.beta.a", a, (1.0..=100.0).contains(&a), "between 1 and 100"),
            ("diffusion.beta.b", b, (1.0..=100.0).contains(&b), "between 1 and 100"),
            ("diffusion.beta.uniform", uniform, (0.0..=1.0).contains(&uniform), "between 0 and 1"),
            ("diffusion.complementary", pairs, (0.0..=1.0).contains(&pairs), "between 0 and 1"),
            ("train.story_starts", starts, (0.0..=1.0).contains(&starts), "between 0 and 1"),
            ("train.dropout", dropout, (0.0..=0.9).contains(&dropout), "between 0 and 0.9"),
            ("data.entropy", data.entropy, (0.0..=8.0).contains(&data.entropy), "between 0 and 8"),
            ("model.init_std", std, std > 0.0 && std.is_finite(), "above 0"),
            ("data.validation_share", share, share > 0.0 && share < 1.0, "above 0 and below 1"),
            ("train.outer.rate", rate, rate > 0.0 && rate <= 10.0, "above 0 and at most 10"),
            (
                "train.outer.nesterov",
                nesterov,
                (0.0..1.0).contains(&nesterov),
                "from 0 on and below 1",
            ),
            ("schedule.decay_share", decay, (0.0..=1.0).contains(&decay), "between 0 and 1"),
        ];
        for (key, value, holds, wanted) in reals {
            if !holds {
                return Err(SettingsError::range(key, value, wanted));
            }
        }
        let counts = [
            ("data.min_frequency", data.min_frequency, u64::MAX),
            ("train.steps", train.steps.into(), 1_000_000_000),
            ("train.batch_size", train.batch_size as u64, 65_536),
            ("train.accumulation", train.accumulation.into(), 65_536),
            ("train.parts", train.parts.into(), 65_536),
            // The device keeps the losses of 1,024 steps.
            ("train.log_every", train.log_every.into(), 1_000),
            ("train.eval_every", train.eval_every.into(), u64::MAX),
            ("train.eval_batches", train.eval_batches.into(), 100_000),
            ("train.checkpoint_every", train.checkpoint_every.into(), u64::MAX),
            ("train.keep", train.keep as u64, u64::MAX),
            ("train.sample_every", train.sample_every.into(), u64::MAX),
            ("train.window", train.window as u64, MAX_WINDOW as u64),
            ("train.sample_tokens", train.sample_tokens as u64, self.model.block_size as u64),
        ];
        for (key, value, most) in counts {
            if value == 0 {
                return Err(SettingsError::range(key, value, "at least 1"));
            }
            if value > most {
                return Err(SettingsError::range(key, value, format!("at most {most}")));
            }
        }
        if train.window < self.model.block_size {
            let wanted = format!("at least model.block_size, {}", self.model.block_size);
            return Err(SettingsError::range("train.window", train.window, wanted));
        }
        // Between the ends of two rounds there is no network that is that of all.
        let moments = [
            ("train.steps", train.steps),
            ("train.eval_every", train.eval_every),
            ("train.sample_every", train.sample_every),
            ("train.checkpoint_every", train.checkpoint_every),
        ];
        for (key, value) in moments {
            if round > 0 && !value.is_multiple_of(round) {
                let wanted = format!("a multiple of train.outer.round, {round}");
                return Err(SettingsError::range(key, value, wanted));
            }
        }
        Ok(self.optimizer().validate()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::preset;
    use super::*;

    fn error(changes: &[&str]) -> String {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        let settings = Settings::parse(preset("tiny").expect("a preset"), &changes);
        settings.expect_err("settings that make no sense").to_string()
    }

    #[test]
    fn impossible_values_are_named() {
        for (change, sentence) in [
            ("model.n_head=5", "n_embd 128 is not a multiple of n_head 5"),
            ("model.n_layer=0", "n_layer is 0, it must be between 1 and 1000"),
            ("model.init_std=0", "model.init_std is 0, it must be above 0"),
            ("data.vocab_size=0", "vocab_size is 0, it must be between 1"),
            ("data.validation_share=1", "data.validation_share is 1, it must be above 0"),
            (
                "objective=autoregressive",
                "the objective `autoregressive` has no time to tell the network; set model.timestep_embedding to false",
            ),
            ("weighting=heavy", "unknown variant `heavy`, expected one of `mean`, `elbo`, `llada`"),
            ("span_length=0.5", "diffusion.span_length is 0.5, it must be between 1 and 1000"),
            ("diffusion.beta.a=0.5", "diffusion.beta.a is 0.5, it must be between 1 and 100"),
            ("beta.uniform=2", "diffusion.beta.uniform is 2, it must be between 0 and 1"),
            ("complementary=2", "diffusion.complementary is 2, it must be between 0 and 1"),
            ("story_starts=-1", "train.story_starts is -1, it must be between 0 and 1"),
            ("dropout=1", "train.dropout is 1, it must be between 0 and 0.9"),
            ("scalar_lr=0", "scalar_lr is 0, it must be above 0"),
            ("optimizer.lr=-1", "lr is -1, it must be above 0"),
            ("optimizer.average=0.5", "average is 0.5, it must be 0, or between 0.01 and 0.28"),
            (
                "coefficients=newton",
                "unknown variant `newton`, expected `jordan` or `polar-express`",
            ),
            ("decay_schedule=rise", "expected one of `constant`, `rate`, `linear`"),
            ("outer.rate=0", "train.outer.rate is 0, it must be above 0 and at most 10"),
            ("nesterov=1", "train.outer.nesterov is 1, it must be from 0 on and below 1"),
            ("schedule.decay_share=2", "schedule.decay_share is 2, it must be between 0 and 1"),
            ("train.steps=0", "train.steps is 0, it must be at least 1"),
            ("train.log_every=5000", "train.log_every is 5000, it must be at most 1000"),
            ("train.window=63", "train.window is 63, it must be at least model.block_size, 64"),
            ("train.window=40000000", "train.window is 40000000, it must be at most 33554432"),
            ("train.sample_tokens=65", "train.sample_tokens is 65, it must be at most 64"),
        ] {
            let error = error(&[change]);
            assert!(error.contains(sentence), "{change}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
        for (changes, sentence) in [
            (
                ["objective=block", "complementary=0.5"],
                "the objective `block:16` does not draw one mask",
            ),
            (
                ["weighting=elbo", "complementary=0.5"],
                "the weighting `elbo` is about shares of masks",
            ),
            (["batch_size=1", "complementary=0.5"], "a step of one sequence has no second one"),
        ] {
            let error = error(&changes);
            assert!(error.starts_with(sentence), "{error}");
        }
        let rounds = error(&["outer.round=20", "steps=400", "eval_every=50"]);
        let sentence = "train.eval_every is 50, it must be a multiple of train.outer.round, 20";
        assert_eq!(rounds, sentence);
        let error = error(&["objective=block", "diffusion.block=5"]);
        let sentence = "blocks of 5 tokens do not divide the 64 tokens that the network sees; set diffusion.block to a divisor of model.block_size";
        assert!(error.contains(sentence), "{error}");
    }
}
