//! One parquet file: its footer, and the text columns of its row groups.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Type};
use parquet::column::page::PageReader;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnDescriptor;

use super::claims::{self, Pages, TooLarge};
use super::error::HubError;
use super::guard::guarded;
use super::http::Client;
use super::ranges::{OnBytes, RemoteFile};
use super::template::Template;

/// Bytes of the first request: enough for the footer of most files.
const TAIL: u64 = 64 << 10;
/// Length of the metadata and the letters `PAR1`, at the very end.
const TRAILER: usize = 8;
/// Rows that are decoded at a time, so that what a file claims of its rows takes no memory.
const BATCH: usize = 1024;

/// A parquet file whose footer is known.
#[derive(Debug)]
pub(super) struct Shard {
    file: RemoteFile,
    metadata: ParquetMetaData,
    columns: Vec<usize>,
    memory: Option<u64>,
}

impl Shard {
    /// Reads the footer and finds the columns of `template`. No part of the file may take more than `memory` bytes.
    pub(super) fn open(
        mut file: RemoteFile,
        template: &Template,
        memory: Option<u64>,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Self, HubError> {
        let metadata = match footer(&mut file, memory, client, on_bytes) {
            // What an earlier run kept may be damaged here, and sound on the hub.
            Err(HubError::NotParquet { .. }) if file.discard()? => {
                footer(&mut file, memory, client, on_bytes)?
            }
            other => other?,
        };
        let columns = metadata.file_metadata().schema_descr().columns();
        let name = |column: &ColumnDescriptor| column.path().string();
        let find = |wanted: &str| {
            let column = columns.iter().position(|c| is_text(c) && name(c) == wanted);
            column.ok_or_else(|| HubError::NoColumn {
                url: file.url.clone(),
                column: wanted.to_owned(),
                known: columns.iter().filter(|c| is_text(c)).map(|c| name(c)).collect(),
            })
        };
        let columns = template.columns().map(find).collect::<Result<_, _>>()?;
        Ok(Self { file, metadata, columns, memory })
    }

    pub(super) fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Fetches the text columns of row group `index`.
    pub(super) fn group(
        &mut self,
        index: usize,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Group, HubError> {
        let rows = self.metadata.row_group(index).num_rows();
        let rows = usize::try_from(rows)
            .map_err(|_| not_parquet(&self.file, "a row group has less than no rows"))?;
        let mut columns = Vec::new();
        for column in self.columns.clone() {
            columns.push(self.column(index, column, rows, client, on_bytes)?);
        }
        Ok(Group { index, rows, given: 0, columns })
    }

    /// Fetches a text column of row group `index`, which has so many `rows`.
    fn column(
        &mut self,
        index: usize,
        column: usize,
        rows: usize,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Column, HubError> {
        let chunk = self.metadata.row_group(index).column(column);
        if let Compression::LZO = chunk.compression() {
            return Err(self.unsupported("LZO compression"));
        }
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let end = start.checked_add(chunk.compressed_size());
        // Within the file and before the footer.
        let (Ok(start), Some(Ok(end))) = (u64::try_from(start), end.map(u64::try_from)) else {
            return Err(not_parquet(&self.file, "a row group lies outside of it"));
        };
        let size = self.file.size();
        if start >= end || end > size {
            return Err(not_parquet(&self.file, "a row group lies outside of it"));
        }
        claims::check_memory(end - start, self.memory)
            .map_err(|error| too_large(&self.file.url, error))?;
        let bytes = self.file.range(start..end, client, on_bytes)?;
        let chunk_reader = Arc::new(Chunk { start, size, bytes });
        let column = chunk.column_descr_ptr();
        let full = column.max_def_level();
        let reader = guarded(|| {
            let pages = Pages::new(chunk_reader, chunk, rows, self.memory)?;
            Ok(ColumnReaderImpl::new(column, Box::new(pages) as Box<dyn PageReader>))
        });
        let reader = flat(reader).map_err(|error| self.explain(error))?;
        Ok(Column { full, reader })
    }

    /// The next rows of `group`; none at its end.
    pub(super) fn batch(
        &mut self,
        group: &mut Group,
        client: &Client,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<Vec<Row>, HubError> {
        let error = match group.batch(BATCH) {
            Ok(rows) => return Ok(rows),
            Err(error) => error,
        };
        // What an earlier run kept may be damaged here, and sound on the hub.
        if !self.file.discard()? {
            return Err(self.explain(error));
        }
        let given = group.given;
        *group = self.group(group.index, client, on_bytes)?;
        while group.given < given {
            group.batch(given - group.given).map_err(|error| self.explain(error))?;
        }
        group.batch(BATCH).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: ParquetError) -> HubError {
        let damaged = |error: &ParquetError| HubError::Damaged {
            url: self.file.url.clone(),
            reason: plain(error),
        };
        match error {
            ParquetError::NYI(what) => self.unsupported(&what),
            ParquetError::External(cause) => match cause.downcast::<TooLarge>() {
                Ok(error) => too_large(&self.file.url, *error),
                Err(cause) => damaged(&ParquetError::External(cause)),
            },
            error => damaged(&error),
        }
    }

    fn unsupported(&self, what: &str) -> HubError {
        HubError::Unsupported { url: self.file.url.clone(), what: what.to_owned() }
    }
}

/// The values of a row, one of each column; `None` for a null.
pub(super) type Row = Vec<Option<ByteArray>>;

/// The text columns of a row group, being read.
pub(super) struct Group {
    index: usize,
    rows: usize,
    given: usize,
    columns: Vec<Column>,
}

/// A text column of a row group, being read.
struct Column {
    /// Definition level of a value that is not null; 0 where none can be null.
    full: i16,
    reader: ColumnReaderImpl<ByteArrayType>,
}

impl Group {
    /// Up to `most` rows.
    fn batch(&mut self, most: usize) -> ParquetResult<Vec<Row>> {
        let wanted = (self.rows - self.given).min(most);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let columns = self.columns.iter_mut().map(|column| column.batch(wanted));
        let columns = columns.collect::<ParquetResult<Vec<_>>>()?;
        let read = columns.iter().map(Vec::len).min().unwrap_or(0);
        if read == 0 || columns.iter().any(|column| column.len() != read) {
            let (given, rows) = (self.given + read, self.rows);
            return Err(ParquetError::General(format!("{given} rows instead of {rows}")));
        }
        self.given += read;
        let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
        let row = |_| columns.iter_mut().filter_map(Iterator::next).collect();
        Ok((0..read).map(row).collect())
    }
}

impl Column {
    /// Up to `wanted` values; `None` for a null.
    fn batch(&mut self, wanted: usize) -> ParquetResult<Vec<Option<ByteArray>>> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let reader = &mut self.reader;
        flat(guarded(|| reader.read_records(wanted, Some(&mut levels), None, &mut values)))?;
        let mut values = values.into_iter();
        if self.full == 0 {
            return Ok(values.map(Some).collect());
        }
        let row = |level: i16| if level == self.full { values.next() } else { None };
        Ok(levels.into_iter().map(row).collect())
    }
}

/// A panic of the library as an error of it.
fn flat<T>(result: Result<ParquetResult<T>, String>) -> ParquetResult<T> {
    result.unwrap_or_else(|panic| Err(ParquetError::General(panic)))
}

/// An error without the library's name of its kind.
fn plain(error: &ParquetError) -> String {
    match error {
        ParquetError::General(reason) | ParquetError::EOF(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// A plain column of byte arrays: text, whether or not the file says so.
fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY && column.max_rep_level() == 0
}

fn not_parquet(file: &RemoteFile, reason: &str) -> HubError {
    HubError::NotParquet { url: file.url.clone(), reason: reason.to_owned() }
}

fn too_large(url: &str, TooLarge { bytes, free }: TooLarge) -> HubError {
    HubError::TooLarge { url: url.to_owned(), bytes, free }
}

/// The metadata at the end of the file.
fn footer(
    file: &mut RemoteFile,
    memory: Option<u64>,
    client: &Client,
    on_bytes: &mut OnBytes<'_>,
) -> Result<ParquetMetaData, HubError> {
    let (range, tail) = file.tail(TAIL, client, on_bytes)?;
    let Some((_, trailer)) = tail.split_last_chunk::<TRAILER>() else {
        return Err(not_parquet(file, "it has fewer than 8 bytes"));
    };
    let [a, b, c, d, magic @ ..] = *trailer;
    if magic == *b"PARE" {
        let what = "an encrypted footer".to_owned();
        return Err(HubError::Unsupported { url: file.url.clone(), what });
    }
    if magic != *b"PAR1" {
        return Err(not_parquet(file, "it does not end in PAR1"));
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let end = range.end - TRAILER as u64;
    let Some(start) = end.checked_sub(length) else {
        return Err(not_parquet(file, "its footer is longer than the file"));
    };
    claims::check_memory(length, memory).map_err(|error| too_large(&file.url, error))?;
    let mut metadata = Vec::new();
    if start < range.start {
        metadata.extend_from_slice(&file.range(start..range.start, client, on_bytes)?);
    }
    let inside = start.saturating_sub(range.start) as usize;
    metadata.extend_from_slice(&tail[inside..tail.len() - TRAILER]);
    if !claims::schema_is_plausible(&metadata) {
        return Err(not_parquet(file, "its schema claims more columns than it has"));
    }
    flat(guarded(|| ParquetMetaDataReader::decode_metadata(&metadata)))
        .map_err(|error| not_parquet(file, &plain(&error)))
}

/// A fetched part of a file.
#[derive(Debug)]
pub(super) struct Chunk {
    start: u64,
    size: u64,
    bytes: Bytes,
}

impl Chunk {
    /// Its bytes from `start` on.
    pub(super) fn from(&self, start: u64) -> ParquetResult<Bytes> {
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
