//! The model card: what one must know about a network, besides its sizes, in order to use it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::objective::UnknownObjective;
use crate::schedule::UnknownSchedule;
use crate::{Check, Objective, Schedule};

/// The newest version of a model file's metadata: what is written, and what can be read.
///
/// Version 1 has the card as JSON under the metadata key `card`. Files without one are older: they may have their
/// schedule, name and step under keys of their own. A version goes up when a program that does not
/// know the change would use the model wrongly; a member that may be ignored needs none.
pub const VERSION: u32 = 1;

/// Key of the card in a file's metadata.
const KEY: &str = "card";

/// How texts of a model read best; whoever samples may do otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Sampler, as the command line takes it: `maskgit`, or its parts joined by `+`.
    pub sampler: String,
    /// Denoising steps; `None` takes the number of timesteps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// What logits are divided by; 0 takes the likeliest token.
    pub temperature: f32,
    /// Noise in the order of tokens.
    pub choice_temperature: f32,
    /// Top-k sampling, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Nucleus (top-p) sampling, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
}

/// What one must know about a network, besides its [`Config`](crate::Config), in order to use it.
///
/// The mask token is in the config: the network has it among its inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    /// What it was trained for; `masked` for files without a card.
    pub objective: Objective,
    /// Noise schedule of its training; `cosine` for files that do not name one.
    pub schedule: Schedule,
    /// Name that people read.
    pub name: Option<String>,
    /// Optimizer steps of its training.
    pub step: Option<u32>,
    /// Token that ends a text; `None` when unknown, which leaves it to the tokenizer.
    pub end_of_text: Option<u32>,
    /// How its texts read best; `None` when nobody has tried.
    pub sampling: Option<Sampling>,
    /// What it computes for a fixed input; `None` for files from before there were checks.
    pub check: Option<Check>,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Written by a newer program.
    #[error(
        "the model file has format version {0}, and this program reads versions up to {VERSION}; use a newer release"
    )]
    Newer(u32),
    /// Trained for something else.
    #[error(
        "the model was trained with the {0}, which this program does not know; use a newer release"
    )]
    Objective(#[from] UnknownObjective),
    /// Trained with another kind of noise.
    #[error(transparent)]
    Schedule(#[from] UnknownSchedule),
    /// Not JSON, or not of a card's form.
    #[error("the card in the model file is not valid: {0}")]
    Unreadable(String),
    /// A number of steps that is none.
    #[error("the model file's `step` is `{0}`, which is not a number")]
    Step(String),
    /// A token outside the vocabulary.
    #[error("the card's end-of-text token {id} is not one of the model's {vocabulary} tokens")]
    EndOfText {
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
}

impl From<serde_json::Error> for CardError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A card's JSON form in version 1.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    objective: String,
    schedule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_of_text: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sampling: Option<Sampling>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<Check>,
}

impl Card {
    /// Reads the card from a file's metadata; `vocabulary` is the number of the model's tokens.
    ///
    /// # Errors
    /// Everything that would make the model's output wrong: a newer version, an unknown objective
    /// or schedule, a token that does not exist, unreadable JSON.
    pub fn read(metadata: &BTreeMap<String, String>, vocabulary: usize) -> Result<Self, CardError> {
        let Some(json) = metadata.get(KEY) else { return Self::read_without_version(metadata) };
        // A newer card may have another form: the version is looked at before everything else.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(json)?;
        if version > VERSION {
            return Err(CardError::Newer(version));
        }
        let Stored { objective, schedule, name, step, end_of_text, sampling, check, .. } =
            serde_json::from_str(json)?;
        if let Some(id) = end_of_text.filter(|&id| id as usize >= vocabulary) {
            return Err(CardError::EndOfText { id, vocabulary });
        }
        let (objective, schedule) =
            (objective.parse::<Objective>()?, schedule.parse::<Schedule>()?);
        if check.as_ref().is_some_and(|check| !check.fits(vocabulary)) {
            let what = "its check names a token or a position that does not exist";
            return Err(CardError::Unreadable(what.to_owned()));
        }
        Ok(Self { objective, schedule, name, step, end_of_text, sampling, check })
    }

    /// Files from before version 1.
    fn read_without_version(metadata: &BTreeMap<String, String>) -> Result<Self, CardError> {
        let get = |key| metadata.get(key).map(String::as_str);
        let step = |text: &str| text.parse().map_err(|_| CardError::Step(text.to_owned()));
        Ok(Self {
            objective: Objective::Masked,
            schedule: get("schedule").map(str::parse).transpose()?.unwrap_or_default(),
            name: get("name").map(str::to_owned),
            step: get("step").map(step).transpose()?,
            end_of_text: None,
            sampling: None,
            check: None,
        })
    }

    /// Key and value of this card in a file's metadata.
    pub(crate) fn to_metadata(&self) -> Result<(String, String), serde_json::Error> {
        let Self { objective, schedule, name, step, end_of_text, sampling, check } = self.clone();
        let stored = Stored {
            version: VERSION,
            objective: objective.to_string(),
            schedule: schedule.to_string(),
            name,
            step,
            end_of_text,
            sampling,
            check,
        };
        Ok((KEY.to_owned(), serde_json::to_string(&stored)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(metadata: &[(&str, &str)]) -> Result<Card, String> {
        let metadata = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Card::read(&metadata, 10).map_err(|error| error.to_string())
    }

    #[test]
    fn a_card_is_read_as_it_was_written() {
        let full = Card {
            objective: Objective::Masked,
            schedule: Schedule::Linear,
            name: Some("Tales \"of\" old".to_owned()),
            step: Some(7),
            end_of_text: Some(3),
            sampling: Some(Sampling {
                sampler: "margin+schedule+apart+none".to_owned(),
                steps: Some(50),
                temperature: 0.7,
                choice_temperature: 1.0,
                top_k: None,
                top_p: Some(0.95),
            }),
            check: Some(Check { tokens: vec![Some(4), None], expected: vec![(1, 9, -0.25)] }),
        };
        for card in [full, Card::default()] {
            let (key, value) = card.to_metadata().expect("JSON");
            assert_eq!(read(&[(&key, &value)]), Ok(card));
        }
    }

    #[test]
    fn files_without_a_card_mean_what_they_meant() {
        assert_eq!(read(&[]), Ok(Card::default()));
        assert_eq!(Card::default().schedule, Schedule::Cosine);
        let old = read(&[("schedule", "linear"), ("name", "stories-small"), ("step", "11000")]);
        let old = old.expect("a card");
        assert_eq!((old.objective, old.schedule), (Objective::Masked, Schedule::Linear));
        assert_eq!((old.name.as_deref(), old.step), (Some("stories-small"), Some(11_000)));
    }

    #[test]
    fn what_is_unknown_is_refused() {
        let newer = r#"{"version":2,"objectives":["masked","hinted"]}"#;
        let objective = r#"{"version":1,"objective":"hinted","schedule":"linear"}"#;
        let schedule = r#"{"version":1,"objective":"masked","schedule":"cubic"}"#;
        let token = r#"{"version":1,"objective":"masked","schedule":"linear","end_of_text":10}"#;
        let check = r#"{"version":1,"objective":"masked","schedule":"linear","check":{"tokens":[1,null],"expected":[[2,3,-1.0]]}}"#;
        for (metadata, part) in [
            (("card", newer), "format version 2, and this program reads versions up to 1"),
            (("card", objective), "trained with the objective `hinted`"),
            (("card", schedule), "unknown noise schedule `cubic`"),
            (("schedule", "cubic"), "unknown noise schedule `cubic`"),
            (("card", token), "end-of-text token 10 is not one of the model's 10 tokens"),
            (("card", check), "names a token or a position that does not exist"),
            (("card", "{}"), "the card in the model file is not valid: missing field `version`"),
            (("card", "masked"), "the card in the model file is not valid"),
            (("step", "many"), "`step` is `many`"),
        ] {
            let error = read(&[metadata]).expect_err("a bad card");
            assert!(error.contains(part), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn members_that_may_be_ignored_are_ignored() {
        let json = r#"{"version":1,"objective":"masked","schedule":"linear","note":"new"}"#;
        assert_eq!(read(&[("card", json)]).map(|card| card.schedule), Ok(Schedule::Linear));
    }
}
