//! `tokenizer`: a byte-level BPE learned from a corpus, as a tokenizer.json.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use corpus::tokenizer::TrainOptions;

use crate::corpus_files::CORPUS;
use crate::vocabulary::{self, Request};

/// Learn a vocabulary from a corpus: a byte-level BPE, as a tokenizer.json
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Special tokens are [PAD], [UNK], [MASK] and <|endoftext|>, with ids 0 to 3. The file is that of the
Python library `tokenizers`, in both directions.")]
pub(crate) struct TokenizerArgs {
    /// Text to learn from: stories with a line `<|endoftext|>` after each, or any text
    #[arg(long, value_name = "FILE", default_value = CORPUS)]
    input: PathBuf,

    /// File to write
    #[arg(long, value_name = "FILE", default_value = "tokenizer.json")]
    output: PathBuf,

    /// Vocabulary size, special tokens and single bytes included; a small text may give fewer
    #[arg(long, value_name = "TOKENS", default_value_t = TrainOptions::default().vocab_size)]
    vocab_size: u32,

    /// Minimum frequency of a pair to be merged
    #[arg(long, value_name = "TIMES", default_value_t = TrainOptions::default().min_frequency,
          value_parser = clap::value_parser!(u64).range(1..))]
    min_frequency: u64,

    /// Only bytes of the text become tokens, all others are unknown later [default: all 256 bytes
    /// are tokens, so nothing is ever unknown]
    #[arg(long)]
    no_byte_alphabet: bool,

    /// Leave out `<|endoftext|>`, so that a model cannot learn where a story ends
    #[arg(long)]
    no_end_of_text: bool,

    /// The recipe of the seed document: both of the above, and the text is read line by line
    #[arg(long)]
    seed_recipe: bool,
}

/// Runs the command.
pub(crate) fn run(args: &TokenizerArgs) -> Result<()> {
    vocabulary::run(&args.request())
}

impl TokenizerArgs {
    fn request(&self) -> Request {
        Request {
            input: self.input.clone(),
            output: self.output.clone(),
            options: TrainOptions {
                vocab_size: self.vocab_size,
                min_frequency: self.min_frequency,
                initial_alphabet: !(self.no_byte_alphabet || self.seed_recipe),
                end_of_text: !(self.no_end_of_text || self.seed_recipe),
            },
            by_line: self.seed_recipe,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: TokenizerArgs,
    }

    fn request(flags: &[&str]) -> Request {
        Line::parse_from(["tokenizer"].iter().chain(flags)).args.request()
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let usual = request(&[]);
        assert_eq!((usual.options, usual.by_line), (TrainOptions::default(), false));
        let seed = request(&["--seed-recipe"]);
        assert_eq!((seed.options, seed.by_line), (TrainOptions::seed_recipe(), true));
    }

    #[test]
    fn flags_are_options() {
        let flags = ["--vocab-size", "264", "--no-byte-alphabet", "--no-end-of-text"];
        let options = TrainOptions {
            vocab_size: 264,
            initial_alphabet: false,
            end_of_text: false,
            ..TrainOptions::default()
        };
        assert_eq!(request(&flags).options, options);
    }
}
