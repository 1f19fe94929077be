//! A hub in this process whose files are broken.

#[path = "../../crates/corpus/tests/hub_server/mod.rs"]
#[allow(dead_code, reason = "the tests of the corpus use the rest")]
mod hub_server;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corpus::download::{Hub, HubError, Order, Retry, Selection};
use hub_server::{Page, Server};

const DATASET: &str = "someone/stories";

/// The hub.
#[derive(Clone)]
pub(crate) struct LocalHub(Rc<Server>);

impl LocalHub {
    pub(crate) fn new() -> Self {
        Self(Rc::new(Server::start()))
    }

    /// The list of files as it should be.
    pub(crate) fn listing(&self) -> Vec<u8> {
        format!("{{\"default\":{{\"train\":[\"{}/datasets/{DATASET}/0.parquet\"]}}}}", self.0.url())
            .into_bytes()
    }

    /// Reads a data set of this one file.
    pub(crate) fn read_file(&self, file: &[u8]) -> Result<usize, HubError> {
        self.0.put_dataset(DATASET, vec![file.to_vec()]);
        self.read()
    }

    /// Reads a data set with this list of files.
    pub(crate) fn read_listing(&self, listing: &[u8]) -> Result<usize, HubError> {
        let listing = String::from_utf8_lossy(listing).into_owned();
        // Nobody else is to be asked for files.
        let host = self.0.url().replace("http://", "");
        if !listing.split("://").skip(1).all(|rest| rest.starts_with(&format!("{host}/"))) {
            return Err(HubError::Environment("a host that is not this one".to_owned()));
        }
        let file = crate::seeds::parquets().remove(0);
        self.0.put(&format!("/datasets/{DATASET}/0.parquet"), Page::File(file));
        self.0.put(&format!("/api/datasets/{DATASET}/parquet"), Page::Json(listing));
        self.read()
    }

    fn read(&self) -> Result<usize, HubError> {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let retry = Retry { attempts: 1, pause: Duration::ZERO, longest: Duration::from_millis(1) };
        let hub = Hub {
            endpoint: self.0.url(),
            token: None,
            cache: cache.path().to_owned(),
            memory: Some(1 << 30),
            retry,
            on_silence: Arc::new(|_| {}),
        };
        let selection = Selection {
            dataset: DATASET.to_owned(),
            config: None,
            split: "train".to_owned(),
            text_column: "text".to_owned(),
        };
        let order = Order { seed: 0, buffer: 0 };
        let texts = hub.texts(&selection, order, Box::new(|_| {}))?;
        texts.take(1_000).try_fold(0, |count, text| text.map(|_| count + 1))
    }
}
