//! Byte-level BPE in a few kilobytes, for the page: the library and its regular expressions would
//! be half of what a browser has to load. Tests hold both to the same ids.

use std::collections::HashMap;

use serde::Deserialize;

use super::letters::is_letter;
use super::{TokenizerError, byte_level};

/// A byte-level BPE.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    vocabulary: HashMap<String, u32>,
    written: HashMap<u32, String>,
    /// Tokens beside those of the BPE, the longest first, and whether they are special.
    added: Vec<(String, u32, bool)>,
    /// The token that two tokens become, and how early.
    merges: HashMap<(u32, u32), (usize, u32)>,
    unknown: Option<u32>,
    /// Words that are tokens are not put together by merges.
    ignore_merges: bool,
    add_prefix_space: bool,
    split_words: bool,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<serde::de::IgnoredAny>,
    pre_tokenizer: Option<Part>,
    decoder: Option<Part>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    special: bool,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    add_prefix_space: bool,
    #[serde(default = "yes")]
    use_regex: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    vocab: HashMap<String, u32>,
    #[serde(default)]
    merges: Vec<Merge>,
    unk_token: Option<String>,
    dropout: Option<f32>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

/// Older files have both tokens in one text, with a space between them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

impl Merge {
    fn pair(&self) -> Option<(&str, &str)> {
        match self {
            Self::Pair(a, b) => Some((a, b)),
            Self::Line(line) => line.split_once(' '),
        }
    }
}

impl Engine {
    /// Reads a tokenizer.json.
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenizerError> {
        let file: File =
            serde_json::from_slice(json).map_err(|e| TokenizerError::Parse(e.to_string()))?;
        let File { added_tokens, normalizer, pre_tokenizer, decoder, model } = file;
        let refuse = |what: &str| Err(TokenizerError::NotByteLevel(what.into()));
        if !model.kind.as_deref().map_or(!model.merges.is_empty(), |kind| kind == "BPE") {
            return refuse("its model is not BPE");
        }
        let byte_level = |part: &Option<Part>| part.as_ref().is_some_and(|p| p.kind == "ByteLevel");
        if !byte_level(&pre_tokenizer) {
            return refuse("its pre-tokenizer is not ByteLevel");
        }
        if !byte_level(&decoder) {
            return refuse("its decoder is not ByteLevel");
        }
        if normalizer.is_some() {
            return refuse("it changes texts before it cuts them, which this page cannot");
        }
        let subwords = [&model.continuing_subword_prefix, &model.end_of_word_suffix];
        let marks = subwords.into_iter().flatten().any(|mark| !mark.is_empty());
        if marks || model.dropout.is_some() || model.fuse_unk || model.byte_fallback {
            return refuse("its BPE has options that this page does not know");
        }
        if added_tokens.iter().any(|token| token.single_word || token.lstrip || token.rstrip) {
            return refuse("one of its tokens takes the space beside it, which this page cannot");
        }

        let vocabulary = model.vocab;
        let mut written: HashMap<u32, String> =
            vocabulary.iter().map(|(text, &id)| (id, text.clone())).collect();
        let mut added = Vec::new();
        for Added { id, content, special, .. } in added_tokens {
            written.insert(id, content.clone());
            added.push((content, id, special));
        }
        added.sort_by_key(|(text, ..)| std::cmp::Reverse(text.len()));
        let known = |text: &str| vocabulary.get(text).copied();
        let mut merges = HashMap::new();
        for (rank, merge) in model.merges.iter().enumerate() {
            let ids = merge
                .pair()
                .and_then(|(a, b)| Some(((known(a)?, known(b)?), known(&format!("{a}{b}"))?)));
            let Some((pair, id)) = ids else {
                return Err(TokenizerError::Parse(format!("merge {rank} has an unknown token")));
            };
            merges.entry(pair).or_insert((rank, id));
        }
        let part = pre_tokenizer.expect("checked above");
        let mut engine = Self {
            written,
            added,
            merges,
            unknown: None,
            ignore_merges: model.ignore_merges,
            add_prefix_space: part.add_prefix_space,
            split_words: part.use_regex,
            vocabulary,
        };
        if let Some(unknown) = model.unk_token {
            engine.unknown = engine.id(&unknown);
            if engine.unknown.is_none() {
                return Err(TokenizerError::NoUnknown(unknown));
            }
        }
        Ok(engine)
    }

    /// Number of tokens.
    pub(super) fn size(&self) -> u32 {
        self.written.len() as u32
    }

    /// Id of a token by its written form.
    pub(super) fn id(&self, written: &str) -> Option<u32> {
        let added = self.added.iter().find(|(text, ..)| text == written).map(|&(_, id, _)| id);
        added.or_else(|| self.vocabulary.get(written).copied())
    }

    /// Written form of a token.
    pub(super) fn written(&self, id: u32) -> Option<String> {
        self.written.get(&id).cloned()
    }

    /// Whether a token that was added to those of the BPE is special; `None` for the others.
    pub(super) fn added(&self, id: u32) -> Option<bool> {
        self.added.iter().find(|&&(_, other, _)| other == id).map(|&(.., special)| special)
    }

    /// Token ids of a text.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            // The longest token that begins here.
            let added = self.added.iter().find(|(token, ..)| text[at..].starts_with(token));
            if let Some((token, id, _)) = added.filter(|(token, ..)| !token.is_empty()) {
                self.encode_plain(&text[from..at], &mut out);
                out.push(*id);
                at += token.len();
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
        let spaced = self.add_prefix_space && !text.starts_with(' ');
        let text = if spaced { format!(" {text}") } else { text.to_owned() };
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = if self.split_words { word_end(rest) } else { rest.len() };
            self.encode_word(&rest[..end], out);
            rest = &rest[end..];
        }
    }

    /// Merges the bytes of a word, the earliest merge first, the leftmost of equal ones.
    fn encode_word(&self, word: &str, out: &mut Vec<u32>) {
        let written: String = word.bytes().map(byte_level::stand_in).collect();
        if self.ignore_merges
            && let Some(&id) = self.vocabulary.get(&written)
        {
            out.push(id);
            return;
        }
        let of = |c: char| self.vocabulary.get(c.encode_utf8(&mut [0; 4])).copied();
        let mut ids: Vec<u32> = written.chars().filter_map(|c| of(c).or(self.unknown)).collect();
        let merge = |pair: &[u32]| self.merges.get(&(pair[0], pair[1])).copied();
        while let Some((at, (_, id))) = ids
            .windows(2)
            .enumerate()
            .filter_map(|(at, pair)| Some((at, merge(pair)?)))
            .min_by_key(|&(_, (rank, _))| rank)
        {
            ids.splice(at..at + 2, [id]);
        }
        out.extend(ids);
    }
}

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Number,
    Space,
    Other,
}

fn class(c: char) -> Class {
    match c {
        c if c.is_whitespace() => Class::Space,
        c if is_letter(c) => Class::Letter,
        c if c.is_numeric() => Class::Number,
        _ => Class::Other,
    }
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
    let kind = body.chars().next().map_or(Class::Space, class);
    let end = body.find(|c| class(c) != kind).map_or(text.len(), |end| start + end);
    if kind != Class::Space || end == text.len() {
        return end;
    }
    // The last space belongs to the word behind it.
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    if end > last { end - last } else { end }
}

#[cfg(test)]
mod tests {
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
            }
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
