//! A command with its files, as it is posted to the engine's worker.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::File;

use crate::protocol::Command;

/// A command and the files that travel with it.
#[derive(Clone, Debug)]
pub struct Message {
    /// What to do.
    pub command: Command,
    /// Dropped files.
    pub files: Vec<File>,
}

impl Message {
    /// The form for `postMessage`: `[json, file, file, ...]`.
    pub fn to_js(&self) -> JsValue {
        let json = serde_json::to_string(&self.command).expect("commands have a JSON form");
        let array = js_sys::Array::of1(&JsValue::from_str(&json));
        for file in &self.files {
            array.push(file);
        }
        array.into()
    }

    /// Reads that form; `None` if it is anything else.
    pub fn from_js(value: JsValue) -> Option<Self> {
        let array: js_sys::Array = value.dyn_into().ok()?;
        let command = serde_json::from_str(&array.get(0).as_string()?).ok()?;
        let files = array.iter().skip(1).filter_map(|file| file.dyn_into().ok()).collect();
        Some(Self { command, files })
    }
}
