//! The training in the browser's storage: one, whole or not at all.
//!
//! An IndexedDB database with one store of two entries, which one transaction writes: what is known of
//! the training, and its archive. A transaction that fails leaves what was there before.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomException, IdbDatabase, IdbFactory, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbTransactionMode,
};

use crate::protocol::{Fault, Kept};

const DATABASE: &str = "cinnabar-training";
const STORE: &str = "training";
/// Keys of the two entries.
const KNOWN: &str = "known";
const ARCHIVE: &str = "archive";

/// Writes a training in place of the one that was there. The error is a sentence.
pub(super) async fn put(kept: &Kept, archive: &[u8]) -> Result<(), String> {
    write(Some((kept, archive))).await.map_err(|error| refusal(&error))
}

/// Removes the training.
pub(super) async fn remove() -> Result<(), Fault> {
    write(None).await.map_err(|error| Fault::request(refusal(&error).trim_end_matches('.')))
}

/// What is known of the training that is there.
pub(super) async fn look() -> Option<Kept> {
    // Without storage there is none.
    let known = get(KNOWN).await.ok()?;
    serde_json::from_str(&known.as_string()?).ok()
}

/// The archive of the training that is there.
pub(super) async fn archive() -> Option<Vec<u8>> {
    let archive: Uint8Array = get(ARCHIVE).await.ok()?.dyn_into().ok()?;
    Some(archive.to_vec())
}

async fn write(training: Option<(&Kept, &[u8])>) -> Result<(), JsValue> {
    let database = open().await?;
    let transaction =
        database.transaction_with_str_and_mode(STORE, IdbTransactionMode::Readwrite)?;
    let store = transaction.object_store(STORE)?;
    match training {
        Some((kept, archive)) => {
            let known = serde_json::to_string(kept).expect("it has a JSON form");
            store.put_with_key(&known.into(), &KNOWN.into())?;
            store.put_with_key(&Uint8Array::from(archive), &ARCHIVE.into())?;
        }
        None => drop(store.clear()?),
    }
    let written = complete(&transaction).await;
    database.close();
    written
}

async fn get(key: &str) -> Result<JsValue, JsValue> {
    let database = open().await?;
    let store = database.transaction_with_str(STORE)?.object_store(STORE)?;
    let found = result(&store.get(&key.into())?).await;
    database.close();
    found
}

async fn open() -> Result<IdbDatabase, JsValue> {
    let factory: IdbFactory = Reflect::get(&js_sys::global(), &"indexedDB".into())?.dyn_into()?;
    let request: IdbOpenDbRequest = factory.open_with_u32(DATABASE, 1)?;
    let create = {
        let request = request.clone();
        Closure::once(move || -> Result<(), JsValue> {
            let database: IdbDatabase = request.result()?.dyn_into()?;
            database.create_object_store(STORE).map(drop)
        })
    };
    request.set_onupgradeneeded(Some(create.as_ref().unchecked_ref()));
    result(&request).await?.dyn_into()
}

/// What a request results in.
async fn result(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let done = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(done).await {
        Ok(_) => request.result(),
        Err(_) => Err(request.error()?.map_or(JsValue::NULL, Into::into)),
    }
}

/// Waits until a transaction has written all, or nothing.
async fn complete(transaction: &IdbTransaction) -> Result<(), JsValue> {
    let done = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match JsFuture::from(done).await {
        Ok(_) => Ok(()),
        Err(_) => Err(transaction.error().map_or(JsValue::NULL, Into::into)),
    }
}

/// Why nothing was written.
fn refusal(error: &JsValue) -> String {
    log::error!("the training is not stored: {error:?}");
    let full = error.dyn_ref::<DomException>().is_some_and(|e| e.name() == "QuotaExceededError");
    match full {
        true => {
            "The browser's storage for this page is full. The training goes on; download its \
             checkpoint before you close the tab, or remove models and other pages' data."
        }
        false => {
            "This browser does not store the training: a private window or a setting forbids it. \
             It goes on; download its checkpoint before you close the tab."
        }
    }
    .to_owned()
}
