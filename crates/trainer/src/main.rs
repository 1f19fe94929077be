//! The Cinnabar program: data, tokenizer, train, eval, sample, bench.
fn main() {}
