//! Corpus and tokenizer: stories in, token ids out.

pub mod tokenizer;
