//! One file per command: its flags, `XArgs`, and what it does, `run`.

pub(crate) mod ablate;
pub(crate) mod bench;
pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod judge;
pub(crate) mod lr_range;
mod named;
pub(crate) mod render;
pub(crate) mod sample;
pub(crate) mod speedrun;
pub(crate) mod tokenizer;
pub(crate) mod train;
