//! Corpus and tokenizer: stories in, token ids out.
