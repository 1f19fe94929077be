//! Settings from a preset or a file.

use anyhow::{Context, Result};
use run::Settings;
use run::settings::{PRESETS, preset};

/// Reads the preset or the file `source` and changes it by `key=value` texts.
pub(crate) fn read(source: &str, changes: &[String]) -> Result<Settings> {
    let text = match preset(source) {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(source).with_context(|| {
            let names = PRESETS.map(|(name, _)| name).join(", ");
            format!(
                "cannot read the configuration `{source}`; give a TOML file or one of the presets {names}"
            )
        })?,
    };
    Settings::parse(&text, changes).with_context(|| format!("configuration `{source}`"))
}
