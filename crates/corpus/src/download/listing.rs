//! Which parquet files a dataset has.
//!
//! The hub converts every dataset to parquet and lists the files by configuration and split
//! (`GET /api/datasets/{name}/parquet`). Where there is no such listing, the dataset's own files
//! are looked through (`GET /api/datasets/{name}/tree/main?recursive=true`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Selection;
use super::error::HubError;
use super::http::{Client, Refusal};

/// Splits of each configuration, with the addresses of their files.
type Listing = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// Most pages of a list of files, of about a thousand each.
const MAX_PAGES: usize = 1_000;

#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
}

/// Addresses of the parquet files of `selection`, in the hub's order.
pub(super) fn shards(
    client: &Client,
    endpoint: &str,
    selection: &Selection,
) -> Result<Vec<String>, HubError> {
    let dataset = &selection.dataset;
    if !is_name(dataset) {
        return Err(HubError::BadName(dataset.clone()));
    }
    let url = format!("{endpoint}/api/datasets/{dataset}/parquet");
    let shards = match client.json::<Listing>(&url) {
        Ok((listing, _)) if !listing.is_empty() => {
            let urls = choose(listing, selection)?;
            return Ok(urls.into_iter().map(|url| at(endpoint, url)).collect());
        }
        Err(refusal @ (Refusal::Status { status: 403, .. } | Refusal::Error(_))) => {
            return Err(refusal.into());
        }
        Ok(_) | Err(Refusal::Status { .. }) => tree(client, endpoint, selection)?,
    };
    if shards.is_empty() {
        return Err(HubError::NoShards {
            dataset: dataset.clone(),
            config: selection.config.clone(),
            split: selection.split.clone(),
        });
    }
    Ok(shards)
}

/// `owner/name`, of characters that need no escape.
fn is_name(dataset: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    dataset.split('/').count() == 2 && dataset.split('/').all(is_part)
}

/// The files of one configuration and split.
fn choose(mut listing: Listing, selection: &Selection) -> Result<Vec<String>, HubError> {
    let dataset = || selection.dataset.clone();
    let known: Vec<_> = listing.keys().cloned().collect();
    let config = match &selection.config {
        Some(config) => config.as_str(),
        None if known.len() == 1 => &known[0],
        None => "default",
    };
    let Some(mut splits) = listing.remove(config) else {
        return Err(HubError::NoConfig {
            dataset: dataset(),
            config: selection.config.clone(),
            known,
        });
    };
    // Of a very large dataset, the hub converts the first part alone.
    let partial = format!("partial-{}", selection.split);
    let known = splits.keys().cloned().collect();
    splits.remove(&selection.split).or_else(|| splits.remove(&partial)).ok_or_else(|| {
        HubError::NoSplit { dataset: dataset(), split: selection.split.clone(), known }
    })
}

/// A mirror lists the addresses of the hub that it mirrors: take the same path of the mirror.
fn at(endpoint: &str, url: String) -> String {
    let path = ["/api/datasets/", "/datasets/"].iter().find_map(|start| {
        let rest = url.split_once("://")?.1;
        rest.find(start).map(|at| rest[at..].to_owned())
    });
    path.map_or(url, |path| format!("{endpoint}{path}"))
}

/// The files of the selection among the dataset's own.
fn tree(client: &Client, endpoint: &str, selection: &Selection) -> Result<Vec<String>, HubError> {
    let dataset = &selection.dataset;
    let mut next = Some(format!("{endpoint}/api/datasets/{dataset}/tree/main?recursive=true"));
    let mut paths = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(url) = next {
        if !seen.insert(url.clone()) || seen.len() > MAX_PAGES {
            let reason = "its list of files does not end".to_owned();
            return Err(HubError::Protocol { url, reason });
        }
        let (entries, after) =
            client.json::<Vec<Entry>>(&url).map_err(|refusal| match refusal {
                Refusal::Status { status: 401 | 404, .. } => {
                    HubError::NoDataset { dataset: dataset.clone(), endpoint: endpoint.to_owned() }
                }
                other => other.into(),
            })?;
        paths.extend(entries.into_iter().map(|entry| entry.path));
        next = after.map(|url| at(endpoint, url));
    }
    let paths = of_selection(paths, selection);
    Ok(paths
        .iter()
        .map(|path| format!("{endpoint}/datasets/{dataset}/resolve/main/{}", escape(path)))
        .collect())
}

/// Sorts out the parquet files of the selection by their names, as the hub's libraries do:
/// `data/train-00000-of-00004.parquet`, `sample/10BT/000.parquet`; files that name no split are
/// all of the split `train`.
fn of_selection(paths: Vec<String>, selection: &Selection) -> Vec<String> {
    let words = |path: &str| {
        let name = path.strip_suffix(".parquet").unwrap_or(path);
        format!("-{}-", name.replace(['/', '_', '.'], "-"))
    };
    let names = |path: &str, word: &str| words(path).contains(&words(word));
    let mut found: Vec<_> = paths.into_iter().filter(|path| path.ends_with(".parquet")).collect();
    if let Some(config) = selection.config.as_ref().filter(|config| *config != "default") {
        found.retain(|path| names(path, config));
    }
    let splits = ["train", "test", "validation", "valid", "dev"];
    let told = found.iter().any(|path| splits.iter().any(|split| names(path, split)));
    if told || selection.split != "train" {
        found.retain(|path| names(path, &selection.split));
    }
    found.sort();
    found
}

/// Escapes what must not stand in a path of an address.
fn escape(path: &str) -> String {
    let escaped = path.bytes().map(|byte| match byte {
        b'/' | b'-' | b'_' | b'.' | b'~' | b'=' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(config: Option<&str>, split: &str) -> Selection {
        Selection {
            dataset: "a/b".to_owned(),
            config: config.map(str::to_owned),
            split: split.to_owned(),
            text_column: "text".to_owned(),
        }
    }

    #[test]
    fn files_are_told_by_their_names() {
        let paths = || {
            [
                "README.md",
                "data/train-00001-of-00002.parquet",
                "data/train-00000-of-00002.parquet",
                "data/validation-00000-of-00001.parquet",
            ]
            .map(str::to_owned)
            .to_vec()
        };
        assert_eq!(
            of_selection(paths(), &selection(None, "train")),
            ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]
        );
        assert_eq!(of_selection(paths(), &selection(Some("default"), "validation")).len(), 1);
        assert!(of_selection(paths(), &selection(Some("other"), "train")).is_empty());

        let paths = || {
            ["data/CC-1/000.parquet", "sample/10BT/000_1.parquet", "sample/100BT/0.parquet"]
                .map(str::to_owned)
                .to_vec()
        };
        assert_eq!(
            of_selection(paths(), &selection(Some("sample-10BT"), "train")),
            ["sample/10BT/000_1.parquet"]
        );
        assert!(of_selection(paths(), &selection(None, "test")).is_empty());
    }

    #[test]
    fn names_and_addresses() {
        assert!(is_name("roneneldan/TinyStories"));
        for wrong in ["TinyStories", "a/b/c", "a/..", "a/b?c", "", "a/"] {
            assert!(!is_name(wrong), "{wrong}");
        }
        let url = "https://huggingface.co/api/datasets/a/b/parquet/default/train/0.parquet";
        assert_eq!(
            at("http://mirror:1/hf", url.to_owned()),
            "http://mirror:1/hf/api/datasets/a/b/parquet/default/train/0.parquet"
        );
        assert_eq!(at("http://mirror:1", "http://cdn/x".to_owned()), "http://cdn/x");
        assert_eq!(escape("a b/ä=1.parquet"), "a%20b/%C3%A4=1.parquet");
    }
}
