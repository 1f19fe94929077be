//! One parquet file: its footer, and the text column of its row groups.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Type;
use parquet::column::page::PageReader;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use parquet::schema::types::ColumnDescriptor;

use super::error::HubError;
use super::http::Client;
use super::ranges::{OnBytes, RemoteFile};

/// Bytes of the first request: enough for the footer of most files.
const TAIL: u64 = 64 << 10;
/// Length of the metadata and the letters `PAR1`, at the very end.
const TRAILER: usize = 8;

/// A parquet file whose footer is known.
#[derive(Debug)]
pub(super) struct Shard {
    file: RemoteFile,
    metadata: ParquetMetaData,
    column: usize,
}

impl Shard {
    /// Reads the footer and finds `text_column`.
    pub(super) fn open(
        mut file: RemoteFile,
        text_column: &str,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Self, HubError> {
        let metadata = footer(&mut file, client, on_bytes)?;
        let columns = metadata.file_metadata().schema_descr().columns();
        let name = |column: &ColumnDescriptor| column.path().string();
        let column = columns.iter().position(|c| is_text(c) && name(c) == text_column);
        let Some(column) = column else {
            return Err(HubError::NoColumn {
                url: file.url,
                column: text_column.to_owned(),
                known: columns.iter().filter(|c| is_text(c)).map(|c| name(c)).collect(),
            });
        };
        Ok(Self { file, metadata, column })
    }

    pub(super) fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// The texts of row group `index`; `None` for a null.
    pub(super) fn texts(
        &mut self,
        index: usize,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Vec<Option<String>>, HubError> {
        let group = self.metadata.row_group(index);
        let chunk = group.column(self.column);
        let rows = group.num_rows();
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let end = start.checked_add(chunk.compressed_size());
        // Within the file and before the footer.
        let (Ok(start), Some(Ok(end)), Ok(rows)) =
            (u64::try_from(start), end.map(u64::try_from), usize::try_from(rows))
        else {
            return Err(not_parquet(&self.file, "a row group lies outside of it"));
        };
        let size = self.file.size();
        if start >= end || end > size {
            return Err(not_parquet(&self.file, "a row group lies outside of it"));
        }
        let bytes = self.file.range(start..end, client, on_bytes)?;
        let reader = Chunk { start, size, bytes };
        let decoded = SerializedPageReader::new(Arc::new(reader), chunk, rows, None)
            .and_then(|pages| decode(chunk.column_descr_ptr(), Box::new(pages), rows));
        decoded.map_err(|error| HubError::Damaged {
            url: self.file.url.clone(),
            reason: error.to_string(),
            cache: self.file.folder.clone(),
        })
    }
}

/// A plain column of byte arrays: text, whether or not the file says so.
fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY && column.max_rep_level() == 0
}

fn not_parquet(file: &RemoteFile, reason: &str) -> HubError {
    HubError::NotParquet { url: file.url.clone(), reason: reason.to_owned() }
}

/// The metadata at the end of the file.
fn footer(
    file: &mut RemoteFile,
    client: &Client,
    on_bytes: &mut OnBytes<'_>,
) -> Result<ParquetMetaData, HubError> {
    let (range, tail) = file.tail(TAIL, client, on_bytes)?;
    let Some((_, trailer)) = tail.split_last_chunk::<TRAILER>() else {
        return Err(not_parquet(file, "it has fewer than 8 bytes"));
    };
    let [a, b, c, d, magic @ ..] = *trailer;
    if magic != *b"PAR1" {
        return Err(not_parquet(file, "it does not end in PAR1"));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let end = range.end - TRAILER as u64;
    let Some(start) = end.checked_sub(length) else {
        return Err(not_parquet(file, "its footer is longer than the file"));
    };
    let mut metadata = Vec::new();
    if start < range.start {
        metadata.extend_from_slice(&file.range(start..range.start, client, on_bytes)?);
    }
    let inside = start.saturating_sub(range.start) as usize;
    metadata.extend_from_slice(&tail[inside..tail.len() - TRAILER]);
    ParquetMetaDataReader::decode_metadata(&metadata)
        .map_err(|error| not_parquet(file, &error.to_string()))
}

/// All values of a column chunk.
fn decode(
    column: Arc<ColumnDescriptor>,
    pages: Box<dyn PageReader>,
    rows: usize,
) -> ParquetResult<Vec<Option<String>>> {
    let full = column.max_def_level();
    let mut reader = ColumnReaderImpl::<ByteArrayType>::new(column, pages);
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut records = 0;
    while records < rows {
        let (read, _, _) =
            reader.read_records(rows - records, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ParquetError::General(format!("{records} rows instead of {rows}")));
        }
        records += read;
    }
    let mut values = values.into_iter().map(text);
    if full == 0 {
        return values.map(|text| text.map(Some)).collect();
    }
    levels
        .into_iter()
        .map(|level| if level == full { values.next().transpose() } else { Ok(None) })
        .collect()
}

fn text(value: ByteArray) -> ParquetResult<String> {
    value.as_utf8().map(str::to_owned)
}

/// A fetched part of a file.
#[derive(Debug)]
struct Chunk {
    start: u64,
    size: u64,
    bytes: Bytes,
}

impl Chunk {
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let inside = start.checked_sub(self.start).filter(|&at| at <= self.bytes.len() as u64);
        match inside {
            Some(at) => Ok(self.bytes.slice(at as usize..)),
            None => Err(ParquetError::EOF(format!("byte {start} is not of this column"))),
        }
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Chunk {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(Cursor::new(self.from(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let rest = self.from(start)?;
        if length <= rest.len() {
            Ok(rest.slice(..length))
        } else {
            Err(ParquetError::EOF(format!("{length} bytes at {start} are too many")))
        }
    }
}
