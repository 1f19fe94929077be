//! A sampler as four parts that combine: which tokens come first, how many stay, where, and what is
//! drawn again.

use model::Objective;
use serde::{Deserialize, Serialize};

use super::SamplerKind;

/// In which order masked positions are revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Highest probability of the drawn token first.
    Confidence,
    /// Largest distance between the two likeliest tokens first.
    Margin,
    /// Lowest entropy of the prediction first.
    Entropy,
    /// Any.
    Random,
    /// By confidence with noise, scaled by
    /// [`SampleOptions::choice_temperature`](super::SampleOptions::choice_temperature) (MaskGIT, arXiv
    /// 2202.04200, without its annealing). Pure confidence favors repetition; noise keeps samples
    /// diverse.
    Noisy,
}

/// How many of them a pass reveals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Commit {
    /// So many that as many masks remain as the noise schedule says.
    Schedule,
    /// Each by itself, with the probability that the noise schedule says: ancestral sampling (MDLM,
    /// arXiv 2406.07524). The order has no say.
    Chance,
    /// All tokens of at least this confidence, and at least one (Fast-dLLM, arXiv 2505.22618).
    Threshold(f32),
    /// As many as have entropies that, without the largest, sum to at most this, in nats
    /// (EB-Sampler, arXiv 2505.24857).
    Bound(f32),
    /// One.
    One,
}

/// Where in the text tokens may appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// Everywhere.
    Whole,
    /// In blocks of so many positions, from left to right.
    Blocks(u32),
    /// Everywhere, but no two neighbours in one pass.
    Apart,
}

/// What becomes of tokens that are visible.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Correction {
    /// They stay.
    None,
    /// They stay while they are among the most confident; each keeps the confidence with which it
    /// was drawn, since visible positions never had a loss.
    Revise,
    /// All are drawn again in every pass, and a last greedy pass at t = 0 follows. Positions behind
    /// the text, up to the end of the block, stay masked, and the mask token can be drawn.
    Redraw,
    /// All are drawn again in every pass, and some are replaced by random ones, fewer in each: the reverse
    /// step of uniform diffusion (D3PM, arXiv 2107.03006). For models that learned to tell random
    /// tokens from others.
    Noise,
    /// Each is masked again with this share of the largest possible probability (ReMDM, arXiv
    /// 2503.00307, rescaled schedule).
    Remdm(f32),
    /// When the text stands, tokens that repeat their left neighbour, or that the model gives less
    /// than this probability when it does not see them, are drawn again; in at most so many rounds.
    Targeted {
        /// Probability below which a token is drawn again.
        below: f32,
        /// Most rounds.
        rounds: u32,
    },
}

/// Most rounds of a targeted correction.
pub const MOST_ROUNDS: u32 = 8;

/// A sampler: one of each part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sampler {
    /// Which tokens come first.
    pub order: Order,
    /// How many a pass reveals.
    pub commit: Commit,
    /// Where.
    pub layout: Layout,
    /// What is drawn again.
    pub correction: Correction,
}

impl Default for Sampler {
    fn default() -> Self {
        SamplerKind::default().into()
    }
}

impl From<SamplerKind> for Sampler {
    fn from(kind: SamplerKind) -> Self {
        use SamplerKind as Kind;
        let (order, commit, correction) = match kind {
            Kind::MaskGit => (Order::Noisy, Commit::Schedule, Correction::None),
            Kind::Carry => (Order::Confidence, Commit::Schedule, Correction::Revise),
            Kind::Reference => (Order::Confidence, Commit::Schedule, Correction::Redraw),
            Kind::Ancestral => (Order::Random, Commit::Chance, Correction::None),
            Kind::Threshold => (Order::Confidence, Commit::Threshold(0.9), Correction::None),
            Kind::Entropy => (Order::Entropy, Commit::Bound(0.1), Correction::None),
            Kind::Remdm => (Order::Random, Commit::Chance, Correction::Remdm(0.02)),
            Kind::Uniform => (Order::Random, Commit::Chance, Correction::Noise),
            Kind::LeftToRight => (Order::Confidence, Commit::One, Correction::None),
        };
        let layout = if kind == Kind::LeftToRight { Layout::Blocks(1) } else { Layout::Whole };
        Self { order, commit, layout, correction }
    }
}

impl Sampler {
    /// Whether the mask token cannot be drawn, and the network sees the text alone.
    pub(super) fn excludes_mask(self) -> bool {
        self.correction != Correction::Redraw
    }

    /// Whether every free position is drawn in every pass, masked or not.
    pub(super) fn redraws(self) -> bool {
        matches!(self.correction, Correction::Redraw | Correction::Noise)
    }

    /// Whether what is not written yet are random tokens rather than masks.
    pub fn writes_from_noise(self) -> bool {
        self.correction == Correction::Noise
    }

    /// Whether the number of passes follows from the text rather than from the steps.
    pub fn adaptive(self) -> bool {
        matches!(self.commit, Commit::Threshold(_) | Commit::Bound(_) | Commit::One)
    }

    /// Whether a model of this objective can write with it.
    pub fn suits(self, objective: Objective) -> bool {
        objective.replaces() == self.writes_from_noise()
            && (!objective.shifts() || self.writes_left_to_right())
    }

    /// Whether tokens come one after the other, and stay.
    pub fn writes_left_to_right(self) -> bool {
        let Self { commit, layout, correction, .. } = self;
        (commit, layout, correction) == (Commit::One, Layout::Blocks(1), Correction::None)
    }

    /// Whether only the device knows how many masks a pass begins with.
    pub(super) fn surveyed(self) -> bool {
        self.adaptive() || self.layout != Layout::Whole
    }

    /// Whether a finished text is still corrected.
    pub fn corrects(self) -> bool {
        matches!(self.correction, Correction::Targeted { .. })
    }

    /// Positions that the network sees of a text of `length` in a block of `block_size`.
    pub fn seen(self, length: usize, block_size: usize) -> usize {
        if self.excludes_mask() { length } else { block_size }
    }

    /// Refuses parts that do not fit together, or have impossible numbers, in one sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(self) -> Result<(), String> {
        let Self { order, commit, layout, correction } = self;
        let fail = |sentence: &str| Err(sentence.to_owned());
        match commit {
            Commit::Threshold(p) if !(p > 0.0 && p <= 1.0) => {
                return Err(format!("threshold is {p}, it must be above 0 and at most 1"));
            }
            Commit::Bound(nats) if !(0.0..=1000.0).contains(&nats) => {
                return Err(format!("bound is {nats}, it must be between 0 and 1000 nats"));
            }
            _ => (),
        }
        match correction {
            Correction::Remdm(eta) if !(0.0..=1.0).contains(&eta) => {
                return Err(format!("remdm is {eta}, it must be between 0 and 1"));
            }
            Correction::Targeted { below, .. } if !(0.0..1.0).contains(&below) => {
                return Err(format!("targeted is {below}, it must be at least 0 and below 1"));
            }
            Correction::Targeted { rounds, .. } if !(1..=MOST_ROUNDS).contains(&rounds) => {
                return Err(format!(
                    "targeted has {rounds} rounds, there can be 1 to {MOST_ROUNDS}"
                ));
            }
            _ => (),
        }
        if layout == Layout::Blocks(0) {
            return fail("blocks of 0 tokens are empty; they need at least 1");
        }
        let compares = matches!(correction, Correction::Revise | Correction::Redraw);
        if compares
            && (order, commit, layout) != (Order::Confidence, Commit::Schedule, Layout::Whole)
        {
            return Err(format!(
                "the correction {correction} compares the confidences of all tokens, so it goes with order confidence, commit schedule and layout whole only"
            ));
        }
        if correction == Correction::Noise
            && (order, commit, layout) != (Order::Random, Commit::Chance, Layout::Whole)
        {
            return fail(
                "the correction noise draws the whole text again, so it goes with order random, commit chance and layout whole only",
            );
        }
        let drawn = commit == Commit::Chance || matches!(correction, Correction::Remdm(_));
        if drawn && layout != Layout::Whole {
            return fail(
                "commit chance and correction remdm follow the schedule of the whole text, so they go with layout whole only",
            );
        }
        if matches!(correction, Correction::Remdm(_)) && self.adaptive() {
            return Err(format!(
                "the correction remdm follows the schedule and commit {commit} does not; use commit schedule or chance"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_get_a_sentence() {
        for (text, part) in [
            ("threshold:0", "threshold is 0"),
            ("threshold:1.5", "threshold is 1.5"),
            ("bound:-1", "bound is -1"),
            ("bound:nan", "bound is NaN"),
            ("maskgit+remdm:2", "remdm is 2"),
            ("targeted:1", "targeted is 1"),
            ("targeted:0.1:0", "0 rounds"),
            ("targeted:0.1:9", "9 rounds, there can be 1 to 8"),
            ("blocks:0", "blocks of 0 tokens"),
            ("carry+blocks", "the correction revise compares the confidences"),
            ("seed+margin", "the correction redraw compares the confidences"),
            ("ancestral+apart", "go with layout whole only"),
            ("remdm+one", "commit one does not"),
            ("maskgit+blocks+remdm", "go with layout whole only"),
        ] {
            let error = text.parse::<Sampler>().unwrap().check().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
