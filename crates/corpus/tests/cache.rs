//! Files of token ids.

use corpus::cache::{CacheError, Ids, Key, Writer};
use corpus::text::Survey;
use proptest::prelude::*;

fn key() -> Key {
    Key { corpus: [1; 32], tokenizer: [2; 32] }
}

fn write(ids: &[u32], vocabulary: u32) -> Vec<u8> {
    let mut file = Writer::new(vec![], &key(), vocabulary).expect("memory");
    for part in ids.chunks(7) {
        file.push(part).expect("memory");
    }
    file.finish().expect("memory")
}

fn check(bytes: &[u8], key: &Key) -> Result<Ids, CacheError> {
    Ids::check(bytes, bytes.len() as u64, key)
}

fn part(bytes: &[u8], ids: Ids, range: std::ops::Range<usize>) -> Vec<u32> {
    let place = ids.bytes(range);
    ids.decode(&bytes[place.start as usize..place.end as usize])
}

#[test]
fn keys_tell_texts_parts_and_tokenizers_apart() {
    let survey = |text: &[u8]| Survey::of(text).expect("memory");
    let key = survey(b"Two.").cache_key("all", b"{}");
    assert_eq!(key, survey(b"Two.").cache_key("all", b"{}"));
    assert_ne!(key.corpus, survey(b"Two").cache_key("all", b"{}").corpus);
    assert_ne!(key.corpus, survey(b"Two.").cache_key("a half", b"{}").corpus);
    assert_ne!(key.tokenizer, survey(b"Two.").cache_key("all", b"{ }").tokenizer);
    assert_eq!(key.name().len(), 16);
    assert_ne!(key.name(), survey(b"Two").cache_key("all", b"{}").name());
}

#[test]
fn ids_of_small_vocabularies_take_two_bytes() {
    let sizes = [1 << 16, 1 << 17].map(|vocabulary| write(&[1, 65_535], vocabulary).len());
    assert_eq!(sizes[1] - sizes[0], 4);
}

#[test]
fn a_file_of_something_else_is_refused() {
    let key = key();
    let bytes = write(&[5, 6, 7], 10);
    assert_eq!(check(b"hello", &key), Err(CacheError::Foreign));
    assert_eq!(check(b"", &key), Err(CacheError::Foreign));
    let other = Key { corpus: [0; 32], ..key };
    assert_eq!(check(&bytes, &other), Err(CacheError::OtherCorpus));
    let other = Key { tokenizer: [0; 32], ..key };
    assert_eq!(check(&bytes, &other), Err(CacheError::OtherTokenizer));
    let mut newer = bytes.clone();
    newer[8] = 4;
    assert_eq!(
        check(&newer, &key).expect_err("of another version").to_string(),
        "the cached token ids have format 4, this program writes format 3; delete the file, and it will be created again"
    );
}

proptest! {
    #[test]
    fn any_part_comes_back(
        ids in prop::collection::vec(0u32..3000, 0..50),
        wide in any::<bool>(),
        start in 0usize..50,
        end in 0usize..50,
    ) {
        let bytes = write(&ids, if wide { u32::MAX } else { 3000 });
        let found = check(&bytes, &key());
        prop_assert!(found.is_ok());
        let found = found.expect("just seen");
        prop_assert_eq!(found.count(), ids.len());
        let start = start.min(ids.len());
        let end = end.clamp(start, ids.len());
        prop_assert_eq!(part(&bytes, found, start..end), &ids[start..end]);
    }

    #[test]
    fn no_changed_byte_goes_unseen(at in 0usize..118, bit in 0u8..8) {
        let mut bytes = write(&[5, 6, 7], 10);
        prop_assert_eq!(bytes.len(), 118);
        bytes[at] ^= 1 << bit;
        prop_assert!(check(&bytes, &key()).is_err());
    }

    #[test]
    fn no_cut_goes_unseen(length in 0usize..118) {
        prop_assert!(check(&write(&[5, 6, 7], 10)[..length], &key()).is_err());
    }
}
