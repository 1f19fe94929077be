//! A text in pieces is the same text.

use corpus::stories::{Boundaries, Corpus, CorpusError};
use corpus::text::{Pieces, Survey};
use corpus::tokenizer::{Tokenizer, TrainOptions};
use proptest::prelude::*;

const STORIES: &str = include_str!("../../../data/stories.txt");

fn tokenizer() -> Tokenizer {
    let options = TrainOptions { vocab_size: 400, ..TrainOptions::default() };
    Tokenizer::train(STORIES.lines(), &options, |_| ()).expect("a tokenizer")
}

fn pieces(text: &[u8], size: usize) -> Pieces<&[u8]> {
    Pieces::new(text, Survey::of(text).expect("memory").boundaries, size)
}

/// Stories of all pieces.
fn stories(text: &[u8], size: usize) -> Vec<String> {
    let (mut pieces, mut stories) = (pieces(text, size), vec![]);
    while let Some(piece) = pieces.next_piece().expect("memory") {
        let corpus = piece.corpus().expect("UTF-8");
        stories.extend(corpus.stories().iter().map(|&story| story.to_owned()));
    }
    stories
}

#[test]
fn one_look_tells_what_a_text_is() {
    let marked = Survey::of(STORIES.as_bytes()).expect("memory");
    assert_eq!((marked.boundaries, marked.bytes), (Boundaries::EndOfText, STORIES.len() as u64));
    assert_eq!(corpus::cache::hex(&marked.sha256), corpus::cache::sha256(STORIES.as_bytes()));
    let plain = Survey::of(&b"One.\n\nTwo."[..]).expect("memory");
    assert_eq!(plain.boundaries, Boundaries::BlankLines);
    // A mark that lies across the end of a block.
    for before in (1 << 20) - 14..(1 << 20) + 2 {
        let text = [vec![b'a'; before], b"<|endoftext|>".to_vec()].concat();
        let found = Survey::of(&text[..]).expect("memory");
        assert_eq!(found.boundaries, Boundaries::EndOfText, "behind {before} bytes");
    }
}

#[test]
fn both_parts_are_as_of_the_whole() {
    let tokenizer = tokenizer();
    let whole = Corpus::parse(STORIES.as_bytes()).expect("stories");
    let (train, validation) = whole.split(0.1).expect("two parts");
    let expected = [train.encode(&tokenizer), validation.encode(&tokenizer)];
    for size in [1, 1_000, 30_000, 1 << 20] {
        let mut pieces = pieces(STORIES.as_bytes(), size);
        let (mut left, mut ids) = (180, [vec![], vec![]]);
        while let Some(piece) = pieces.next_piece().expect("memory") {
            let parts = piece.split_at(left).expect("UTF-8");
            left -= parts[0].stories().len();
            ids.iter_mut().zip(parts).for_each(|(ids, part)| ids.extend(part.encode(&tokenizer)));
        }
        assert!(ids == expected, "pieces of {size}");
    }
}

#[test]
fn a_wrong_byte_is_counted_from_the_beginning() {
    let text = b"One.<|endoftext|>Two.<|endoftext|>Th\xffree.";
    let mut pieces = pieces(text, 20);
    assert!(pieces.next_piece().expect("memory").expect("a piece").corpus().is_ok());
    assert!(pieces.next_piece().expect("memory").expect("a piece").corpus().is_ok());
    let last = pieces.next_piece().expect("memory").expect("a piece");
    assert_eq!(last.corpus().expect_err("not UTF-8"), CorpusError::NotUtf8 { offset: 36 });
}

proptest! {
    #[test]
    fn stories_are_whole(
        parts in prop::collection::vec("[ab \\n\u{feff}]{0,12}", 1..12),
        marked in any::<bool>(),
        size in 1usize..40,
    ) {
        let text = parts.join(if marked { "<|endoftext|>" } else { "\n\n" });
        let expected: Vec<String> = match Corpus::parse(text.as_bytes()) {
            Ok(corpus) => corpus.stories().iter().map(|&story| story.to_owned()).collect(),
            Err(_) => vec![],
        };
        prop_assert_eq!(stories(text.as_bytes(), size), expected);
    }
}
