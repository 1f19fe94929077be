//! Samplers and their parts as text: on the command line, in cards, links and settings.

use std::fmt;
use std::str::FromStr;

use super::SamplerKind;
use super::parts::{Commit, Correction, Layout, Order, Sampler};

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confidence => "confidence",
            Self::Margin => "margin",
            Self::Entropy => "entropy",
            Self::Random => "random",
            Self::Noisy => "noisy",
        })
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule => f.write_str("schedule"),
            Self::Chance => f.write_str("chance"),
            Self::Threshold(p) => write!(f, "threshold:{p}"),
            Self::Bound(nats) => write!(f, "bound:{nats}"),
            Self::One => f.write_str("one"),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Blocks(size) => write!(f, "blocks:{size}"),
            Self::Apart => f.write_str("apart"),
        }
    }
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Revise => f.write_str("revise"),
            Self::Redraw => f.write_str("redraw"),
            Self::Noise => f.write_str("noise"),
            Self::Remdm(eta) => write!(f, "remdm:{eta}"),
            Self::Targeted { below, rounds } => write!(f, "targeted:{below}:{rounds}"),
        }
    }
}

/// A part of a sampler that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct UnknownPart {
    text: String,
    what: &'static str,
}

/// The name before the first colon, and the numbers behind it, at most `N`.
fn split<const N: usize>(text: &str) -> Option<(&str, [Option<&str>; N])> {
    let mut pieces = text.split(':');
    let name = pieces.next()?;
    let numbers = std::array::from_fn(|_| pieces.next());
    pieces.next().is_none().then_some((name, numbers))
}

/// The number, or `default` where there is none.
fn number<T: FromStr>(text: Option<&str>, default: T) -> Option<T> {
    text.map_or(Some(default), |text| text.parse().ok())
}

impl FromStr for Order {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let all = [Self::Confidence, Self::Margin, Self::Entropy, Self::Random, Self::Noisy];
        all.into_iter().find(|order| order.to_string() == text).ok_or_else(|| UnknownPart {
            text: text.to_owned(),
            what: "an order; there are confidence, margin, entropy, random and noisy",
        })
    }
}

impl FromStr for Commit {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let part = match split::<1>(text) {
            Some(("schedule", [None])) => Some(Self::Schedule),
            Some(("chance", [None])) => Some(Self::Chance),
            Some(("one", [None])) => Some(Self::One),
            Some(("threshold", [p])) => number(p, 0.9).map(Self::Threshold),
            Some(("bound", [nats])) => number(nats, 0.1).map(Self::Bound),
            _ => None,
        };
        part.ok_or_else(|| UnknownPart {
            text: text.to_owned(),
            what: "a commit rule; there are schedule, chance, threshold:P, bound:NATS and one",
        })
    }
}

impl FromStr for Layout {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let part = match split::<1>(text) {
            Some(("whole", [None])) => Some(Self::Whole),
            Some(("apart", [None])) => Some(Self::Apart),
            Some(("blocks", [size])) => number(size, 32).map(Self::Blocks),
            _ => None,
        };
        part.ok_or_else(|| UnknownPart {
            text: text.to_owned(),
            what: "a layout; there are whole, blocks:TOKENS and apart",
        })
    }
}

impl FromStr for Correction {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let part = match split::<2>(text) {
            Some(("none", [None, None])) => Some(Self::None),
            Some(("revise", [None, None])) => Some(Self::Revise),
            Some(("redraw", [None, None])) => Some(Self::Redraw),
            Some(("noise", [None, None])) => Some(Self::Noise),
            Some(("remdm", [eta, None])) => number(eta, 0.02).map(Self::Remdm),
            Some(("targeted", [below, rounds])) => number(below, 0.01)
                .zip(number(rounds, 2))
                .map(|(below, rounds)| Self::Targeted { below, rounds }),
            _ => None,
        };
        part.ok_or_else(|| UnknownPart {
            text: text.to_owned(),
            what: "a correction; there are none, revise, redraw, noise, remdm:ETA and targeted:P:ROUNDS",
        })
    }
}

/// A preset of the same order and commit rule with what differs from it, `maskgit+blocks:32`, or else
/// all four parts, `margin+schedule+whole+none`.
impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, commit, layout, correction } = *self;
        let all = SamplerKind::ALL.map(|preset| (preset, Self::from(preset)));
        let same = |preset: &Self| {
            (preset.order, preset.commit, preset.layout) == (order, commit, Layout::Whole)
        };
        let equal = all.iter().find(|(_, preset)| preset == self);
        let Some((name, preset)) = equal.or(all.iter().find(|(_, preset)| same(preset))) else {
            return write!(f, "{order}+{commit}+{layout}+{correction}");
        };
        f.write_str(name.name())?;
        if layout != preset.layout {
            write!(f, "+{layout}")?;
        }
        if correction != preset.correction {
            write!(f, "+{correction}")?;
        }
        Ok(())
    }
}

/// A preset or an order, then any other parts, joined by `+`; what is left out is `maskgit`'s.
impl FromStr for Sampler {
    type Err = UnknownPart;

    fn from_str(text: &str) -> Result<Self, UnknownPart> {
        let mut sampler = Self::default();
        for (place, part) in text.split('+').enumerate() {
            if let Some(preset) = SamplerKind::from_name(part).filter(|_| place == 0) {
                sampler = preset.into();
            } else if let Ok(order) = part.parse() {
                sampler.order = order;
            } else if let Ok(commit) = part.parse() {
                sampler.commit = commit;
            } else if let Ok(layout) = part.parse() {
                sampler.layout = layout;
            } else if let Ok(correction) = part.parse() {
                sampler.correction = correction;
            } else {
                return Err(UnknownPart {
                    text: part.to_owned(),
                    what: "a sampler or a part of one; `sample --help` lists them",
                });
            }
        }
        Ok(sampler)
    }
}

impl From<Sampler> for String {
    fn from(sampler: Sampler) -> Self {
        sampler.to_string()
    }
}

impl TryFrom<String> for Sampler {
    type Error = UnknownPart;

    fn try_from(text: String) -> Result<Self, UnknownPart> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samplers_are_read_as_they_are_written() {
        for preset in SamplerKind::ALL {
            let sampler = Sampler::from(preset);
            assert_eq!(sampler.check(), Ok(()), "{preset}");
            assert_eq!(sampler.to_string(), preset.name());
            assert_eq!(preset.name().parse(), Ok(sampler));
        }
        for text in [
            "margin+schedule+blocks:32+targeted:0.01:2",
            "entropy+bound:0.25+whole+none",
            "random+one+apart+none",
            "maskgit+remdm:0.05",
            "carry+apart+none",
            "ancestral+targeted:0.02:4",
        ] {
            let sampler: Sampler = text.parse().unwrap();
            assert_eq!(sampler.check(), Ok(()));
            assert_eq!(sampler.to_string(), text);
            let json = serde_json::to_string(&sampler).unwrap();
            assert_eq!(serde_json::from_str::<Sampler>(&json).unwrap(), sampler);
        }
        let short: Sampler = "threshold+blocks+targeted".parse().unwrap();
        assert_eq!(short.to_string(), "threshold+blocks:32+targeted:0.01:2");
    }

    #[test]
    fn what_is_no_part_gets_a_sentence() {
        for text in ["", "maskgit+seed", "threshold:x", "blocks:1:2", "carry+", "targeted:0.1:2:3"]
        {
            let error = text.parse::<Sampler>().unwrap_err().to_string();
            assert!(error.contains("is not a sampler or a part of one"), "{text}: {error}");
        }
        let error = "threshold:x".parse::<Commit>().unwrap_err().to_string();
        assert!(error.starts_with("`threshold:x` is not a commit rule; there are schedule"));
    }
}
