//! Stories out of a Hugging Face dataset, read as a stream.
//!
//! HTTP range requests fetch only the footer of each parquet file and, row group by row group, its
//! text column, until enough stories have been read.

mod claims;
mod error;
mod guard;
mod http;
mod hub;
mod listing;
mod preset;
mod ranges;
mod shard;
mod shuffle;
mod template;
mod thrift;
mod watch;

use std::vec;

pub use error::HubError;
pub use http::Retry;
pub use hub::Hub;
pub use preset::{PRESETS, Preset, preset};
pub use watch::OnSilence;

use http::Client;
use ranges::RemoteFile;
use shard::{Group, Row, Shard};
use shuffle::{Random, ShuffleBuffer};
use template::{NoText, Template};

/// Which texts of the hub to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Name of the dataset, `owner/name`.
    pub dataset: String,
    /// Its configuration; `None` for the only one, or the one named `default`.
    pub config: Option<String>,
    /// Its split, such as `train`.
    pub split: String,
    /// Name of the column that holds the text, or a text with names of columns in braces, such as
    /// `Question: {query}`.
    pub text_column: String,
}

/// In which order to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Seed of the order.
    pub seed: u64,
    /// Texts held back to be shuffled. 0: all is read in the order of the dataset; else files and
    /// row groups come in random order too.
    pub buffer: usize,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Parquet files opened.
    pub files: u64,
    /// Rows read, null and empty ones included.
    pub rows: u64,
    /// Rows that are null or empty.
    pub empty: u64,
    /// Rows that are left out because they are not UTF-8.
    pub not_text: u64,
    /// Downloaded bytes, without cached ranges and listings.
    pub bytes: u64,
}

/// Called while bytes come in.
pub type OnProgress = Box<dyn FnMut(&Counts)>;

/// The texts of a [`Selection`], none of them empty.
///
/// After an error the stream ends.
pub struct Texts {
    client: Client,
    hub: Hub,
    template: Template,
    random: Random,
    shuffled: bool,
    files: vec::IntoIter<String>,
    shard: Option<(Shard, vec::IntoIter<usize>)>,
    group: Option<Group>,
    batch: vec::IntoIter<Row>,
    buffer: ShuffleBuffer<String>,
    counts: Counts,
    on_progress: OnProgress,
    ended: bool,
}

impl Hub {
    /// Opens the stream of the texts of `selection`. `on_progress` is called while bytes come in.
    ///
    /// # Errors
    /// The dataset, configuration or split does not exist, or may not be read; the hub does not
    /// answer.
    pub fn texts(
        &self,
        selection: &Selection,
        order: Order,
        on_progress: OnProgress,
    ) -> Result<Texts, HubError> {
        let template = &selection.text_column;
        let template =
            Template::parse(template).ok_or_else(|| HubError::NoTemplate(template.clone()))?;
        let client = Client::new(self)?;
        let mut files = listing::shards(&client, &self.endpoint, selection)?;
        let mut random = Random::new(order.seed);
        let shuffled = order.buffer > 0;
        if shuffled {
            random.shuffle(&mut files);
        }
        Ok(Texts {
            client,
            hub: self.clone(),
            template,
            random,
            shuffled,
            files: files.into_iter(),
            shard: None,
            group: None,
            batch: Vec::new().into_iter(),
            buffer: ShuffleBuffer::new(order.buffer),
            counts: Counts::default(),
            on_progress,
            ended: false,
        })
    }
}

impl Texts {
    /// What was read so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The next text before shuffling.
    fn read(&mut self) -> Result<Option<String>, HubError> {
        loop {
            for row in self.batch.by_ref() {
                self.counts.rows += 1;
                match self.template.fill(row.iter().map(|value| Some(value.as_ref()?.data()))) {
                    Ok(text) => return Ok(Some(text)),
                    Err(NoText::NotUtf8) => self.counts.not_text += 1,
                    Err(NoText::Empty) => self.counts.empty += 1,
                }
            }
            if !self.next_batch()? {
                return Ok(None);
            }
        }
    }

    /// Decodes the next rows, and fetches what they need; `false` if there are none.
    fn next_batch(&mut self) -> Result<bool, HubError> {
        let counts = &mut self.counts;
        let on_progress = &mut self.on_progress;
        loop {
            let mut on_bytes = |bytes| {
                counts.bytes += bytes;
                on_progress(counts);
            };
            if let Some((shard, groups)) = &mut self.shard {
                if let Some(group) = &mut self.group {
                    let batch = shard.batch(group, &self.client, &mut on_bytes)?;
                    if !batch.is_empty() {
                        self.batch = batch.into_iter();
                        return Ok(true);
                    }
                    self.group = None;
                }
                if let Some(index) = groups.next() {
                    self.group = Some(shard.group(index, &self.client, &mut on_bytes)?);
                    continue;
                }
            }
            let Some(url) = self.files.next() else {
                return Ok(false);
            };
            let file = RemoteFile::open(url, &self.hub.cache)?;
            let shard =
                Shard::open(file, &self.template, self.hub.memory, &self.client, &mut on_bytes)?;
            counts.files += 1;
            let mut groups: Vec<_> = (0..shard.row_groups()).collect();
            if self.shuffled {
                self.random.shuffle(&mut groups);
            }
            self.shard = Some((shard, groups.into_iter()));
        }
    }

    fn shuffled(&mut self) -> Result<Option<String>, HubError> {
        while let Some(text) = self.read()? {
            if let Some(given) = self.buffer.push(text, &mut self.random) {
                return Ok(Some(given));
            }
        }
        Ok(self.buffer.pop(&mut self.random))
    }
}

impl Iterator for Texts {
    type Item = Result<String, HubError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.shuffled().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
