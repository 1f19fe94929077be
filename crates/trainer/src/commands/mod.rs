//! One file per command: its flags, `XArgs`, and what it does, `run`. `grammar` is a part of `data`.

pub(crate) mod bench;
pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod export;
mod grammar;
pub(crate) mod judge;
mod named;
pub(crate) mod render;
pub(crate) mod sample;
pub(crate) mod tokenizer;
pub(crate) mod train;
