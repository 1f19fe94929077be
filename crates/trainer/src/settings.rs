//! Settings from a preset or a file.

use std::path::Path;

use anyhow::{Context, Result};
use run::Settings;
use run::settings::{PRESETS, preset};

use crate::files;

/// Reads the preset or the file `source` and changes it by `key=value` texts.
pub(crate) fn read(source: &str, changes: &[String]) -> Result<Settings> {
    Settings::parse(&text(source)?, changes).with_context(|| format!("configuration `{source}`"))
}

/// The text of the preset or the file `source`.
pub(crate) fn text(source: &str) -> Result<String> {
    Ok(match preset(source) {
        Some(text) => text.to_owned(),
        None => files::read_text(Path::new(source)).with_context(|| {
            let names = PRESETS.map(|(name, _)| name).join(", ");
            format!(
                "cannot read the configuration `{source}`; give a TOML file or one of the presets {names}"
            )
        })?,
    })
}
