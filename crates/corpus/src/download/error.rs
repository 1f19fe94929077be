//! Errors of a dataset download.

use std::path::PathBuf;

use thiserror::Error;

/// A dataset could not be found or read.
#[derive(Debug, Error)]
pub enum HubError {
    /// There is no such dataset, or it is hidden from who asks.
    #[error(
        "there is no dataset `{dataset}` at {endpoint}, or it is private; check its name, or set HF_TOKEN"
    )]
    NoDataset {
        /// Name of the dataset.
        dataset: String,
        /// The hub asked.
        endpoint: String,
    },
    /// The hub does not let this user read.
    #[error(
        "the hub refuses access to {url} (status {status}); accept the dataset's terms on its page and set HF_TOKEN"
    )]
    NoAccess {
        /// What was asked for.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The name is not of the form `owner/name`.
    #[error("`{0}` is not the name of a dataset; write it as `owner/name`")]
    BadName(String),
    /// There is no configuration of that name, or several to choose from.
    #[error("{}; choose one of: {}", match .config {
        Some(config) => format!("the dataset `{dataset}` has no configuration `{config}`"),
        None => format!("the dataset `{dataset}` has several configurations"),
    }, .known.join(", "))]
    NoConfig {
        /// Name of the dataset.
        dataset: String,
        /// The configuration asked for.
        config: Option<String>,
        /// Those there are.
        known: Vec<String>,
    },
    /// There is no split of that name.
    #[error("the dataset `{dataset}` has no split `{split}`; choose one of: {}", .known.join(", "))]
    NoSplit {
        /// Name of the dataset.
        dataset: String,
        /// The split asked for.
        split: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// The hub has no parquet file for the selection.
    #[error("the dataset `{dataset}` has no parquet files for the split `{split}`{}", match .config {
        Some(config) => format!(" of the configuration `{config}`"),
        None => String::new(),
    })]
    NoShards {
        /// Name of the dataset.
        dataset: String,
        /// The configuration asked for.
        config: Option<String>,
        /// The split asked for.
        split: String,
    },
    /// What is to be read of a row makes no sense.
    #[error(
        "`{0}` is neither the name of a column nor a text with names in braces, such as \"Question: {{query}}\""
    )]
    NoTemplate(String),
    /// The text column is missing or holds no text.
    #[error("{url} has no text column `{column}`; its text columns are: {}", match .known.len() {
        0 => "none".to_owned(),
        _ => .known.join(", "),
    })]
    NoColumn {
        /// The file.
        url: String,
        /// The column asked for.
        column: String,
        /// Its columns of text.
        known: Vec<String>,
    },
    /// The file is no parquet, or a part of one.
    #[error("{url} is truncated or not a parquet file: {reason}")]
    NotParquet {
        /// The file.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The data of the file do not decode, as the hub sends them.
    #[error(
        "the data in {url} are damaged on the hub ({reason}); choose another split or another dataset"
    )]
    Damaged {
        /// The file.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is sound, but written in a way that is not read.
    #[error("{url} uses {what}, which this program does not read; choose another dataset")]
    Unsupported {
        /// The file.
        url: String,
        /// What is not read.
        what: String,
    },
    /// A part of the file, as it is or unpacked, is larger than the memory.
    #[error(
        "a part of {url} takes {:.1} GB of memory, and {:.1} GB are free; free some, or choose another dataset",
        gigabytes(*.bytes), gigabytes(*.free)
    )]
    TooLarge {
        /// The file.
        url: String,
        /// What the part takes.
        bytes: u64,
        /// What is free.
        free: u64,
    },
    /// The file on the hub is another one than that of the ranges fetched before.
    #[error("{url} has changed on the hub; delete {} and run again", .cache.display())]
    Changed {
        /// The file.
        url: String,
        /// Where its fetched ranges are kept.
        cache: PathBuf,
    },
    /// An invalid response, or an error response.
    #[error("{url}: {reason}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// No request had any answer.
    #[error(
        "the hub {endpoint} cannot be reached ({reason}); check the network, and HF_ENDPOINT if it is set"
    )]
    Unreachable {
        /// The hub.
        endpoint: String,
        /// The last failure.
        reason: String,
    },
    /// All attempts failed.
    #[error(
        "{url} failed after {attempts} attempts ({reason}); run again later to resume the download"
    )]
    GaveUp {
        /// What was asked for.
        url: String,
        /// How often.
        attempts: u32,
        /// The last failure.
        reason: String,
    },
    /// The cache of fetched ranges cannot be written or read.
    #[error("cannot cache downloads in {} ({source}); set HF_HOME to a writable folder with enough space", .path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// An environment variable is not usable.
    #[error("{0}")]
    Environment(String),
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 * 1e-9
}
