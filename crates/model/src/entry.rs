//! The list of models that the page offers, `models.json`.

use serde::{Deserialize, Serialize};

use crate::{Check, Objective};

/// An entry of `models.json`. Addresses are relative to that file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Short name for addresses: letters, digits, hyphens.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence about it.
    #[serde(default)]
    pub about: String,
    /// What it learned, which decides how it can write; where it is missing, its file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// Address of the checkpoint.
    pub checkpoint: String,
    /// Address of its tokenizer.json.
    pub tokenizer: String,
    /// What both files must be; where it is missing, they are not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sums>,
    /// Prompts that suit it.
    #[serde(default)]
    pub examples: Vec<String>,
    /// What it computes for a fixed input, where its file does not say so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Box<Check>>,
}

impl ModelEntry {
    /// Address of its model card, which lies beside the checkpoint.
    pub fn model_card(&self) -> String {
        let folder = self.checkpoint.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/README.md")
    }
}

/// The SHA-256 of a model's files, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Of the checkpoint.
    pub checkpoint: String,
    /// Of the tokenizer.json.
    pub tokenizer: String,
}
