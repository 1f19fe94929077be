//! Corpus and tokenizer: stories in, token ids out.

pub mod clean;
#[cfg(feature = "download")]
pub mod download;
pub mod grammar;
pub mod tokenizer;
