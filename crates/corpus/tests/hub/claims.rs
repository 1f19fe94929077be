//! Parquet files that claim to hold more than they do.

use super::*;
use parquet::basic::{BrotliLevel, Encoding, GzipLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A file of forty rows.
fn file(properties: WriterPropertiesBuilder) -> Vec<u8> {
    file_of((0..40).map(|row| story(0, 0, row)).collect(), properties)
}

/// A file of one group.
fn file_of(rows: Vec<String>, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let schema = parse_message_type("message schema { required binary text (UTF8); }");
    let properties = Arc::new(properties.build());
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema.expect("schema")), properties)
            .expect("writer");
    let rows: Vec<ByteArray> =
        rows.into_iter().map(|row| ByteArray::from(row.into_bytes())).collect();
    let mut group = writer.next_row_group().expect("group");
    let mut column = group.next_column().expect("column").expect("one of them");
    column.typed::<ByteArrayType>().write_batch(&rows, None, None).expect("values");
    column.close().expect("column");
    group.close().expect("group");
    writer.into_inner().expect("file")
}

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_dictionary_enabled(false)
}

fn encoded(encoding: Encoding) -> WriterPropertiesBuilder {
    plain().set_encoding(encoding).set_writer_version(WriterVersion::PARQUET_2_0)
}

/// Where in a file these bytes stand for the first time.
fn find(file: &[u8], bytes: &[u8]) -> usize {
    file.windows(bytes.len()).position(|part| part == bytes).expect("they are there")
}

/// Gives the first page of a file another size, unpacked, in two bytes.
fn resize_first_page(file: &mut [u8], size: [u8; 2]) {
    // Behind the file's first four bytes and the type of the page, before its packed size.
    assert_eq!(
        (file[4], file[6], file[7] & 0x80, file[8] & 0x80, file[9]),
        (0x15, 0x15, 0x80, 0, 0x15)
    );
    file[7..9].copy_from_slice(&size);
}

fn said_of(file: Vec<u8>) -> String {
    let setting = Setting::new();
    setting.server.put_dataset(DATASET, vec![file]);
    setting.error()
}

#[test]
fn every_encoding_is_read() {
    let rows: Vec<String> = (0..1_000).map(|row| story(0, row % 3, row)).collect();
    for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY]
    {
        for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let setting = Setting::new();
            let file = file_of(rows.clone(), encoded(encoding).set_compression(codec));
            setting.server.put_dataset(DATASET, vec![file]);
            let (read, _) = setting.read(IN_ORDER, usize::MAX).expect("texts");
            assert_eq!(read, rows, "{encoding:?} {codec:?}");
        }
    }
}

#[test]
fn a_page_is_no_larger_than_its_column() {
    let codecs = [
        Compression::SNAPPY,
        zstd(),
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
    ];
    for codec in codecs {
        let mut file = file(plain().set_compression(codec));
        resize_first_page(&mut file, [0xfe, 0x7f]);
        let said = said_of(file);
        assert!(said.contains("a page claims more bytes than its column has"), "{codec:?}: {said}");
    }
}

/// Its bytes are counted before they are kept.
#[test]
fn a_page_that_unpacks_to_more_than_it_claims_is_refused() {
    for codec in
        [Compression::GZIP(GzipLevel::default()), Compression::BROTLI(BrotliLevel::default())]
    {
        let mut file = file(plain().set_compression(codec));
        resize_first_page(&mut file, [0x80, 0x01]);
        let said = said_of(file);
        assert!(said.contains("a page unpacks to more than it claims"), "{codec:?}: {said}");
    }
}

#[test]
fn a_dictionary_has_no_more_values_than_bytes_for_them() {
    let properties = WriterProperties::builder().set_compression(Compression::UNCOMPRESSED);
    let mut file = file_of(vec!["One.".to_owned(); 9], properties);
    // The header of the dictionary: one value, plain.
    let at = find(&file, &[0x4c, 0x15, 2, 0x15, 0]);
    file[at + 2] = 0x7e;
    let said = said_of(file);
    assert!(said.contains("a dictionary claims more values than it has bytes for"), "{said}");
}

#[test]
fn a_page_has_no_more_lengths_than_values() {
    for (encoding, list) in [
        (Encoding::DELTA_LENGTH_BYTE_ARRAY, 0),
        (Encoding::DELTA_BYTE_ARRAY, 0),
        (Encoding::DELTA_BYTE_ARRAY, 1),
    ] {
        let mut file = file(encoded(encoding).set_compression(Compression::UNCOMPRESSED));
        // A block of 128 in four parts, 40 numbers.
        let head = [0x80, 0x01, 4, 40];
        let first = find(&file, &head);
        let at = if list == 0 { first } else { first + 4 + find(&file[first + 4..], &head) };
        file[at + 3] = 0x7f;
        let said = said_of(file);
        assert!(said.contains("the lengths of a page are damaged"), "{encoding:?} {list}: {said}");
    }
}

#[test]
fn a_schema_has_no_more_children_than_nodes() {
    let mut file = file(plain());
    let name = find(&file, b"\x48\x06schema\x15\x02");
    file[name + 9] = 0x7e;
    let said = said_of(file);
    assert!(said.ends_with("its schema claims more columns than it has"), "{said}");
}

#[test]
fn what_does_not_fit_into_memory_is_not_begun() {
    let sound = file(plain().set_compression(Compression::GZIP(GzipLevel::default())));
    for (memory, fits) in [(100, false), (1_000, false), (100_000, true)] {
        let setting = Setting::new();
        setting.server.put_dataset(DATASET, vec![sound.clone()]);
        let hub = Hub { memory: Some(memory), ..setting.hub() };
        let texts = hub
            .texts(&selection(None, "text"), IN_ORDER, Box::new(|_| {}))
            .expect("a stream")
            .collect::<Result<Vec<_>, _>>();
        match texts {
            Ok(texts) => assert!(fits && texts.len() == 40, "{memory}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!fits && said.contains("GB of memory, and 0.0 GB are free"), "{said}");
            }
        }
    }
}
