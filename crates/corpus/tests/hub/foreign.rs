//! Parquet files as other programs write them, sound and otherwise.

use super::*;
use parquet::basic::{BrotliLevel, GzipLevel};

#[test]
fn every_codec_is_read() {
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        zstd(),
    ] {
        let setting = Setting::new();
        setting.server.put_dataset(DATASET, vec![parquet(&groups(0), codec)]);
        let (read, _) = setting.read(IN_ORDER, usize::MAX).expect("texts");
        assert_eq!(read, texts(groups(0)), "{codec:?}");
    }
}

/// A file in which the letters `~~~~` of one row are no UTF-8.
fn one_bad_row() -> Vec<u8> {
    let mut rows = groups(0);
    rows[1][7] = Some("bad ~~~~ row".to_owned());
    let mut file = parquet(&rows, Compression::UNCOMPRESSED);
    let chunk = text_chunks(&file)[1].clone();
    let at = chunk.start + file[chunk].windows(4).position(|at| at == b"~~~~").expect("the row");
    file[at..at + 4].copy_from_slice(b"\xff\xfe\xc0\x80");
    file
}

#[test]
fn a_row_that_is_no_text_is_counted_and_left_out() {
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![one_bad_row()]);
    let (read, counts) = setting.read(IN_ORDER, usize::MAX).expect("texts");
    let mut expected = groups(0);
    expected[1][7] = None;
    assert_eq!(read, texts(expected));
    assert_eq!((counts.rows, counts.empty, counts.not_text), (60, 6, 1));
}

#[test]
fn what_is_damaged_on_the_hub_is_said_to_be() {
    let setting = Setting::new();
    let mut file = parquet(&groups(0), zstd());
    let chunk = text_chunks(&file)[0].clone();
    file[chunk].fill(0xAA);
    setting.server.put_dataset(DATASET, vec![file]);
    for _ in 0..2 {
        let message = setting.error();
        assert!(message.contains("are damaged on the hub ("), "{message}");
    }
}

#[test]
fn what_is_damaged_in_the_cache_is_fetched_again() {
    let setting = Setting::new();
    let file = parquet(&groups(0), zstd());
    setting.server.put_dataset(DATASET, vec![file]);
    setting.read(IN_ORDER, usize::MAX).expect("texts");
    let mut damaged = 0;
    let folders = std::fs::read_dir(setting.home.path()).expect("cache");
    for folder in folders.map(|entry| entry.expect("entry").path()) {
        for part in std::fs::read_dir(folder).expect("folder") {
            let path = part.expect("entry").path();
            if path.extension().is_some_and(|end| end == "part") {
                let length = std::fs::metadata(&path).expect("part").len();
                std::fs::write(&path, vec![0; length as usize]).expect("part");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 1);
    let (read, counts) = setting.read(IN_ORDER, usize::MAX).expect("texts");
    assert_eq!(read, texts(groups(0)));
    assert!(counts.bytes > 0);
    assert_eq!(setting.read(IN_ORDER, usize::MAX).expect("texts").1.bytes, 0);
}

#[test]
fn an_encrypted_file_is_named() {
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![b"12345678\x01\x00\x00\x00PARE".to_vec()]);
    let url = format!("{}{}", setting.server.url(), paths[0]);
    assert_eq!(
        setting.error(),
        format!(
            "{url} uses an encrypted footer, which this program does not read; choose another dataset"
        )
    );
}

/// Any bytes in place of a file's, in the column and in the footer: texts or one sentence.
#[test]
fn broken_files_are_one_sentence() {
    let mut state = 7u64;
    let mut below = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let small = vec![groups(0)[0][..8].to_vec(), groups(0)[1][..8].to_vec()];
    let codecs = [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd(), Compression::LZ4];
    let mut refused = 0;
    for round in 0..200 {
        let mut file = parquet(&small, codecs[round % codecs.len()]);
        let chunk = text_chunks(&file)[0].clone();
        let place = if round % 2 == 0 { chunk } else { file.len() - 700..file.len() };
        for _ in 0..=below(3) {
            let at = place.start + below(place.len());
            file[at] = below(256) as u8;
        }
        let setting = Setting::new();
        setting.server.put_dataset(DATASET, vec![file]);
        if let Err(error) = setting.read(IN_ORDER, 1_000) {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
}
