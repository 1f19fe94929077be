//! Byte-level BPE for the page: the library's merges without its pipeline, whose regular
//! expressions would be half of the download. Tests check that both give the same ids.

use tokenizers::models::bpe::BPE;
use tokenizers::{AddedToken, Model};

use super::class::Class;
use super::file::{self, Added, ByteLevel, File};
use super::{TokenizerError, byte_level};

/// A byte-level BPE.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    bpe: BPE,
    /// Tokens beside those of the BPE, or marked among them, the longest first.
    added: Vec<Added>,
    pre_tokenizer: ByteLevel,
    decoder: ByteLevel,
    size: u32,
}

impl Engine {
    /// Reads a tokenizer.json.
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenizerError> {
        let file = File::parse(json)?;
        let bpe = file.bpe()?;
        Ok(Self::new(bpe, file.added, file.pre_tokenizer, file.decoder))
    }

    /// What was trained, with its special tokens.
    pub(super) fn trained(bpe: BPE, specials: Vec<AddedToken>) -> Result<Self, TokenizerError> {
        let id = |name: &str| bpe.token_to_id(name).ok_or(TokenizerError::NoMask);
        let added = specials.into_iter().map(|AddedToken { content, .. }| {
            let id = id(&content)?;
            Ok(Added::special(id, content))
        });
        let added = added.collect::<Result<_, TokenizerError>>()?;
        Ok(Self::new(bpe, added, ByteLevel::CUTS, ByteLevel::JOINS))
    }

    fn new(bpe: BPE, mut added: Vec<Added>, pre_tokenizer: ByteLevel, decoder: ByteLevel) -> Self {
        added.sort_by_key(|token| std::cmp::Reverse(token.content.len()));
        let beside = added.iter().filter(|token| bpe.id_to_token(token.id).is_none()).count();
        let size = (bpe.get_vocab_size() + beside) as u32;
        Self { bpe, added, pre_tokenizer, decoder, size }
    }

    /// The tokenizer.json, as the library writes it.
    pub(super) fn json(&self) -> String {
        let mut added = self.added.clone();
        added.sort_by_key(|token| token.id);
        file::to_json(&self.bpe, &added, self.pre_tokenizer, self.decoder)
    }

    /// Number of tokens.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Id of a token by its written form.
    pub(super) fn id(&self, written: &str) -> Option<u32> {
        let added = self.added.iter().find(|token| token.content == written);
        added.map(|token| token.id).or_else(|| self.bpe.token_to_id(written))
    }

    /// Written form of a token.
    pub(super) fn written(&self, id: u32) -> Option<String> {
        let added = self.added.iter().find(|token| token.id == id);
        added.map(|token| token.content.clone()).or_else(|| self.bpe.id_to_token(id))
    }

    /// Whether a token that was added to those of the BPE is special; `None` for the others.
    pub(super) fn added(&self, id: u32) -> Option<bool> {
        self.added.iter().find(|token| token.id == id).map(|token| token.special)
    }

    /// Token ids of a text.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            // The longest token that begins here.
            let added = self.added.iter().find(|token| text[at..].starts_with(&token.content));
            if let Some(token) = added.filter(|token| !token.content.is_empty()) {
                self.encode_plain(&text[from..at], &mut out);
                out.push(token.id);
                at += token.content.len();
                from = at;
            } else {
                at += first.len_utf8();
            }
        }
        self.encode_plain(&text[from..], &mut out);
        out
    }

    /// Appends the ids of a text without added tokens.
    fn encode_plain(&self, text: &str, out: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let ByteLevel { add_prefix_space, use_regex, .. } = self.pre_tokenizer;
        let spaced = add_prefix_space && !text.starts_with(' ');
        let text = if spaced { format!(" {text}") } else { text.to_owned() };
        let words = if use_regex { words(&text) } else { vec![written(&text)] };
        for word in words {
            // Cannot fail: every character of the byte-level alphabet is a token or unknown.
            let tokens = self.bpe.tokenize(&word).expect("byte-level BPE takes any text");
            out.extend(tokens.into_iter().map(|token| token.id));
        }
    }
}

/// The words of a text, written in the byte-level alphabet.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut rest = text;
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(word_end(rest));
        words.push(written(word));
        rest = behind;
    }
    words
}

fn written(text: &str) -> String {
    text.bytes().map(byte_level::stand_in).collect()
}

/// End of the first word of a text, as GPT-2's expression cuts it:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
fn word_end(text: &str) -> usize {
    const ENDINGS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    if let Some(ending) = ENDINGS.into_iter().find(|ending| text.starts_with(ending)) {
        return ending.len();
    }
    let after_space = text.strip_prefix(' ').filter(|rest| !rest.is_empty());
    let body = after_space.filter(|rest| !rest.starts_with(char::is_whitespace)).unwrap_or(text);
    let start = text.len() - body.len();
    let kind = body.chars().next().map_or(Class::Space, Class::of);
    let end = body.find(|c| Class::of(c) != kind).map_or(text.len(), |end| start + end);
    if kind != Class::Space || end == text.len() {
        return end;
    }
    // The last space belongs to the next word.
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    if end > last { end - last } else { end }
}

#[cfg(test)]
mod tests {
    use super::super::train::learn;
    use super::super::{TrainOptions, library};
    use super::*;

    const STORIES: &str = include_str!("../../../../data/stories.txt");

    /// Both engines with the same file.
    fn both(options: &TrainOptions) -> (Engine, library::Engine) {
        let lines = STORIES.split_inclusive('\n').take(2_000);
        let trained = super::super::Tokenizer::train(lines, options, |_| ()).expect("text enough");
        let json = trained.to_json();
        let read = "just written";
        (
            Engine::read(json.as_bytes()).expect(read),
            library::Engine::read(json.as_bytes()).expect(read),
        )
    }

    #[test]
    fn the_library_gives_the_same_ids() {
        let texts = [
            "",
            " ",
            "  ",
            "a",
            " a  b\n\n c\t\td ",
            "don't we'll I'VE 's ''s 'd'd",
            "x 12 3rd 4.5",
            "Ünïcode — “quotes” … 北京 नमस्ते ½ Ⅷ ⓐ",
            "tab\u{a0}nbsp \u{2003}em",
            "[MASK]a[MASK][PAD] <|endoftext|>b",
            "[MASK",
            "emoji 👩‍👩‍👧 e\u{301}",
            "\r\n\r\n x",
            "     five",
        ];
        for options in [TrainOptions::default(), TrainOptions::seed_recipe()] {
            let (small, library) = both(&TrainOptions { vocab_size: 700, ..options });
            let lines = STORIES.lines().take(500);
            for text in texts.into_iter().chain(lines) {
                assert_eq!(small.encode(text), library.encode(text), "{text:?}");
            }
            assert_eq!(small.size(), library.size());
            for id in 0..=small.size() {
                assert_eq!(small.written(id), library.written(id));
                assert_eq!(small.added(id), library.added(id));
                let written = library.written(id).unwrap_or_default();
                assert_eq!(small.id(&written), library.id(&written));
            }
        }
    }

    #[test]
    fn what_is_trained_here_is_what_the_library_trains() {
        for options in [TrainOptions::default(), TrainOptions::seed_recipe()] {
            let options = TrainOptions { vocab_size: 500, ..options };
            // Emoji, no line break at the end.
            let texts = || STORIES.split_inclusive('\n').take(500).chain(["Hm 👩‍👩‍👧 don't \t x1"]);
            let (bpe, specials) = learn(texts(), &options, |_| (), words).expect("text enough");
            let small = Engine::trained(bpe, specials).expect("all specials are tokens");
            let tokenizer =
                super::super::Tokenizer::train(texts(), &options, |_| ()).expect("text enough");
            assert_eq!(small.json(), tokenizer.to_json());
            assert_eq!(
                Engine::read(small.json().as_bytes()).map(|read| read.json()),
                Ok(small.json())
            );
        }
    }

    #[test]
    fn every_character_is_cut_as_by_the_library() {
        let (small, library) = both(&TrainOptions { vocab_size: 300, ..TrainOptions::default() });
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        for chars in all.chunks(4_096) {
            // Between a letter, a digit and a quotation mark the class of each one shows.
            let text: String = chars.iter().flat_map(|&c| ['a', c, '1', c, '"', c, ' ']).collect();
            assert_eq!(small.encode(&text), library.encode(&text), "from {:?}", chars[0]);
        }
    }

    #[test]
    fn other_tokenizers_are_refused() {
        let (_, library) = both(&TrainOptions { vocab_size: 300, ..TrainOptions::default() });
        let json = library.json();
        let refusal = |from: &str, to: &str| {
            let changed = json.replacen(from, to, 1);
            assert_ne!(changed, json);
            Engine::read(changed.as_bytes()).map(drop).expect_err("not of this kind").to_string()
        };
        assert!(refusal("\"BPE\"", "\"Unigram\"").contains("its model is not BPE"));
        assert!(refusal("\"ByteLevel\"", "\"Metaspace\"").contains("its pre-tokenizer is not"));
        assert!(
            refusal("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}")
                .contains("changes texts")
        );
        assert!(refusal("\"lstrip\": false", "\"lstrip\": true").contains("space beside it"));
        assert!(refusal("\"[UNK]\",\n    \"cont", "\"[WHAT]\",\n    \"cont").contains("[WHAT]"));
        assert!(refusal("\"model\"", "\"mod\"").contains("not a readable tokenizer.json"));
    }
}
