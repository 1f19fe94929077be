//! Settings that make no sense.

use diffusion::training::TrainingOptions;
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
