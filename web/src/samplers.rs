//! The samplers in plain words.

use crate::protocol::SamplerKind;

/// How the page speaks of a sampler.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// What it does, in a few words.
    pub title: &'static str,
    /// The same in a sentence or two.
    pub about: &'static str,
    /// Whether the noise schedule says how many words a step leaves hidden.
    pub scheduled: bool,
    /// Which words wait for a later step.
    pub waiting: &'static str,
    /// What becomes of words that are written.
    pub written: &'static str,
}

/// The words for a sampler.
pub fn words(sampler: SamplerKind) -> Words {
    let (least_sure, stays) =
        ("The words that the model is least sure of have to wait.", "What is written stays.");
    match sampler {
        SamplerKind::MaskGit => Words {
            title: "Surest first, with some chance",
            about: "What is written stays. The less sure the model is of a word, the more likely \
                    the word has to wait.",
            scheduled: true,
            waiting: "The less sure the model is of a word, the more likely it has to wait.",
            written: stays,
        },
        SamplerKind::Carry => Words {
            title: "Surest first",
            about: "In every step the surest words stay; a written word gives way only to surer \
                    ones.",
            scheduled: true,
            waiting: least_sure,
            written: "A written word gives way only to surer ones.",
        },
        SamplerKind::Reference => Words {
            title: "Everything anew in every step",
            about: "Every word is drawn again in every step, and the surest stay for the next one.",
            scheduled: true,
            waiting: least_sure,
            written: "Written words are drawn again in every step, too.",
        },
        SamplerKind::Ancestral => Words {
            title: "At random places",
            about: "Chance alone decides which words are written next. What is written stays.",
            scheduled: true,
            waiting: "Chance decides which words wait.",
            written: stays,
        },
        SamplerKind::Threshold => Words {
            title: "All at once that are sure enough",
            about: "Every word that the model is sure enough of appears at once, so the text may \
                    be complete before the last step.",
            scheduled: false,
            waiting: "Every word that the model was sure enough of has appeared.",
            written: stays,
        },
        SamplerKind::Entropy => Words {
            title: "As many at once as go together",
            about: "As many words appear at once as hardly depend on each other, so the text may \
                    be complete before the last step.",
            scheduled: false,
            waiting: "As many have appeared as hardly depend on each other.",
            written: stays,
        },
        SamplerKind::Remdm => Words {
            title: "At random places, with second thoughts",
            about: "Words appear at random places, and a few are hidden again in every step, so \
                    that mistakes can be mended.",
            scheduled: true,
            waiting: "Chance decides which words wait.",
            written: "A few written words are hidden again, by chance.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_the_samplers_apart() {
        let mut titles = SamplerKind::ALL.map(|sampler| words(sampler).title).to_vec();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), SamplerKind::ALL.len());
    }
}
