//! The built page, driven in Chromium: every state once, with a tiny model. What matters most is done
//! in Firefox, too.
//!
//! Build it first (`cargo xtask trunk build --release`); `DIST` names another folder than `dist`.
//! Pictures of all states go to `target/screenshots`.

mod browser;
mod driver;
mod server;
mod site;

mod access;
mod agree;
mod both;
mod compare;
mod devices;
mod drops;
mod edits;
mod endurance;
mod faults;
mod films;
mod firsts;
mod layout;
mod lecture;
mod race;
mod reader;
mod replays;
mod runs;
mod shaders;
mod sharing;
mod stillness;
mod strip;
mod tab;
mod tour;
mod training;
mod trains;
mod visits;
