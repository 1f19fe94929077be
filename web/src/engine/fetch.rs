//! Downloads with progress, kept in the browser's cache.

use js_sys::{Function, Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Cache, CacheStorage, Headers, ReadableStreamDefaultReader, RequestCache, RequestInit, Response,
    ResponseInit,
};

use crate::protocol::{Fault, FaultKind};

/// Name of the cache. Entries are keyed by address.
const CACHE: &str = "cinnabar-models-1";

/// Progress of a download.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received<'a> {
    /// The bytes so far.
    pub(super) bytes: &'a [u8],
    pub(super) total: Option<u64>,
    pub(super) cached: bool,
}

/// Why a download was aborted.
enum Stopped {
    /// The connection failed.
    Broken,
    /// The progress callback returned an error.
    Refused(Fault),
}

impl From<JsValue> for Stopped {
    fn from(_: JsValue) -> Self {
        Self::Broken
    }
}

impl Stopped {
    fn of(self, url: &str) -> Fault {
        match self {
            Self::Broken => broken(url),
            Self::Refused(fault) => fault,
        }
    }
}

/// Downloads `url` through the cache. `progress` gets all bytes so far after each chunk, and can
/// abort the download. Bytes with another SHA-256 than `listed`, if there is one, are refused.
pub(super) async fn bytes(
    url: &str,
    listed: Option<&str>,
    mut progress: impl FnMut(Received<'_>) -> Result<(), Fault>,
) -> Result<Vec<u8>, Fault> {
    // Private windows may have no cache storage: then every visit downloads.
    let cache = open_cache().await;
    if let Some(cache) = &cache
        && let Some(response) = lookup(cache, url).await
        && is_current(url, &response).await
    {
        let read = read(&response, true, &mut progress).await;
        let (bytes, sum) = read.map_err(|stopped| stopped.of(url))?;
        if listed.is_none_or(|listed| sum.is(listed)) {
            return Ok(bytes);
        }
        log::warn!("{} is damaged in the cache: it is downloaded again", file_name(url));
    }
    let response = fetch(url, "GET").await?;
    let read = read(&response, false, &mut progress).await;
    let (bytes, sum) = read.map_err(|stopped| stopped.of(url))?;
    let length = header_length(&response);
    // With compression, the content length differs from the number of bytes.
    let compressed = response.headers().has("content-encoding").unwrap_or(false);
    if let Some(expected) = length.filter(|&n| !compressed && n != bytes.len() as u64) {
        return Err(Fault::new(
            FaultKind::Model,
            format!(
                "The download of {} broke off after {} of {expected} bytes. Try again.",
                file_name(url),
                bytes.len()
            ),
        ));
    }
    if !listed.is_none_or(|listed| sum.is(listed)) {
        return Err(another(file_name(url)));
    }
    if let Some(cache) = &cache {
        // A full disk is not fatal.
        if let Err(error) = keep(cache, url, &bytes, &response).await {
            log::warn!("{} is not kept in the cache: {error:?}", file_name(url));
        }
    }
    Ok(bytes)
}

/// Removes `url` from the cache, after it turned out to be damaged.
pub(super) async fn forget(url: &str) {
    if let Some(cache) = open_cache().await {
        // Fails only without cache storage.
        let _ = JsFuture::from(cache.delete_with_str(url)).await;
    }
}

async fn open_cache() -> Option<Cache> {
    let caches = Reflect::get(&js_sys::global(), &JsValue::from_str("caches")).ok()?;
    let caches: CacheStorage = caches.dyn_into().ok()?;
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}

async fn lookup(cache: &Cache, url: &str) -> Option<Response> {
    JsFuture::from(cache.match_with_str(url)).await.ok()?.dyn_into().ok()
}

/// Response headers that identify a version of a file, most reliable first.
const VERSION: [&str; 3] = ["etag", "last-modified", "content-length"];

/// Stores a file in the cache with its version headers.
async fn keep(cache: &Cache, url: &str, bytes: &[u8], response: &Response) -> Result<(), JsValue> {
    let headers = Headers::new()?;
    for name in VERSION {
        if let Some(value) = response.headers().get(name)? {
            headers.set(name, &value)?;
        }
    }
    let init = ResponseInit::new();
    init.set_headers(&headers);
    let bytes = Uint8Array::from(bytes);
    let kept = Response::new_with_opt_js_u8_array_and_init(Some(&bytes), &init)?;
    JsFuture::from(cache.put_with_str(url, &kept)).await.map(drop)
}

/// Whether the cached file is current. Offline, it counts as current.
async fn is_current(url: &str, kept: &Response) -> bool {
    let Ok(now) = fetch(url, "HEAD").await else { return true };
    let of = |response: &Response, name| response.headers().get(name).ok().flatten();
    let both = VERSION.iter().find_map(|name| Some((of(kept, name)?, of(&now, name)?)));
    both.is_none_or(|(kept, now)| kept == now)
}

async fn fetch(url: &str, method: &str) -> Result<Response, Fault> {
    let offline = || {
        Fault::new(
            FaultKind::Model,
            format!(
                "{} cannot be downloaded: the server does not answer, or there is no network. Try \
                 again.",
                file_name(url)
            ),
        )
    };
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &JsValue::from_str("fetch"))
        .and_then(JsCast::dyn_into)
        .map_err(|_| offline())?;
    let init = RequestInit::new();
    init.set_method(method);
    // Bypasses HTTP caches.
    init.set_cache(RequestCache::NoCache);
    let promise = fetch.call2(&global, &JsValue::from_str(url), &init).map_err(|_| offline())?;
    let response = JsFuture::from(js_sys::Promise::resolve(&promise)).await;
    let response: Response = response.and_then(JsCast::dyn_into).map_err(|_| offline())?;
    match response.status() {
        _ if response.ok() => Ok(response),
        status => Err(refused(file_name(url), status)),
    }
}

async fn read(
    response: &Response,
    cached: bool,
    progress: &mut dyn FnMut(Received<'_>) -> Result<(), Fault>,
) -> Result<(Vec<u8>, Sum), Stopped> {
    let total = header_length(response);
    let stream = response.body().ok_or(Stopped::Broken)?;
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::with_capacity(total.unwrap_or(0) as usize);
    let mut hash = Sha256::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await?;
        let value = Reflect::get(&chunk, &JsValue::from_str("value"))?;
        if value.is_undefined() {
            return Ok((bytes, Sum::of(hash)));
        }
        let value: Uint8Array = value.dyn_into()?;
        let start = bytes.len();
        bytes.resize(start + value.length() as usize, 0);
        value.copy_to(&mut bytes[start..]);
        hash.update(&bytes[start..]);
        progress(Received { bytes: &bytes, total, cached }).map_err(Stopped::Refused)?;
    }
}

fn header_length(response: &Response) -> Option<u64> {
    response.headers().get("content-length").ok()??.parse().ok()
}

/// The SHA-256 of a file, in hexadecimal digits.
struct Sum(String);

impl Sum {
    fn of(hash: Sha256) -> Self {
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn is(&self, listed: &str) -> bool {
        self.0.eq_ignore_ascii_case(listed)
    }
}

/// What it means that a file is not the one that the list names.
fn another(name: &str) -> Fault {
    Fault::new(
        FaultKind::Model,
        format!(
            "{name} on the server is not the file that the list of models names (its SHA-256 is \
             another): it was replaced or damaged. Reload the page, or choose another model."
        ),
    )
}

/// What an answer other than the file means.
fn refused(name: &str, status: u16) -> Fault {
    let sentence = match status {
        404 | 410 => format!(
            "The server has no {name} (it answered {status}). Choose another model, or open one \
             of your own."
        ),
        401 | 403 => format!(
            "The server does not give {name} to you (it answered {status}). Choose another model, \
             or open one of your own."
        ),
        _ => format!(
            "The server failed to send {name} (it answered {status}). Try again in a while."
        ),
    };
    Fault::new(FaultKind::Model, sentence)
}

fn broken(url: &str) -> Fault {
    let name = file_name(url);
    Fault::new(FaultKind::Model, format!("The download of {name} broke off. Try again."))
}

fn file_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_of_the_bytes() {
        let sum = Sum::of(Sha256::new().chain_update(b"a").chain_update(b"bc"));
        assert_eq!(sum.0, corpus::cache::sha256(b"abc"));
        assert!(sum.is(&sum.0.to_uppercase()));
        assert!(!sum.is(""));
    }

    #[test]
    fn answers_are_told_apart() {
        for (status, cause) in [(404, "has no"), (403, "does not give"), (503, "failed to send")] {
            let fault = refused("model.safetensors", status);
            assert!(fault.message.contains(cause), "{}", fault.message);
        }
    }
}
