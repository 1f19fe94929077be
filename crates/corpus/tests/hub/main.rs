//! Streams datasets from a hub on this machine, through every mishap of a network.

mod claims;
mod faults;
mod foreign;
#[path = "../hub_server/mod.rs"]
mod hub_server;
mod refusals;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use corpus::download::{Counts, Hub, HubError, Order, Retry, Selection, preset};
use hub_server::{Fault, Page, Server, parquet};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::reader::{FileReader, SerializedFileReader};
use tempfile::TempDir;

const DATASET: &str = "someone/stories";
const IN_ORDER: Order = Order { seed: 0, buffer: 0 };

struct Setting {
    server: Server,
    home: TempDir,
}

impl Setting {
    fn new() -> Self {
        Self { server: Server::start(), home: tempfile::tempdir().expect("folder") }
    }

    fn hub(&self) -> Hub {
        Hub {
            endpoint: self.server.url(),
            token: Some("hf_secret".to_owned()),
            cache: self.home.path().to_owned(),
            memory: Some(1 << 30),
            retry: Retry {
                attempts: 3,
                pause: Duration::from_millis(5),
                longest: Duration::from_secs(5),
            },
            on_silence: Arc::new(|_| {}),
        }
    }

    /// Reads up to `limit` texts.
    fn read(&self, order: Order, limit: usize) -> Result<(Vec<String>, Counts), HubError> {
        self.read_selection(&selection(None, "text"), order, limit)
    }

    fn read_selection(
        &self,
        selection: &Selection,
        order: Order,
        limit: usize,
    ) -> Result<(Vec<String>, Counts), HubError> {
        let mut texts = self.hub().texts(selection, order, Box::new(|_| {}))?;
        let read: Result<Vec<_>, _> = texts.by_ref().take(limit).collect();
        Ok((read?, texts.counts()))
    }

    fn error(&self) -> String {
        self.read(IN_ORDER, usize::MAX).expect_err("an error").to_string()
    }
}

fn selection(config: Option<&str>, text_column: &str) -> Selection {
    Selection {
        dataset: DATASET.to_owned(),
        config: config.map(str::to_owned),
        split: "train".to_owned(),
        text_column: text_column.to_owned(),
    }
}

fn story(file: usize, group: usize, row: usize) -> String {
    format!("Story {row} of group {group} of file {file}: {}", "and then ".repeat(row % 9))
}

/// Three row groups of 20, the third row null and the fourth empty in each.
fn groups(file: usize) -> Vec<Vec<Option<String>>> {
    let row = |group, row| match row {
        2 => None,
        3 => Some("  ".to_owned()),
        _ => Some(story(file, group, row)),
    };
    (0..3).map(|group| (0..20).map(|number| row(group, number)).collect()).collect()
}

fn texts(groups: Vec<Vec<Option<String>>>) -> Vec<String> {
    groups.into_iter().flatten().flatten().filter(|text| !text.trim().is_empty()).collect()
}

fn zstd() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

/// A group of one text that does not compress, of at least 150 KB.
fn large_group() -> Vec<Option<String>> {
    let mut state = 1u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + (state >> 24) as u8 % 90)
    };
    vec![Some((0..200_000).map(|_| letter()).collect())]
}

/// Where the text column of each row group of `file` lies.
fn text_chunks(file: &[u8]) -> Vec<Range<usize>> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).expect("parquet");
    let range = |group: &parquet::file::metadata::RowGroupMetaData| {
        let (start, length) = group.column(1).byte_range();
        start as usize..(start + length) as usize
    };
    reader.metadata().row_groups().iter().map(range).collect()
}

fn tail(file: &[u8]) -> Range<usize> {
    file.len() - (64 << 10)..file.len()
}

/// The ranges of the text columns that are not in the tail, which comes first.
fn needed(file: &[u8], groups: usize) -> Vec<Range<usize>> {
    let outside = |chunk: &Range<usize>| chunk.start < tail(file).start;
    let chunks = text_chunks(file).into_iter().take(groups).filter(outside);
    std::iter::once(tail(file)).chain(chunks).collect()
}

fn assert_nothing_twice(mut sent: Vec<Range<usize>>) {
    sent.sort_by_key(|range| range.start);
    for pair in sent.windows(2) {
        assert!(pair[0].end <= pair[1].start, "sent twice: {pair:?}");
    }
}

#[test]
fn all_texts_come_and_only_their_column_is_fetched() {
    let setting = Setting::new();
    let files = vec![parquet(&groups(0), zstd()), parquet(&groups(1), Compression::SNAPPY)];
    let paths = setting.server.put_dataset(DATASET, files.clone());
    let (read, counts) = setting.read(IN_ORDER, usize::MAX).expect("texts");
    assert_eq!(read, [texts(groups(0)), texts(groups(1))].concat());

    let mut bytes = 0;
    for (path, file) in paths.iter().zip(&files) {
        let sent = setting.server.sent(path);
        assert_eq!(sent, needed(file, 3));
        assert!(sent.len() > 2, "some text must lie outside of the tail");
        bytes += sent.iter().map(|range| range.len() as u64).sum::<u64>();
    }
    assert_eq!(counts, Counts { files: 2, rows: 120, empty: 12, not_text: 0, bytes });
}

#[test]
fn it_stops_when_it_has_enough() {
    let setting = Setting::new();
    let files = vec![parquet(&groups(0), zstd()), parquet(&groups(1), zstd())];
    let paths = setting.server.put_dataset(DATASET, files.clone());
    let (read, counts) = setting.read(IN_ORDER, 4).expect("texts");
    assert_eq!(read, texts(groups(0))[..4]);
    assert_eq!((counts.files, counts.rows, counts.empty), (1, 6, 2));
    assert_eq!(setting.server.sent(&paths[0]), needed(&files[0], 1));
    assert!(setting.server.sent(&paths[1]).is_empty());
}

#[test]
fn the_order_is_of_the_seed() {
    let setting = Setting::new();
    let files = vec![parquet(&groups(0), zstd()), parquet(&groups(1), zstd())];
    setting.server.put_dataset(DATASET, files);
    let read = |seed| setting.read(Order { seed, buffer: 16 }, usize::MAX).expect("texts").0;
    let mut first = read(1);
    assert_eq!(first, read(1));
    assert_ne!(first, read(2));
    let mut all = [texts(groups(0)), texts(groups(1))].concat();
    assert_ne!(first, all);
    first.sort();
    all.sort();
    assert_eq!(first, all);
}

#[test]
fn a_dropped_connection_goes_on_where_it_stopped() {
    let setting = Setting::new();
    let file = parquet(&[large_group(), groups(0).remove(0)], zstd());
    let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
    // In the footer's request, and twice in the large column's.
    setting.server.fault(&paths[0], Fault::CloseAfter(1000));
    setting.server.fault(&paths[0], Fault::CloseAfter(0));
    setting.server.fault(&paths[0], Fault::CloseAfter(64 << 10));
    setting.server.fault(&paths[0], Fault::CloseAfter(70_000));
    setting.server.fault(&paths[0], Fault::CloseAfter(50_000));
    let (read, counts) = setting.read(IN_ORDER, 1).expect("texts");
    assert_eq!(read, texts(vec![large_group()]));
    let chunk = &text_chunks(&file)[0];
    let footer = tail(&file);
    let sent = setting.server.sent(&paths[0]);
    assert_eq!(
        sent,
        [
            footer.start..footer.start + 1000,
            footer.start + 1000..footer.start + 1000,
            footer.start + 1000..footer.end,
            chunk.start..chunk.start + 70_000,
            chunk.start + 70_000..chunk.start + 120_000,
            chunk.start + 120_000..chunk.end,
        ]
    );
    assert_eq!(counts.bytes, (footer.len() + chunk.len()) as u64);
}

#[test]
fn a_broken_run_resumes_and_fetches_nothing_twice() {
    let setting = Setting::new();
    let file = parquet(&[large_group(), groups(0).remove(0), groups(0).remove(1)], zstd());
    let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
    setting.server.fault(&paths[0], Fault::CloseAfter(usize::MAX));
    setting.server.fault(&paths[0], Fault::CloseAfter(60_000));
    for _ in 0..2 {
        setting.server.fault(&paths[0], Fault::Status(503, ""));
    }
    let message = setting.error();
    assert!(message.contains("after 3 attempts (status 503"), "{message}");
    assert_eq!(setting.server.sent(&paths[0]).len(), 2);

    let (read, counts) = setting.read(IN_ORDER, usize::MAX).expect("texts");
    assert_eq!(read.len(), 1 + 2 * 18);
    let sent = setting.server.sent(&paths[0]);
    let bytes: usize = needed(&file, 3).iter().map(Range::len).sum();
    assert_eq!(sent.iter().map(Range::len).sum::<usize>(), bytes);
    assert_eq!(counts.bytes, (bytes - tail(&file).len() - 60_000) as u64);
    assert_nothing_twice(sent);

    let before = setting.server.seen().len();
    let (again, counts) = setting.read(IN_ORDER, usize::MAX).expect("texts");
    assert_eq!(again, read);
    assert_eq!(counts.bytes, 0);
    assert_eq!(setting.server.seen().len(), before + 1, "the listing alone is asked for again");
}

#[test]
fn a_server_that_asks_to_wait_is_heeded() {
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    let listing = format!("/api/datasets/{DATASET}/parquet");
    setting.server.fault(&listing, Fault::Status(429, "Retry-After: 1"));
    setting.server.fault(&paths[0], Fault::Status(429, "Retry-After: 1"));
    setting.server.fault(&paths[0], Fault::Status(500, ""));
    let start = Instant::now();
    assert_eq!(setting.read(IN_ORDER, usize::MAX).expect("texts").0, texts(groups(0)));
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[test]
fn the_token_stays_with_the_hub() {
    let (setting, storage) = (Setting::new(), Server::start());
    let paths = setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    storage.put("/blob?signature=1", Page::File(parquet(&groups(0), zstd())));
    setting.server.put(&paths[0], Page::Redirect("/resolved".to_owned()));
    let target = format!("{}/blob?signature=1", storage.url());
    setting.server.put("/resolved", Page::Redirect(target));
    assert_eq!(setting.read(IN_ORDER, usize::MAX).expect("texts").0, texts(groups(0)));
    let at_hub = setting.server.seen();
    assert!(at_hub.iter().any(|seen| seen.path == "/resolved"));
    assert!(at_hub.iter().all(|seen| seen.authorization.as_deref() == Some("Bearer hf_secret")));
    let at_storage = storage.seen();
    assert!(!at_storage.is_empty());
    assert!(at_storage.iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn without_a_listing_the_files_of_the_dataset_are_looked_through() {
    let setting = Setting::new();
    let tree = format!("/api/datasets/{DATASET}/tree/main?recursive=true");
    let second = format!("{tree}&cursor=2");
    setting
        .server
        .put(&tree, Page::Json("[{\"type\":\"file\",\"path\":\"README.md\"}]".to_owned()));
    assert_eq!(
        setting.error(),
        format!("the dataset `{DATASET}` has no parquet files for the split `train`")
    );
    let files = "[{\"path\":\"data/test-0.parquet\"},{\"path\":\"data/train-0.parquet\"}]";
    setting.server.put(&second, Page::Json(files.to_owned()));
    setting.server.put(&tree, Page::Redirect(second));
    let path = format!("/datasets/{DATASET}/resolve/main/data/train-0.parquet");
    setting.server.put(&path, Page::File(parquet(&groups(0), zstd())));
    assert_eq!(setting.read(IN_ORDER, usize::MAX).expect("texts").0, texts(groups(0)));
}

#[test]
fn a_text_may_be_made_of_several_columns() {
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    let of = |text| setting.read_selection(&selection(None, text), IN_ORDER, usize::MAX);
    let (read, counts) = of("{title}: {text}.").expect("texts");
    let (titles, _) = of("title").expect("titles");
    let all: Vec<_> = groups(0).into_iter().flatten().collect();
    let expected = titles.iter().zip(all).filter_map(|(title, text)| {
        let text = text.filter(|text| !text.trim().is_empty())?;
        Some(format!("{title}: {text}."))
    });
    assert_eq!(read, expected.collect::<Vec<_>>());
    assert_eq!((counts.rows, counts.empty), (60, 6));
    let error = of("{title").expect_err("no template").to_string();
    assert!(error.starts_with("`{title` is neither the name of a column nor a text"), "{error}");
    let error = of("{title} {body}").expect_err("no such column").to_string();
    assert!(error.contains("has no text column `body`"), "{error}");
}

#[test]
fn presets_name_their_text_columns() {
    let of = |dataset| preset(dataset).map(|preset| (preset.config, preset.text_column));
    assert_eq!(of("roneneldan/tinystories"), Some((None, "text")));
    assert_eq!(of("HuggingFaceFW/fineweb-edu"), Some((Some("sample-10BT"), "text")));
    assert_eq!(of("PleIAs/SYNTH"), Some((None, "Question: {query}\n\nAnswer: {synthetic_answer}")));
    assert_eq!(of(DATASET), None);
}
