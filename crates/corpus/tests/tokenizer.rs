//! The tokenizer against the Python library, its round trip, and what it refuses.

use corpus::tokenizer::{Prompt, TokenizerError, TrainOptions, TrainProgress};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::LazyLock;

use corpus::tokenizer::Tokenizer;

/// A vocabulary of 2,048 by the seed's recipe, written by the Python library.
const PYTHON: &[u8] = include_bytes!("golden/tokenizer.json");
/// Texts with the ids and the decoded text of the Python library.
const PAIRS: &str = include_str!("golden/pairs.json");

/// The project's own stories, and what the Python library learns from them (`golden/make.py`).
const STORIES: &str = include_str!("../../../data/stories.txt");
const PYTHON_SEED_RECIPE: &str = include_str!("golden/python_seed_recipe.json");
const PYTHON_DEFAULT_RECIPE: &str = include_str!("golden/python_default_recipe.json");

const LINES: &str = "The cat sat on the mat.\nThe cat saw the rat, and the rat saw the cat.\n\n\
    \"Don't sit there!\" said the rat. The mat was the cat's.\n";

fn train(options: &TrainOptions) -> Result<Tokenizer, TokenizerError> {
    Tokenizer::train(LINES.split_inclusive('\n'), options, |_| ())
}

#[test]
fn ids_and_text_of_the_python_library() {
    let tokenizer = Tokenizer::from_bytes(PYTHON).unwrap();
    let golden: Value = serde_json::from_str(PAIRS).unwrap();
    let pairs = golden["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 50);
    for pair in pairs {
        let text = pair["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(pair["ids"].clone()).unwrap();
        assert_eq!(tokenizer.encode(text), ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids), pair["decoded"].as_str().unwrap(), "{text:?}");
    }
}

#[test]
fn a_file_of_the_python_library_is_written_back_unchanged() {
    let tokenizer = Tokenizer::from_bytes(PYTHON).unwrap();
    assert!(tokenizer.to_json().as_bytes() == PYTHON);
    assert_eq!(tokenizer.vocab_size(), 2048);
    assert_eq!(tokenizer.mask_id(), 2);
    assert_eq!((tokenizer.token_bytes(0), tokenizer.unk_id()), (&b"[PAD]"[..], Some(1)));
    assert_eq!(tokenizer.end_of_text_id(), None);
}

#[test]
fn training_gives_the_very_file_of_the_python_library() {
    for (options, python) in [
        (TrainOptions::seed_recipe(), PYTHON_SEED_RECIPE),
        (TrainOptions::default(), PYTHON_DEFAULT_RECIPE),
    ] {
        let options = TrainOptions { vocab_size: 700, ..options };
        let lines = STORIES.split_inclusive('\n');
        let tokenizer = Tokenizer::train(lines, &options, |_| ()).unwrap();
        assert!(tokenizer.to_json() == python, "{options:?}");
    }
}

#[test]
fn specials_come_first_and_all_bytes_after_them() {
    let tokenizer = train(&TrainOptions { vocab_size: 270, ..TrainOptions::default() }).unwrap();
    assert_eq!((tokenizer.token_bytes(0), tokenizer.unk_id()), (&b"[PAD]"[..], Some(1)));
    assert_eq!((tokenizer.mask_id(), tokenizer.end_of_text_id()), (2, Some(3)));
    assert_eq!(tokenizer.token_bytes(3), b"<|endoftext|>");
    let mut bytes: Vec<u8> = (4..260).map(|id| tokenizer.token_bytes(id)[0]).collect();
    bytes.sort_unstable();
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    assert_eq!(tokenizer.vocab_size(), 270);
    // The commonest pair of the text comes first.
    assert_eq!(tokenizer.token_bytes(260), b"at");
    assert!(tokenizer.token_bytes(270).is_empty());
    assert_eq!(tokenizer.encode("<|endoftext|>[MASK]"), [3, 2]);
    let ids = tokenizer.encode("a[MASK]b<|endoftext|>");
    assert_eq!(tokenizer.decode(&ids), "a[MASK]b<|endoftext|>");
}

#[test]
fn the_seed_recipe_has_unknown_bytes() {
    let tokenizer = train(&TrainOptions::seed_recipe()).unwrap();
    assert_eq!(tokenizer.end_of_text_id(), None);
    assert_eq!(tokenizer.encode("é"), [1, 1]);
    assert_eq!(tokenizer.decode(&[1, 1]), "[UNK][UNK]");
}

#[test]
fn the_same_text_gives_the_same_file() {
    let options = TrainOptions { vocab_size: 300, ..TrainOptions::default() };
    let once = train(&options).unwrap().to_json();
    assert_eq!(once, train(&options).unwrap().to_json());
    assert_eq!(once, Tokenizer::from_bytes(once.as_bytes()).unwrap().to_json());
}

#[test]
fn training_tells_how_far_it_is() {
    let mut seen = Vec::new();
    let options = TrainOptions { vocab_size: 265, ..TrainOptions::default() };
    Tokenizer::train(LINES.split_inclusive('\n'), &options, |p| seen.push(p)).unwrap();
    let bytes = LINES.len() as u64;
    assert_eq!(seen[seen.len() - 3], TrainProgress::Reading { bytes });
    assert!(matches!(seen[seen.len() - 2], TrainProgress::Merging { words: 10..=40 }));
    assert_eq!(seen[seen.len() - 1], TrainProgress::Trained { vocab_size: 265 });
}

#[test]
fn prompts_with_gaps() {
    let tokenizer = Tokenizer::from_bytes(PYTHON).unwrap();
    let one = |prompt: &str| -> Prompt {
        let mut all = tokenizer.encode_prompt(prompt).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    };
    let prompt = one("Once upon a time[MASK:3] a cat[MASK]");
    let mut ids = tokenizer.encode("Once upon a time");
    ids.extend([2, 2, 2]);
    ids.extend(tokenizer.encode(" a cat"));
    ids.push(2);
    assert_eq!(prompt.ids, ids);
    assert_eq!(prompt.gaps, ids.iter().map(|&id| id == 2).collect::<Vec<_>>());
    // The library itself reads `[MASK]` the same way.
    let plain = "the[MASK] sat";
    assert_eq!(one(plain).ids, tokenizer.encode(plain));
    // What fills the gap brings its space.
    assert_eq!(one("the [MASK] sat"), one(plain));
    // A length that is open.
    let open = tokenizer.encode_prompt("the [MASK:2-4] sat").unwrap();
    let fixed = [2, 3, 4].map(|length| one(&format!("the [MASK:{length}] sat")));
    assert_eq!(open, fixed);
}

fn refusal(json: &str) -> String {
    Tokenizer::from_bytes(json.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_refused_and_how() {
    let json = std::str::from_utf8(PYTHON).unwrap();
    assert!(refusal("{").starts_with("this is not a readable tokenizer.json ("));
    assert!(refusal(&json[..json.len() / 2]).starts_with("this is not a readable tokenizer.json"));
    assert_eq!(
        refusal(&json.replace("[MASK]", "[HIDE]")),
        "the tokenizer has no [MASK] token, which masked diffusion needs; train a new one"
    );
    // An unused token in the middle gets an id past the end.
    assert_eq!(
        refusal(&json.replace("\"/\": 9,", "\"/\": 9000,")),
        "the tokenizer's ids are not contiguous: it has 2048 tokens but none with id 9; train it again without gaps"
    );
    let no_unknown = json.replace("\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[WHAT]\"");
    assert_eq!(
        refusal(&no_unknown),
        "the tokenizer writes unknown bytes as `[WHAT]`, which is not in its vocabulary; train it again with `[WHAT]` among the special tokens"
    );
    let word_level = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":null,"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"[MASK]":0},"unk_token":"[MASK]"}}"#;
    assert!(refusal(word_level).starts_with("the tokenizer is not byte-level BPE (its model"));
    let digits = json.replace(
        "\"ByteLevel\",\n    \"add_prefix_space\": false",
        "\"Digits\",\n    \"individual_digits\": false",
    );
    assert!(
        refusal(&digits).contains("its pre-tokenizer is not ByteLevel"),
        "{}",
        refusal(&digits)
    );
}

/// What the library would panic at, or do silently: each with its field.
#[test]
fn fields_are_checked_before_the_library_sees_them() {
    let json = std::str::from_utf8(PYTHON).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        refusal(&json.replacen(from, to, 1))
    };
    let decoder = json.find("\"decoder\"").unwrap();
    let broken = format!("{}{}", &json[..decoder], json[decoder..].replacen("true", "tru", 1));
    assert!(refusal(&broken).starts_with("this is not a readable tokenizer.json"));
    assert!(refusal(&json[..decoder + 40]).starts_with("this is not a readable tokenizer.json"));
    for (from, to, part) in [
        ("\"dropout\": null", "\"dropout\": 0.5", "`model.dropout` is not supported"),
        ("\"unk_token\": \"[UNK]\"", "\"unk_token\": null", "`model.unk_token` is not supported"),
        ("\"byte_fallback\": false", "\"byte_fallback\": true", "`model.byte_fallback`"),
        ("subword_prefix\": null", "subword_prefix\": \"##\"", "`model.continuing_subword_prefix`"),
        ("word_suffix\": null", "word_suffix\": \"</w>\"", "`model.end_of_word_suffix`"),
        ("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}", "`normalizer`"),
        ("\"version\": \"1.0\"", "\"version\": \"2.0\"", "`version`"),
        ("\"padding\": null", "\"paddings\": null", "`paddings`"),
        ("\"lstrip\": false", "\"lstrip\": true", "`added_tokens`"),
        ("\"id\": 1,", "\"id\": 7,", "has another id in `model.vocab`"),
        // Longer than every token: the library writes past its buffer.
        (
            "\"merges\": [",
            "\"merges\": [[\"[MASK]\", \"[MASK]\"],",
            "`[MASK][MASK]`, which is not in",
        ),
        ("\"merges\": [", "\"merges\": [[\"a\"],", "`model`"),
    ] {
        let error = changed(from, to);
        assert!(error.contains(part), "{from}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    // What changes no ids is read, as other programs write it.
    let marked = format!("\u{feff}{json}").replacen(
        "\"post_processor\": null",
        "\"post_processor\": {\"type\": \"ByteLevel\", \"trim_offsets\": true}",
        1,
    );
    let tokenizer = Tokenizer::from_bytes(marked.as_bytes()).unwrap();
    assert_eq!(
        tokenizer.encode("the cat"),
        Tokenizer::from_bytes(PYTHON).unwrap().encode("the cat")
    );
}

/// Any byte of a tokenizer lost, doubled or changed: an error or a tokenizer that works, no panic.
#[test]
fn mutated_files_never_panic() {
    let options = TrainOptions { vocab_size: 262, ..TrainOptions::default() };
    let json = train(&options).unwrap().to_json();
    let json = json.as_bytes();
    // Lehmer's generator: the same mutations in every run.
    let mut random = 20_241_126_u64;
    let mut draw = |below: usize| {
        random = random * 48_271 % 0x7fff_ffff;
        random as usize % below
    };
    let mut read = 0;
    for _ in 0..1_500 {
        let mut bytes = json.to_vec();
        for _ in 0..=draw(3) {
            let at = draw(bytes.len());
            match draw(4) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, bytes[at]),
                2 => bytes[at] = b"0123456789[]{}\",:truefalsn"[draw(26)],
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(tokenizer) = Tokenizer::from_bytes(&bytes) {
            let ids = tokenizer.encode("The cat's “mat” [MASK]\0\u{7f}é");
            assert!(ids.iter().all(|&id| id < tokenizer.vocab_size()));
            read += 1;
        }
    }
    assert!(read > 20, "only {read} of the mutated files could be read");
}

/// Text without spaces is one word, however long: the time grows with its length.
#[test]
fn words_without_end_are_learned_from() {
    let genome: String = (0..400_000_u64)
        .map(|i| char::from(b"ACGT"[(i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 61) as usize % 4]))
        .collect();
    let options = TrainOptions { vocab_size: 300, ..TrainOptions::default() };
    let begun = std::time::Instant::now();
    let tokenizer = Tokenizer::train([&genome].into_iter(), &options, |_| ()).unwrap();
    assert_eq!(tokenizer.decode(&tokenizer.encode(&genome)), genome);
    // Two minutes before words were cut, less than two seconds since.
    assert!(begun.elapsed().as_secs() < 40, "{:?}", begun.elapsed());
}

#[test]
fn training_refuses_nonsense() {
    let nothing = Tokenizer::train([""; 0].iter(), &TrainOptions::default(), |_| ());
    assert_eq!(nothing.unwrap_err(), TokenizerError::NoText);
    let small = TrainOptions { vocab_size: 259, ..TrainOptions::default() };
    assert_eq!(
        train(&small).unwrap_err(),
        TokenizerError::VocabTooSmall { asked: 259, needed: 260 }
    );
    let exact = TrainOptions { vocab_size: 260, ..TrainOptions::default() };
    assert_eq!(train(&exact).unwrap().vocab_size(), 260);
    let small = TrainOptions { vocab_size: 5, ..TrainOptions::seed_recipe() };
    assert!(matches!(train(&small), Err(TokenizerError::VocabTooSmall { asked: 5, .. })));
}

#[test]
fn a_model_of_another_tokenizer_is_refused() {
    let tokenizer = Tokenizer::from_bytes(PYTHON).unwrap();
    tokenizer.check_model(2048, 2, None).unwrap();
    assert_eq!(
        tokenizer.check_model(66, 2, None).unwrap_err().to_string(),
        "the tokenizer has 2048 tokens and the model 66; use the tokenizer.json that the model was trained with (it lies in the checkpoint's folder)"
    );
    assert_eq!(
        tokenizer.check_model(2048, 0, None).unwrap_err(),
        TokenizerError::OtherMask { tokenizer: 2, model: 0 }
    );
    BYTES.check_model(BYTES.vocab_size(), 2, Some(3)).unwrap();
    assert_eq!(
        BYTES.check_model(BYTES.vocab_size(), 2, Some(4)).unwrap_err().to_string(),
        "the token that ends a text is id 3 in the tokenizer and id 4 in the model; use the tokenizer.json that the model was trained with (it lies in the checkpoint's folder)"
    );
}

static BYTES: LazyLock<Tokenizer> =
    LazyLock::new(|| train(&TrainOptions { vocab_size: 300, ..TrainOptions::default() }).unwrap());

proptest! {
    #[test]
    fn any_text_survives(text in any::<String>()) {
        let ids = BYTES.encode(&text);
        prop_assert!(ids.iter().all(|&id| id < 300 && Some(id) != BYTES.unk_id()));
        prop_assert_eq!(BYTES.decode(&ids), text);
    }

    #[test]
    fn words_and_white_space_survive(text in "([a-zA-Z' ]|[ \t\n\r\u{a0}\u{3000}]|the cat|é|[0-9]|😀){0,60}") {
        prop_assert_eq!(BYTES.decode(&BYTES.encode(&text)), text);
    }

    #[test]
    fn any_bytes_are_no_tokenizer(bytes in any::<Vec<u8>>()) {
        prop_assert!(Tokenizer::from_bytes(&bytes).is_err());
    }
}
