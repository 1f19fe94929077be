//! Build tools live in the user's cache folder, shared by all clones.

use anyhow::{Context, Result};
use std::path::PathBuf;

/// The folder for this tool and version, for example `~/.cache/cinnabar/tools/trunk-0.21.14`.
///
/// # Errors
/// When the user has no cache folder.
pub(crate) fn tool(name: &str, version: &str) -> Result<PathBuf> {
    let cache = dirs::cache_dir().context("no cache folder: set HOME (LOCALAPPDATA on Windows)")?;
    Ok(cache.join("cinnabar").join("tools").join(format!("{name}-{version}")))
}
