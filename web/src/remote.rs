//! Small text files from the page's own server.

use leptos::prelude::window;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Fetches a text file.
pub async fn text(address: &str) -> Result<String, ()> {
    let response = JsFuture::from(window().fetch_with_str(address)).await;
    let response: Response = response.and_then(JsCast::dyn_into).map_err(drop)?;
    if !response.ok() {
        return Err(());
    }
    let text = JsFuture::from(response.text().map_err(drop)?).await.map_err(drop)?;
    text.as_string().ok_or(())
}
