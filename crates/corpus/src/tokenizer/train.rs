//! Training a byte-level BPE.
//!
//! BPE after Sennrich et al. 2016 (arXiv 1508.07909) on bytes after Radford et al. 2019, by the
//! `tokenizers` library, so that the result is the file that its Python form would write. The page cuts
//! the words itself, and learns the same.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::{AddedToken, Trainer};

use super::{END_OF_TEXT, Engine, MASK, PAD, Tokenizer, TokenizerError, UNK, byte_level, words};

/// How to train a tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// Number of tokens wanted, specials and single bytes included. A small corpus may give fewer.
    pub vocab_size: u32,
    /// How often a pair must occur to be merged into a token.
    pub min_frequency: u64,
    /// Whether all 256 bytes are tokens from the start. Then nothing is ever unknown and every text
    /// survives encoding and decoding. Without it, only bytes of the corpus are.
    pub initial_alphabet: bool,
    /// Whether `<|endoftext|>` is the fourth special token.
    pub end_of_text: bool,
}

impl Default for TrainOptions {
    /// 2,048 tokens, pairs seen twice, all bytes, end-of-text.
    fn default() -> Self {
        Self { vocab_size: 2048, min_frequency: 2, initial_alphabet: true, end_of_text: true }
    }
}

impl TrainOptions {
    /// The recipe of the reference program: no byte alphabet and no end-of-text token. Bytes that the
    /// corpus lacks become `[UNK]`. To get exactly its file, train on lines that keep their ends
    /// (`text.split_inclusive('\n')`).
    #[must_use]
    pub fn seed_recipe() -> Self {
        Self { initial_alphabet: false, end_of_text: false, ..Self::default() }
    }

    /// Special tokens, in the order of their ids.
    fn specials(&self) -> Vec<AddedToken> {
        let end = self.end_of_text.then_some(END_OF_TEXT);
        [PAD, UNK, MASK].into_iter().chain(end).map(|name| AddedToken::from(name, true)).collect()
    }
}

/// Training progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainProgress {
    /// So many bytes of text have been read.
    Reading {
        /// Bytes since the start.
        bytes: u64,
    },
    /// All text is read; now pairs are merged, which reports no progress.
    Merging {
        /// Different words found.
        words: usize,
    },
    /// Done.
    Trained {
        /// Tokens of the vocabulary.
        vocab_size: u32,
    },
}

/// Longest word that is learned from in one piece, in characters. Merging takes time with the square
/// of a word's length, so text without spaces would take hours.
const LONGEST_WORD: usize = 512;

/// A word, cut if it is longer than that.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(LONGEST_WORD).map_or(rest.len(), |(at, _)| at);
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

impl Tokenizer {
    /// Trains on `texts` (stories, or lines with their ends: no token reaches across two items).
    /// The result depends on the texts and options alone. `progress` is called from the
    /// reading thread.
    ///
    /// # Errors
    /// No text; a vocabulary smaller than specials and single bytes.
    pub fn train<I, S>(
        texts: I,
        options: &TrainOptions,
        mut progress: impl FnMut(TrainProgress) + Send,
    ) -> Result<Self, TokenizerError>
    where
        I: Iterator<Item = S> + Send,
        S: AsRef<str> + Send,
    {
        let (bpe, specials) = learn(texts, options, &mut progress, words)?;
        let tokenizer = Self::new(Engine::trained(bpe, specials)?)?;
        progress(TrainProgress::Trained { vocab_size: tokenizer.vocab_size() });
        Ok(tokenizer)
    }
}

/// Learns the merges of texts that `words` cuts; also returns the special tokens.
pub(super) fn learn<I, S>(
    texts: I,
    options: &TrainOptions,
    mut progress: impl FnMut(TrainProgress) + Send,
    words: impl Fn(&str) -> Vec<String> + Sync,
) -> Result<(BPE, Vec<AddedToken>), TokenizerError>
where
    I: Iterator<Item = S> + Send,
    S: AsRef<str> + Send,
{
    #[cfg(target_arch = "wasm32")]
    tokenizers::utils::parallelism::set_parallelism(false);
    let mut builder = BpeTrainer::builder()
        .vocab_size(options.vocab_size as usize)
        .min_frequency(options.min_frequency)
        .special_tokens(options.specials())
        .show_progress(false);
    if options.initial_alphabet {
        builder = builder.initial_alphabet(byte_level::alphabet().collect());
    }
    let mut trainer = builder.build();
    let failed = |e: tokenizers::Error| TokenizerError::Train(e.to_string());

    let mut bytes = 0;
    let read = texts.inspect(|text| {
        bytes += text.as_ref().len() as u64;
        progress(TrainProgress::Reading { bytes });
    });
    let cut = |text: &str| {
        Ok(words(text).iter().flat_map(|word| pieces(word)).map(str::to_owned).collect())
    };
    trainer.feed(read, cut).map_err(failed)?;
    if trainer.get_word_count() == 0 {
        return Err(TokenizerError::NoText);
    }
    progress(TrainProgress::Merging { words: trainer.get_word_count() });

    let mut bpe = BPE::builder().unk_token(UNK.into()).build().map_err(failed)?;
    let specials = trainer.train(&mut bpe).map_err(failed)?;
    // The library keeps all specials and bytes, even past the size asked for.
    let needed = bpe.get_vocab().len() as u32;
    if needed > options.vocab_size {
        return Err(TokenizerError::VocabTooSmall { asked: options.vocab_size, needed });
    }
    Ok((bpe, specials))
}
