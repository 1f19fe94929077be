//! Small text files from the page's own server.

use leptos::prelude::window;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, Url};

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The server does not answer, or the answer broke off.
    Unreachable,
    /// The server answered with this status.
    Refused(u16),
}

/// An address that is written relative to another; empty if it is none.
pub fn resolve(address: &str, base: &str) -> String {
    Url::new_with_base(address, base).map(|url| url.href()).unwrap_or_default()
}

/// Fetches a text file.
///
/// # Errors
/// When the server does not answer, or not with the file.
pub async fn text(address: &str) -> Result<String, Missing> {
    let unreachable = |_| Missing::Unreachable;
    let response = JsFuture::from(window().fetch_with_str(address)).await;
    let response: Response = response.and_then(JsCast::dyn_into).map_err(unreachable)?;
    if !response.ok() {
        return Err(Missing::Refused(response.status()));
    }
    let text = JsFuture::from(response.text().map_err(unreachable)?).await.map_err(unreachable)?;
    text.as_string().ok_or(Missing::Unreachable)
}
