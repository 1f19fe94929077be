//! Splitting a text into stories, parts and token ids; the committed corpus.

use corpus::grammar::Grammar;
use corpus::stories::{Boundaries, Corpus, CorpusError, VALIDATION_SHARE, join};
use corpus::tokenizer::{Tokenizer, TrainOptions};

/// The corpus that works without a network.
const STORIES: &str = include_str!("../../../data/stories.txt");

const THREE: &[u8] = b"\nOne.\n\nStill one.\n<|endoftext|>\r\nTwo.\r\n<|endoftext|>\n\nThree. \n";

fn tokenizer(end_of_text: bool) -> Tokenizer {
    let options = TrainOptions { vocab_size: 400, end_of_text, ..TrainOptions::default() };
    Tokenizer::train(STORIES.lines(), &options, |_| ()).unwrap()
}

#[test]
fn the_committed_corpus_is_what_the_grammar_writes() {
    assert!(STORIES == join(Grammar::embedded().stories(0).take(200)));
    assert_eq!(Corpus::parse(STORIES.as_bytes()).unwrap().stories().len(), 200);
}

#[test]
fn stories_end_at_end_of_text() {
    let corpus = Corpus::parse(THREE).unwrap();
    assert_eq!(corpus.boundaries(), &Boundaries::EndOfText);
    assert_eq!(corpus.stories(), ["One.\n\nStill one.", "Two.", "Three."]);
    let again = join(corpus.stories());
    assert_eq!(Corpus::parse(again.as_bytes()).unwrap().stories(), corpus.stories());
}

#[test]
fn blank_lines_where_there_is_no_end_of_text() {
    let text = "\u{feff}One\nline.\n\n \t\r\nTwo.\r\n\r\nThree.";
    let corpus = Corpus::parse(text.as_bytes()).unwrap();
    assert_eq!(corpus.boundaries(), &Boundaries::BlankLines);
    assert_eq!(corpus.stories(), ["One\nline.", "Two.", "Three."]);
    // Boundaries that mean nothing are not taught: the text is encoded as it stands.
    let tokenizer = tokenizer(true);
    assert_eq!(corpus.encode(&tokenizer), tokenizer.encode(&text['\u{feff}'.len_utf8()..]));
}

#[test]
fn one_stream_with_an_end_after_each_story() {
    let corpus = Corpus::parse(THREE).unwrap();
    let with_end = tokenizer(true);
    let ids = corpus.encode(&with_end);
    assert_eq!(
        with_end.decode(&ids),
        "One.\n\nStill one.<|endoftext|>Two.<|endoftext|>Three.<|endoftext|>"
    );
    assert_eq!(ids.iter().filter(|&&id| Some(id) == with_end.end_of_text_id()).count(), 3);
    let without = tokenizer(false);
    assert_eq!(without.end_of_text_id(), None);
    let ids = corpus.encode(&without);
    assert_eq!(without.decode(&ids), "One.\n\nStill one.\n\nTwo.\n\nThree.\n\n");
}

#[test]
fn the_last_tenth_is_held_out() {
    let corpus = Corpus::parse(STORIES.as_bytes()).unwrap();
    let (train, validation) = corpus.split(VALIDATION_SHARE).unwrap();
    assert_eq!((train.stories().len(), validation.stories().len()), (180, 20));
    assert_eq!(train.stories(), &corpus.stories()[..180]);
    assert_eq!(validation.stories(), &corpus.stories()[180..]);
    assert_eq!(format!("{}{}", train.text(), validation.text()), STORIES);
    assert!(validation.text().starts_with(validation.stories()[0]));

    let (all, none) = corpus.split(0.0).unwrap();
    assert_eq!((all.stories().len(), none.stories().len(), none.text()), (200, 0, ""));
    // However small the share, there is something to validate on.
    assert_eq!(corpus.split(0.001).unwrap().1.stories().len(), 1);
}

#[test]
fn blank_lines_split_without_loss() {
    let corpus = Corpus::parse(b"One.\n\nTwo.\n\nThree.\n\nFour.\n").unwrap();
    let (train, validation) = corpus.split(0.25).unwrap();
    assert_eq!((train.text(), validation.text()), ("One.\n\nTwo.\n\nThree.\n\n", "Four.\n"));
    let tokenizer = tokenizer(true);
    assert_eq!(validation.encode(&tokenizer), tokenizer.encode("Four.\n"));
}

#[test]
fn bad_corpora_are_explained() {
    let not_utf8 = Corpus::parse(b"Once\xFF upon").unwrap_err();
    assert_eq!(
        not_utf8.to_string(),
        "the corpus is not UTF-8: byte 4 cannot be read; save the file as UTF-8"
    );
    for empty in [&b""[..], b" \n\t\n", b"<|endoftext|>\n<|endoftext|>\n"] {
        let error = Corpus::parse(empty).unwrap_err();
        assert_eq!(error.to_string(), "the corpus is empty");
    }
    let one = Corpus::parse(b"Only one.").unwrap();
    assert_eq!(one.split(0.1).unwrap_err(), CorpusError::TooFew { stories: 1, share: 0.1 });
    for share in [1.0, -0.1, f64::NAN] {
        assert!(matches!(one.split(share), Err(CorpusError::Share(_))));
    }
}

#[test]
fn names_of_special_tokens_in_a_corpus_are_text() {
    let text = "A [MASK] and [PAD]([UNK].\n<|endoftext|>\n[MASK][MASK\n<|endoftext|>\n";
    let corpus = Corpus::parse(text.as_bytes()).expect("stories");
    assert_eq!(corpus.special_names(), [("[MASK]", 2), ("[PAD]", 1), ("[UNK]", 1)]);
    let tokenizer = tokenizer(true);
    let ids = corpus.encode(&tokenizer);
    let end = tokenizer.end_of_text_id().expect("it has one");
    assert!(ids.iter().all(|&id| id == end || !tokenizer.is_special(id)), "{ids:?}");
    let expected = "A [MASK] and [PAD]([UNK].<|endoftext|>[MASK][MASK<|endoftext|>";
    assert_eq!(tokenizer.decode(&ids), expected);
    // A text without names is encoded as ever, and a prompt's mask stays one.
    for plain in ["", "Tom ran.", "[MAS", "<|endoftext|", "é [mask]"] {
        assert_eq!(tokenizer.encode_plain(plain), tokenizer.encode(plain));
    }
    assert_eq!(tokenizer.encode("[MASK]"), [tokenizer.mask_id()]);
    assert_eq!(
        tokenizer.decode(&tokenizer.encode_plain("<|endoftext|>é[MASK]")),
        "<|endoftext|>é[MASK]"
    );
}
