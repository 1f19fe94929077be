//! Corpus and tokenizer: stories in, token ids out.

pub mod cache;
pub mod clean;
#[cfg(feature = "download")]
pub mod download;
pub mod grammar;
pub mod stories;
pub mod text;
pub mod tokenizer;
