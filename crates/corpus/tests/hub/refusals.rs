//! What cannot be read, and what is said about it.

use super::*;

#[test]
fn files_that_are_no_parquet_are_named() {
    let whole = parquet(&groups(0), zstd());
    let outside = {
        // The footer of one file behind too few bytes of data.
        let (data, footer) = whole.split_at(whole.len() - 2000);
        [&data[data.len() - 4000..], footer].concat()
    };
    for (file, reason) in [
        (whole[..whole.len() - 10].to_vec(), "it does not end in PAR1"),
        (b"<html>".to_vec(), "it has fewer than 8 bytes"),
        (b"<html><body>Hello</body></html>".to_vec(), "it does not end in PAR1"),
        (Vec::new(), "it is empty"),
        (b"12345678\xff\xff\x00\x00PAR1".to_vec(), "its footer is longer than the file"),
        (outside, "a row group lies outside of it"),
    ] {
        let setting = Setting::new();
        let paths = setting.server.put_dataset(DATASET, vec![file]);
        let url = format!("{}{}", setting.server.url(), paths[0]);
        assert_eq!(setting.error(), format!("{url} is truncated or not a parquet file: {reason}"));
    }
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![b"garbage garbage\x07\x00\x00\x00PAR1".to_vec()]);
    assert!(setting.error().contains("is truncated or not a parquet file: "));
}

#[test]
fn a_file_that_changes_is_not_mixed_up() {
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    assert_eq!(setting.read(IN_ORDER, 1).expect("texts").0.len(), 1);
    setting.server.put(&paths[0], Page::File(parquet(&groups(1), zstd())));
    let message = setting.error();
    assert!(message.contains("has changed on the hub; delete"), "{message}");
}

#[test]
fn a_wrong_column_gets_the_list_of_columns() {
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    let error = setting.read_selection(&selection(None, "story"), IN_ORDER, 1).expect_err("column");
    assert_eq!(
        error.to_string(),
        format!(
            "{}{} has no text column `story`; its text columns are: filler, text, title",
            setting.server.url(),
            paths[0]
        )
    );
}

#[test]
fn missing_things_are_named() {
    let setting = Setting::new();
    let url = setting.server.url();
    assert_eq!(
        setting.error(),
        format!(
            "there is no dataset `{DATASET}` at {url}, or it is private; check its name, or set \
             HF_TOKEN"
        )
    );
    let listing = format!("/api/datasets/{DATASET}/parquet");
    setting.server.put(&listing, Page::Status(403));
    assert!(setting.error().contains("accept the dataset's terms"), "{}", setting.error());

    let two = "{\"small\":{\"test\":[]},\"large\":{\"train\":[]}}";
    setting.server.put(&listing, Page::Json(two.to_owned()));
    assert_eq!(
        setting.error(),
        format!("the dataset `{DATASET}` has several configurations; choose one of: large, small")
    );
    let error = |config| {
        let read = setting.read_selection(&selection(Some(config), "text"), IN_ORDER, 1);
        read.expect_err("an error").to_string()
    };
    assert_eq!(
        error("tiny"),
        format!("the dataset `{DATASET}` has no configuration `tiny`; choose one of: large, small")
    );
    assert_eq!(
        error("small"),
        format!("the dataset `{DATASET}` has no split `train`; choose one of: test")
    );
    setting.server.put(&listing, Page::Json("[1]".to_owned()));
    assert!(setting.error().contains("not the JSON that a hub gives"), "{}", setting.error());

    let mut hub = setting.hub();
    hub.endpoint = "hub".to_owned();
    let error = hub.texts(&selection(None, "text"), IN_ORDER, Box::new(|_| {})).err();
    assert!(error.expect("an error").to_string().contains("is not the address of a hub"));
}

#[test]
fn a_server_without_ranges_is_refused() {
    let setting = Setting::new();
    let file = parquet(&groups(0), zstd());
    let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
    setting.server.put(&paths[0], Page::WholeFile(file));
    assert!(setting.error().contains("does not send parts of files"), "{}", setting.error());
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    let file = setting.home.path().join("file");
    std::fs::write(&file, "").expect("file");
    let mut hub = setting.hub();
    hub.cache = file;
    let mut texts =
        hub.texts(&selection(None, "text"), IN_ORDER, Box::new(|_| {})).expect("stream");
    let message = texts.next().expect("an item").expect_err("an error").to_string();
    assert!(message.contains("set HF_HOME to a writable folder"), "{message}");
    assert!(texts.next().is_none());
}
