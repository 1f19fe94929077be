//! Dropping a model on the page, or choosing its files.

use std::rc::Rc;

use js_sys::Promise;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, DragEvent, File, FileList, FileSystemDirectoryEntry, FileSystemEntry};

use super::reader::DocumentLink;
use crate::state::App;

/// Address of the source, which whoever builds the page may name.
const SOURCE: Option<&str> = option_env!("CINNABAR_SOURCE");

/// Drop target around the whole page.
#[component]
pub(super) fn DropZone(children: Children) -> impl IntoView {
    let app = App::get();
    let over = RwSignal::new(false);
    // Both events must be accepted for a drop to be allowed.
    let on_drag = move |event: DragEvent| {
        if with_files(&event).is_some() {
            event.prevent_default();
            over.set(true);
        }
    };
    let on_drop = move |event: DragEvent| {
        let Some(data) = with_files(&event) else { return };
        event.prevent_default();
        over.set(false);
        spawn_local(async move {
            let (name, files) = dropped(data).await;
            app.open_files(name, &files);
        });
    };
    view! {
        <div
            class="zone"
            class:over=over
            on:dragenter=on_drag
            on:dragover=on_drag
            on:dragleave=move |event: DragEvent| {
                if event.related_target().is_none() {
                    over.set(false);
                }
            }
            on:drop=on_drop
        >
            {children()}
            <ChooseFiles />
            <Show when=move || over.get()>
                <div class="veil" aria-hidden="true">
                    <p>{move || if app.training.open.get() {
                        "Drop texts to learn from, or a checkpoint to go on with"
                    } else {
                        "Drop a model (its folder, or model.safetensors with tokenizer.json) or a trace"
                    }}</p>
                </div>
            </Show>
        </div>
    }
}

/// A file dialog, for people who do not drag.
#[component]
fn ChooseFiles() -> impl IntoView {
    let app = App::get();
    view! {
        <footer class="foot">
            <label class="choose">
                <span>"Open a model of your own (model.safetensors with tokenizer.json), a saved trace, or a saved training (.zip)"</span>
                <input
                    id="model-files"
                    type="file"
                    multiple=true
                    accept=".safetensors,.json,.zip,.txt"
                    on:change=move |event| {
                        let input: web_sys::HtmlInputElement = event_target(&event);
                        let files = listed(input.files());
                        if !files.is_empty() {
                            app.open_files("a model of your own".into(), &files);
                        }
                        // Otherwise choosing the same files again fires no event.
                        input.set_value("");
                    }
                />
            </label>
            <p class="note">
                "Nothing that you write leaves this tab. Free software: "
                <DocumentLink file="LICENSE-MIT".to_owned() text="MIT" /> " or "
                <DocumentLink file="LICENSE-APACHE".to_owned() text="Apache-2.0" />
                ". "
                {SOURCE.map(|source| view! {
                    <a href=source rel="noreferrer noopener">"Source code"</a>
                })}
            </p>
        </footer>
    }
}

/// The dragged data if it contains files; dragged text keeps its default behavior.
fn with_files(event: &DragEvent) -> Option<DataTransfer> {
    event.data_transfer().filter(|data| data.types().iter().any(|kind| kind == "Files"))
}

/// The files of a drop, those of dropped folders included, and a name for them.
async fn dropped(data: DataTransfer) -> (String, Vec<File>) {
    // The list becomes invalid at the first await.
    let items = data.items();
    let (mut files, mut folders) = (vec![], vec![]);
    for item in (0..items.length()).filter_map(|i| items.get(i)) {
        let entry = item.webkit_get_as_entry().ok().flatten();
        match entry.filter(FileSystemEntry::is_directory) {
            Some(folder) => folders.push(folder),
            None => files.extend(item.get_as_file().ok().flatten()),
        }
    }
    let name = folders.first().map_or_else(|| "a model of your own".into(), FileSystemEntry::name);
    for folder in folders {
        files.extend(of_folder(folder.unchecked_into()).await.unwrap_or_default());
    }
    (name, files)
}

pub(super) fn listed(files: Option<FileList>) -> Vec<File> {
    files.map_or(vec![], |files| (0..files.length()).filter_map(|i| files.get(i)).collect())
}

/// The files directly in a folder.
async fn of_folder(folder: FileSystemDirectoryEntry) -> Result<Vec<File>, JsValue> {
    let reader = folder.create_reader();
    let mut files = Vec::new();
    loop {
        // Folders are read in batches; an empty one is the last.
        let batch = JsFuture::from(Promise::new(&mut |resolve, reject| {
            // Fails only if the folder has been deleted; the promise then never resolves.
            let _ = reader.read_entries_with_callback_and_callback(&resolve, &reject);
        }))
        .await?;
        let batch: js_sys::Array = batch.dyn_into()?;
        if batch.length() == 0 {
            return Ok(files);
        }
        for entry in batch.iter() {
            let entry: FileSystemEntry = entry.unchecked_into();
            if !entry.is_file() {
                continue;
            }
            let entry: Rc<web_sys::FileSystemFileEntry> = Rc::new(entry.unchecked_into());
            let file = JsFuture::from(Promise::new(&mut |resolve, reject| {
                entry.file_with_callback_and_callback(&resolve, &reject);
            }))
            .await?;
            files.push(file.unchecked_into());
        }
    }
}
