//! A hub that keeps silent, lies about lengths, or is not there.

use super::*;
use std::sync::Mutex;

#[test]
fn a_hub_that_is_not_there_is_named() {
    let setting = Setting::new();
    let mut hub = setting.hub();
    // Port 1 is nobody's.
    hub.endpoint = "http://127.0.0.1:1".to_owned();
    let error = hub.texts(&selection(None, "text"), IN_ORDER, Box::new(|_| {})).err();
    let message = error.expect("an error").to_string();
    let start = "the hub http://127.0.0.1:1 cannot be reached (";
    assert!(message.starts_with(start), "{message}");
    assert!(message.ends_with("); check the network, and HF_ENDPOINT if it is set"), "{message}");
    assert!(!message.contains("io:"), "{message}");
}

#[test]
fn silence_is_told_while_it_lasts() {
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    setting.server.fault(&paths[0], Fault::Silence(Duration::from_millis(5_500)));
    let told = Arc::new(Mutex::new(Vec::new()));
    let its = Arc::clone(&told);
    let begun = Instant::now();
    let mut hub = setting.hub();
    hub.on_silence = Arc::new(move |said: &str| {
        its.lock().expect("no panic").push((begun.elapsed(), said.to_owned()));
    });
    let texts = hub.texts(&selection(None, "text"), IN_ORDER, Box::new(|_| {})).expect("stream");
    assert_eq!(texts.count(), 54);
    let told = told.lock().expect("no panic");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 < Duration::from_secs(5), "{told:?}");
    assert!(told[0].1.contains(&paths[0]), "{told:?}");
}

#[test]
fn lies_about_lengths_cost_nothing_but_time() {
    let file = parquet(&[large_group(), groups(0).remove(0)], zstd());
    for fault in [Fault::Longer(1_000), Fault::Surplus(1_000), Fault::Longer(1), Fault::Surplus(1)]
    {
        let setting = Setting::new();
        let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
        // In the footer's request, and in the column's.
        setting.server.fault(&paths[0], fault.clone());
        setting.server.fault(&paths[0], fault);
        let (read, _) = setting.read(IN_ORDER, 2).expect("texts");
        assert_eq!(read[0], texts(vec![large_group()])[0]);
    }
}

#[test]
fn parts_that_were_not_asked_for_are_refused() {
    let file = parquet(&groups(0), zstd());
    for (range, reason) in [
        (
            "bytes 0-99/1000000",
            "asked for the last 65536 bytes, the server sends 0..100 of 1000000",
        ),
        ("bytes 0-999999/1000000", "asked for the last 65536 bytes"),
        ("bytes 1000-1/1000000", "the server does not say which part of the file it sends"),
        ("bytes 0-9/*", "the server does not say which part of the file it sends"),
    ] {
        let setting = Setting::new();
        let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
        setting.server.fault(&paths[0], Fault::Range(range));
        let message = setting.error();
        assert!(message.contains(reason), "{message}");
    }
    // A file that is said to be far larger than it is changes with the next request.
    let setting = Setting::new();
    let paths = setting.server.put_dataset(DATASET, vec![file]);
    setting.server.fault(&paths[0], Fault::Range("bytes 4294967200-4294967295/4294967296"));
    let message = setting.error();
    assert!(message.contains("has changed on the hub"), "{message}");
}

#[test]
fn a_listing_that_breaks_off_or_does_not_end_is_given_up() {
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![parquet(&groups(0), zstd())]);
    let listing = format!("/api/datasets/{DATASET}/parquet");
    for _ in 0..3 {
        setting.server.fault(&listing, Fault::CloseAfter(10));
    }
    let message = setting.error();
    assert!(message.contains("failed after 3 attempts"), "{message}");

    let setting = Setting::new();
    let tree = format!("/api/datasets/{DATASET}/tree/main?recursive=true");
    setting.server.put(&tree, Page::Linked("[]".to_owned(), tree.clone()));
    let message = setting.error();
    assert!(message.ends_with("its list of files does not end"), "{message}");
}

/// Every bit that a flaky line turns over is noticed, or leads to other texts of the same number:
/// nothing panics, and nothing is said in more than a sentence.
#[test]
fn a_bit_turned_over_on_the_way() {
    let file = parquet(&[groups(0)[0][..8].to_vec()], zstd());
    let tail = file.len().min(64 << 10);
    for round in 0..60 {
        let setting = Setting::new();
        let paths = setting.server.put_dataset(DATASET, vec![file.clone()]);
        setting.server.fault(&paths[0], Fault::Flip(tail * 8 - 1 - round * 97));
        if let Err(error) = setting.read(IN_ORDER, 100) {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }
}
