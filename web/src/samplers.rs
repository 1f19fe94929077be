//! The samplers in plain words.

use diffusion::sampler::Correction;

use crate::protocol::{Sampler, SamplerKind};

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

/// The words for a sampler: those of the preset that it is, but for a correction of the whole text.
pub fn words(sampler: Sampler) -> Words {
    let corrects = sampler.corrects();
    let plain =
        if corrects { Sampler { correction: Correction::None, ..sampler } } else { sampler };
    let preset = SamplerKind::ALL.into_iter().find(|&kind| Sampler::from(kind) == plain);
    let words = preset.map_or(MIXED, of_preset);
    if !corrects {
        return words;
    }
    let (title, about) = match preset {
        Some(SamplerKind::Ancestral) => (
            "At random places, then corrected",
            "Chance alone decides which words are written next. When the text stands, words that \
             are doubled or do not fit are hidden and drawn again.",
        ),
        Some(SamplerKind::MaskGit) => (
            "Surest first, with some chance, then corrected",
            "The less sure the model is of a word, the more likely the word has to wait. When the \
             text stands, words that are doubled or do not fit are hidden and drawn again.",
        ),
        _ => (
            "Of its own parts, then corrected",
            "When the text stands, words that are doubled or do not fit are hidden and drawn again.",
        ),
    };
    let written =
        "What is written stays until the text stands; then what does not fit is drawn again.";
    Words { title, about, written, ..words }
}

/// The words for parts that are no preset.
const MIXED: Words = Words {
    title: "Of its own parts",
    about: "Order, number and places as its name says.",
    scheduled: false,
    waiting: "The others have to wait.",
    written: "",
};

fn of_preset(sampler: SamplerKind) -> Words {
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
        SamplerKind::Uniform => Words {
            title: "From random words",
            about: "The text begins as random words. In every step each gives way to the one that \
                    the model expects there, or to another random one, fewer in every step.",
            scheduled: false,
            waiting: "Random words stand where nothing is written yet.",
            written: "Written words can change until the last step.",
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
        SamplerKind::LeftToRight => Words {
            title: "One word after the other",
            about: "From left to right, as most language models write. What is written stays.",
            scheduled: false,
            waiting: "The words behind the next one have to wait.",
            written: stays,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_the_samplers_apart() {
        let mut titles = SamplerKind::ALL.map(|kind| words(kind.into()).title).to_vec();
        for own in
            ["ancestral+targeted:0.02:4", "maskgit+targeted", "entropy+targeted", "maskgit+apart"]
        {
            titles.push(words(own.parse().expect("a sampler")).title);
        }
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), SamplerKind::ALL.len() + 4);
    }
}
