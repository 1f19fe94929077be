//! Where build tools are kept: the user's cache folder, so that they outlive a clone.

use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;

/// The folder for this tool and version, for example `~/.cache/cinnabar/tools/trunk-0.21.14`.
pub(crate) fn tool(name: &str, version: &str) -> Result<PathBuf> {
    Ok(folder()?.join("tools").join(format!("{name}-{version}")))
}

fn folder() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    Ok(base.context("no cache folder: set HOME (LOCALAPPDATA on Windows)")?.join("cinnabar"))
}
