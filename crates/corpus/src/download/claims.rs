//! What a parquet file claims to hold, compared with what it can hold and with the memory that is free,
//! before the parquet library takes memory for it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::SerializedPageReader;

use super::shard::Chunk;
use super::thrift::{Compact, kind};

/// Whether no node of a footer's schema claims more children than there are nodes.
pub(super) fn schema_is_plausible(footer: &[u8]) -> bool {
    const SCHEMA: i16 = 2;
    const NAME: i16 = 4;
    const CHILDREN: i16 = 5;
    let mut plausible = None;
    // What comes after the schema takes no more memory than it has bytes, whatever it says.
    let _ = Compact::new(footer).fields(|reader, number, kind| {
        if number != SCHEMA || plausible.is_some() {
            return reader.skip(kind);
        }
        let (_, nodes) = reader.list()?;
        let mut fits = true;
        for _ in 0..nodes {
            reader.fields(|reader, number, kind| match (number, kind) {
                (CHILDREN, kind::I32) => {
                    let children = reader.signed()? as i32;
                    fits &= usize::try_from(children).is_ok_and(|children| children <= nodes);
                    Some(())
                }
                (NAME, kind::BINARY) | (1..=3 | 6..=9, kind::I32) => reader.skip(kind),
                // The library goes by the number, whatever the type.
                (1..=9, _) => None,
                _ => reader.skip(kind),
            })?;
        }
        plausible = Some(fits);
        Some(())
    });
    plausible == Some(true)
}

/// The header of a page, as far as memory is taken for what it says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    /// Bytes of the header itself.
    length: usize,
    kind: i32,
    /// Bytes of the page, unpacked.
    unpacked: i32,
    /// Bytes of the page as they stand in the file.
    packed: i32,
    /// Values of a dictionary.
    dictionary: Option<i32>,
}

impl Header {
    const INDEX: i32 = 1;

    /// The header at the front of `bytes`.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut reader = Compact::new(bytes);
        reader.fields(|reader, number, kind| {
            match number {
                1 => header.kind = reader.signed()? as i32,
                2 => header.unpacked = reader.signed()? as i32,
                3 => header.packed = reader.signed()? as i32,
                4 => drop(reader.signed()?),
                // The headers of data pages, of an index, of a dictionary; the library reads their
                // numbers by the numbers of their fields.
                5..=8 => reader.fields(|reader, field, kind| match (number, field) {
                    (7, 1) => {
                        header.dictionary = Some(reader.signed()? as i32);
                        Some(())
                    }
                    (5, 1..=4) | (7, 2) | (8, 1..=6) => reader.signed().map(drop),
                    _ => reader.skip(kind),
                })?,
                _ => reader.skip(kind)?,
            }
            Some(())
        })?;
        header.length = bytes.len() - reader.left();
        Some(header)
    }
}

/// The pages of a column, each looked at before it is unpacked.
pub(super) struct Pages {
    pages: SerializedPageReader<Chunk>,
    chunk: Arc<Chunk>,
    /// Where in the file the next page begins, and where the column ends.
    at: u64,
    end: u64,
    codec: Compression,
    /// Bytes of all pages, unpacked, as the footer has it.
    unpacked: i64,
    most_definitions: i16,
    rows: usize,
    memory: Option<u64>,
}

impl Pages {
    /// The pages of the column `of` with `rows` rows; none may take more than `memory` bytes.
    pub(super) fn new(
        chunk: Arc<Chunk>,
        of: &ColumnChunkMetaData,
        rows: usize,
        memory: Option<u64>,
    ) -> Result<Self> {
        let (at, length) = of.byte_range();
        Ok(Self {
            pages: SerializedPageReader::new(Arc::clone(&chunk), of, rows, None)?,
            chunk,
            at,
            end: at + length,
            codec: of.compression(),
            unpacked: of.uncompressed_size(),
            most_definitions: of.column_descr().max_def_level(),
            rows,
            memory,
        })
    }

    /// Refuses the next page if it claims what it cannot hold.
    fn check_next(&mut self) -> Result<()> {
        while self.at < self.end {
            let bytes = self.chunk.from(self.at)?;
            let header = Header::read(&bytes).ok_or_else(|| wrong("a page has no header"))?;
            let (Ok(packed), Ok(unpacked)) =
                (usize::try_from(header.packed), usize::try_from(header.unpacked))
            else {
                return Err(wrong("a page has a negative size"));
            };
            let page = bytes.slice(header.length..);
            if packed > page.len() {
                return Err(wrong("a page is longer than its column"));
            }
            self.at += (header.length + packed) as u64;
            if header.kind != Header::INDEX {
                return self.check(&header, &page.slice(..packed), unpacked);
            }
        }
        Ok(())
    }

    fn check(&self, header: &Header, packed: &[u8], unpacked: usize) -> Result<()> {
        if i64::from(header.unpacked) > self.unpacked {
            return Err(wrong("a page claims more bytes than its column has"));
        }
        self.check_memory(unpacked as u64)?;
        if let Some(values) = header.dictionary {
            // Each has its length in front.
            if usize::try_from(values).is_ok_and(|values| values > unpacked / 4) {
                return Err(wrong("a dictionary claims more values than it has bytes for"));
            }
            let each = size_of::<ByteArray>() as u64;
            self.check_memory(unpacked as u64 + u64::from(values.unsigned_abs()) * each)?;
        }
        if unpacks_to_more(self.codec, packed, unpacked) {
            return Err(wrong("a page unpacks to more than it claims"));
        }
        Ok(())
    }

    fn check_memory(&self, bytes: u64) -> Result<()> {
        check_memory(bytes, self.memory).map_err(|error| ParquetError::External(Box::new(error)))
    }

    /// Refuses a page whose values are counted otherwise than its header has it.
    fn check_counts(&self, page: &Page) -> Result<()> {
        let values = page.num_values() as usize;
        let (encoding, data) = match page {
            Page::DictionaryPage { .. } => return Ok(()),
            Page::DataPage { buf, encoding, def_level_encoding, .. } => {
                (*encoding, self.behind_levels(buf, *def_level_encoding, values))
            }
            Page::DataPageV2 {
                buf, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                (*encoding, buf.get(levels..))
            }
        };
        if values > self.rows {
            return Err(wrong("a page claims more values than there are rows"));
        }
        let lists = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => 0,
        };
        let mut data = data.ok_or_else(|| wrong("a page is shorter than its levels"))?;
        for _ in 0..lists {
            self.check_memory((values * size_of::<i32>()) as u64)?;
            data = behind_numbers(data, values as u64)
                .ok_or_else(|| wrong("the lengths of a page are damaged"))?;
        }
        Ok(())
    }

    /// What comes after the definition levels of a page of the first version.
    fn behind_levels<'a>(
        &self,
        page: &'a Bytes,
        encoding: Encoding,
        values: usize,
    ) -> Option<&'a [u8]> {
        if self.most_definitions == 0 {
            return Some(page);
        }
        if encoding == Encoding::RLE {
            let (length, rest) = page.split_first_chunk()?;
            return rest.get(u32::from_le_bytes(*length) as usize..);
        }
        let bits = 16 - self.most_definitions.leading_zeros() as usize;
        page.get((values * bits).div_ceil(8)..)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.check_next()?;
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check_counts(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

/// More bytes than there is memory for.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it takes {bytes} bytes of memory, and {free} are free")]
pub(super) struct TooLarge {
    /// What it takes.
    pub(super) bytes: u64,
    /// What there is.
    pub(super) free: u64,
}

/// Refuses what takes more than `memory` bytes.
pub(super) fn check_memory(bytes: u64, memory: Option<u64>) -> std::result::Result<(), TooLarge> {
    match memory {
        Some(free) if bytes > free => Err(TooLarge { bytes, free }),
        _ => Ok(()),
    }
}

fn wrong(reason: &str) -> ParquetError {
    ParquetError::General(reason.to_owned())
}

/// Whether a page unpacks to more than `claimed` bytes, in the codecs of which the library reads all that
/// comes. The others stop by themselves.
fn unpacks_to_more(codec: Compression, packed: &[u8], claimed: usize) -> bool {
    const BUFFER: usize = 4096;
    let unpacked: &mut dyn Read = match codec {
        Compression::GZIP(_) => &mut flate2::read::MultiGzDecoder::new(packed),
        Compression::BROTLI(_) => &mut brotli::Decompressor::new(packed, BUFFER),
        // Old files have frames under this name.
        Compression::LZ4 => &mut lz4_flex::frame::FrameDecoder::new(packed),
        _ => return false,
    };
    let mut bytes = unpacked.take(claimed as u64 + 1);
    // What is damaged is found by the library, and takes no more than what comes before.
    let _ = io::copy(&mut bytes, &mut io::sink());
    bytes.limit() == 0
}

/// What comes behind the numbers that are packed as deltas at the front of `data`; `None` if they claim to
/// be more than `most`.
fn behind_numbers(data: &[u8], most: u64) -> Option<&[u8]> {
    let mut reader = Compact::new(data);
    let (block, parts, count) = (reader.unsigned()?, reader.unsigned()?, reader.unsigned()?);
    // The first of them.
    reader.signed()?;
    let each = block.checked_div(parts).filter(|&each| each > 0)?;
    let mut left = Some(count).filter(|&count| count <= most)?.saturating_sub(1);
    while left > 0 {
        reader.signed()?;
        let widths = reader.take(parts)?;
        for &width in widths {
            // The widths of parts that are not there may be anything.
            if left > 0 {
                reader.take(u64::from(width).checked_mul(each)? / 8)?;
                left = left.saturating_sub(each);
            }
        }
    }
    Some(&data[data.len() - reader.left()..])
}
