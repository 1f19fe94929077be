//! The built page, driven in Chromium: every state once, with a tiny model.
//!
//! Build it first (`cargo xtask trunk build --release`); `DIST` names another folder than `dist`.
//! Pictures of all states go to `target/screenshots`. Run with `--test-threads 1`: every test has a
//! browser of its own.

mod browser;
mod server;
mod site;

mod access;
mod edits;
mod faults;
mod films;
mod runs;
mod shaders;
