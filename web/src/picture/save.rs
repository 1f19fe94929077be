//! Downloads.

use gloo_timers::callback::Timeout;
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Offers a file for download.
pub fn save_blob(blob: &Blob, name: &str) {
    let offer = || -> Result<(), JsValue> {
        let address = Url::create_object_url_with_blob(blob)?;
        let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
        link.set_href(&address);
        link.set_download(name);
        link.click();
        // Long enough for the download to have started.
        Timeout::new(60_000, move || drop(Url::revoke_object_url(&address))).forget();
        Ok(())
    };
    if let Err(error) = offer() {
        log::error!("{name} could not be saved: {error:?}");
    }
}

/// Offers a text as a file.
pub fn save_text(text: &str, kind: &str, name: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    match Blob::new_with_str_sequence_and_options(&parts, &options) {
        Ok(blob) => save_blob(&blob, name),
        Err(error) => log::error!("{name} could not be made: {error:?}"),
    }
}
