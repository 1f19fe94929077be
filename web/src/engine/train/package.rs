//! A training as files: a run's folder, from which the program resumes, in a ZIP archive.

use js_sys::{Array, Function, Reflect, Uint8Array};
use run::Saved;
use run::checkpoint::{self, FOLDER, FileError, RUN, RUN_VERSION, STATE};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableWritablePair, Response};

use super::corpus::Corpus;
use super::zip;
use crate::protocol::Fault;

/// The corpus in a run's folder.
const CORPUS: &str = "stories.txt";

/// Packs the folder `name` of a run with one checkpoint and its corpus.
pub(super) fn zip(name: &str, saved: &Saved, corpus: &Corpus) -> Result<Vec<u8>, Fault> {
    let step = checkpoint::folder(saved.progress.state.step);
    let run = json!({
        "version": RUN_VERSION,
        "corpus": { "path": CORPUS, "sha256": corpus.sha256() },
    });
    let mut files = vec![
        (format!("{name}/{RUN}"), run.to_string().into_bytes()),
        (format!("{name}/{CORPUS}"), corpus.bytes.clone()),
    ];
    let stored = saved.store(|file, bytes| {
        files.push((format!("{name}/{FOLDER}/{step}/{file}"), bytes.to_vec()));
        Ok::<(), FileError>(())
    });
    stored.map_err(|error| Fault::request(&error))?;
    Ok(zip::pack(&files))
}

/// Replaces archives among files by what is in them.
pub(super) async fn expand(files: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut all = Vec::new();
    for (name, bytes) in files {
        if !name.to_lowercase().ends_with(".zip") {
            all.push((name, bytes));
            continue;
        }
        let damaged = || {
            let sentence =
                format!("the file {name} is damaged, or no .zip that this page can read");
            Fault::request(&sentence)
        };
        for entry in zip::entries(&bytes).ok_or_else(damaged)? {
            let file = match entry.deflated {
                true => inflate(entry.stored).await.map_err(|_| damaged())?,
                false => entry.stored.to_vec(),
            };
            if zip::crc32(&file) != entry.crc {
                return Err(damaged());
            }
            all.push((entry.name.to_owned(), file));
        }
    }
    Ok(all)
}

async fn inflate(bytes: &[u8]) -> Result<Vec<u8>, JsValue> {
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
    // web-sys does not have it yet.
    let class = Reflect::get(&js_sys::global(), &"DecompressionStream".into())?;
    let class: Function = class.dyn_into()?;
    let stream = Reflect::construct(&class, &Array::of1(&"deflate-raw".into()))?;
    let pair: ReadableWritablePair = stream.unchecked_into();
    let body = blob.stream().pipe_through(&pair);
    let response = Response::new_with_opt_readable_stream(Some(&body))?;
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The newest checkpoint among files, and the corpus if there is one.
pub(super) fn find(files: &[(String, Vec<u8>)]) -> Result<(Saved, Option<&[u8]>), Fault> {
    let folders = files.iter().filter_map(|(path, _)| path.strip_suffix(STATE));
    let mut folders: Vec<_> =
        folders.filter(|folder| folder.is_empty() || folder.ends_with('/')).collect();
    folders.sort_unstable();
    let Some(folder) = folders.last() else {
        return Err(Fault::request(
            "there is no checkpoint among the files; drop the folder of one, with state.json in it, or its .zip",
        ));
    };
    if folders.iter().filter(|other| *other == folder).count() > 1 {
        return Err(Fault::request(
            "there is more than one checkpoint among the files; drop the folder of one of them",
        ));
    }
    let read = |name: &'static str| {
        let path = format!("{folder}{name}");
        let found = files.iter().find(|(known, _)| *known == path);
        let missing = || FileError {
            file: name,
            reason: "it is missing; drop the whole folder of the checkpoint".to_owned(),
        };
        found.map(|(_, bytes)| bytes.clone()).ok_or_else(missing)
    };
    let damaged = |error: FileError| format!("the checkpoint cannot be continued: {error}");
    let saved = Saved::load(read).map_err(|error| Fault::request(&damaged(error)))?;
    let mut texts = files.iter().filter(|(path, _)| path.to_lowercase().ends_with(".txt"));
    let corpus = match (texts.next(), texts.next()) {
        (Some((_, bytes)), None) => Some(bytes.as_slice()),
        (None, _) => None,
        (Some(_), Some(_)) => {
            return Err(Fault::request(
                "there is more than one text among the files; drop the one that the run began with",
            ));
        }
    };
    Ok((saved, corpus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let files = |names: &[&str]| {
            names.iter().map(|&name| (name.to_owned(), b"{}".to_vec())).collect::<Vec<_>>()
        };
        for (names, part) in [
            (&["model.safetensors"][..], "There is no checkpoint among the files"),
            (&["state.json", "state.json"], "There is more than one checkpoint"),
            (
                &["run/checkpoints/step-000001/state.json"],
                "continued: state.json: the file is damaged",
            ),
        ] {
            let Fault { message, .. } = find(&files(names)).map(drop).expect_err("no checkpoint");
            assert!(message.contains(part), "{message}");
        }
    }
}
