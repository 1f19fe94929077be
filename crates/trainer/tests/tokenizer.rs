//! `tokenizer` through the program: what each flag does to the file, and what bad input gets.

mod support;

use std::fs;

use corpus::tokenizer::Tokenizer;
use support::{Place, fail, succeed, trainer};

/// Two stories of two lines; `Z` is in neither.
const TEXT: &str = "The cat sat.\nThe cat ran.\n<|endoftext|>\nThe cat sat on the mat.\n\
    The cat sat.\n<|endoftext|>\n";

/// The tokenizer that the program trains on [`TEXT`].
fn train(flags: &[&str]) -> Tokenizer {
    let place = Place::new();
    let (input, output) = (place.path("text.txt"), place.path("made.json"));
    fs::write(&input, TEXT).expect("a text");
    let mut command = trainer();
    command.arg("tokenizer").arg("--input").arg(&input).arg("--output").arg(&output);
    let printed = succeed(command.args(flags));
    assert!(printed.contains("bytes per token"), "{printed}");
    Tokenizer::from_bytes(&fs::read(output).expect("a file")).expect("a tokenizer")
}

#[test]
fn every_flag_shows_in_the_file() {
    let usual = train(&[]);
    assert_eq!(usual.end_of_text_id(), Some(3));
    assert_ne!(usual.encode("Z"), [1], "every byte is a token");

    assert_eq!(train(&["--vocab-size", "264"]).vocab_size(), 264);
    // `mat` stands once, `cat` four times.
    let rare = train(&["--min-frequency", "1"]);
    let frequent = train(&["--min-frequency", "4"]);
    assert!(frequent.vocab_size() < usual.vocab_size() && usual.vocab_size() < rare.vocab_size());
    let has = |tokenizer: &Tokenizer, text: &str| tokenizer.encode(text).len() == 1;
    assert!(has(&rare, " mat") && !has(&usual, " mat"));
    assert!(has(&frequent, " cat") && !has(&frequent, " sat on"));

    let seen = train(&["--no-byte-alphabet"]);
    assert_eq!((seen.encode("Z"), seen.end_of_text_id()), (vec![1], Some(3)));
    let endless = train(&["--no-end-of-text"]);
    assert_eq!(endless.end_of_text_id(), None);
    assert_ne!(endless.encode("Z"), [1]);
    let reference = train(&["--seed-recipe"]);
    assert_eq!((reference.encode("Z"), reference.end_of_text_id()), (vec![1], None));
}

#[test]
fn bad_input_gets_one_sentence() {
    let place = Place::new();
    let text = place.path("text.txt");
    let command = |flags: &[&str]| {
        let mut command = trainer();
        command.arg("tokenizer").arg("--input").arg(&text);
        command.arg("--output").arg(place.path("made.json")).args(flags);
        command
    };
    fail(&mut command(&[]), &["text.txt", "trainer data"]);
    fs::write(&text, " \n").expect("a text");
    fail(&mut command(&[]), &["text.txt", "the corpus is empty"]);
    fs::write(&text, TEXT).expect("a text");
    fail(&mut command(&["--vocab-size", "100"]), &["a vocabulary of 100 is too small"]);
    assert!(!place.path("made.json").exists());
}
