//! The list of models that the page offers, which lies beside their folders.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use corpus::cache::sha256;
use model::{ModelEntry, Objective, Sums};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::files;

/// Name of the list.
const LIST: &str = "models.json";

/// A list, to be brought up to date.
pub(crate) struct ModelList {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// An entry with members that only others know.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    known: ModelEntry,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl ModelList {
    /// The list beside a model's folder, if there is one.
    ///
    /// # Errors
    /// When there is something else under its name.
    pub(crate) fn beside(folder: &Path) -> Result<Option<Self>> {
        let path = folder.parent().unwrap_or(Path::new("")).join(LIST);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path)?;
        let entries = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} is not a list of models; mend it, or choose another `--out`",
                path.display()
            )
        })?;
        Ok(Some(Self { path, entries }))
    }

    /// Writes it with the model of this name: with its files, each by name and content, first the
    /// checkpoint and then the tokenizer, and its objective. What people wrote about the model stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn with(
        mut self,
        name: &str,
        objective: Objective,
        files: [(&str, &[u8]); 2],
    ) -> Result<()> {
        let [checkpoint, tokenizer] = files.map(|(file, _)| format!("{name}/{file}"));
        let [of_checkpoint, of_tokenizer] = files.map(|(_, bytes)| sha256(bytes));
        let entry = match self.entries.iter().position(|entry| entry.known.id == name) {
            Some(index) => &mut self.entries[index],
            None => {
                let known = ModelEntry { id: name.into(), name: name.into(), ..Default::default() };
                self.entries.push(Entry { known, other: Map::new() });
                self.entries.last_mut().expect("just pushed")
            }
        };
        let known = &mut entry.known;
        known.objective = Some(objective);
        (known.checkpoint, known.tokenizer) = (checkpoint, tokenizer);
        known.sha256 = Some(Sums { checkpoint: of_checkpoint, tokenizer: of_tokenizer });
        // The file itself says it.
        known.check = None;
        let text = serde_json::to_string_pretty(&self.entries)?;
        files::write_atomically(&self.path, |file| Ok(writeln!(file, "{text}")?))
    }
}
