//! Sound inputs, to be broken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use run::Saved;
use run::checkpoint::FileError;

/// The files of a checkpoint by name.
pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of the repository").to_owned()
}

/// A small checkpoint as it is stored now, with hashes.
pub(crate) fn checkpoint() -> Files {
    let folder = root().join("crates/run/tests/fixtures/version-0/step-000004");
    let read = |name: &'static str| {
        let failed = |error: std::io::Error| FileError { file: name, reason: error.to_string() };
        fs::read(folder.join(name)).map_err(failed)
    };
    let saved = Saved::load(read).expect("a checkpoint of the repository");
    let mut files = Files::new();
    let stored = saved.store(|name, bytes| {
        files.insert(name, bytes.to_vec());
        Ok::<(), FileError>(())
    });
    stored.expect("it can be stored");
    files
}

/// The page's list of models.
pub(crate) fn models() -> Vec<u8> {
    fs::read(root().join("artifacts/models/models.json")).expect("the list of the repository")
}

/// A trace of three frames.
pub(crate) const TRACE: &str = r#"{"version":1,"model":"Tiny","sampler":"carry","schedule":"cosine",
"temperature":0.8,"top_k":40,"top_p":0.9,"seed":7,"steps":2,"mask_id":2,"end_id":3,"prompt":"One day",
"fixed":[true,true,false,false,false],"pieces":{"2":"[MASK]","3":"<|endoftext|>","10":"One","11":" day",
"12":[226,128],"13":[157]},"frames":[
{"step":0,"t":1.0,"ids":[10,11,2,2,2],"confidence":[1.0,1.0,0.0,0.0,0.0]},
{"step":1,"t":0.5,"ids":[10,11,12,2,2],"confidence":[1.0,1.0,0.75,0.0,0.0]},
{"step":2,"t":0.0,"ids":[10,11,12,13,3],"confidence":[1.0,1.0,0.75,0.5,0.25]}]}"#;

/// A share link behind its `#`.
pub(crate) const LINK: &str = "#model=stories&prompt=Once+upon+a+time%2C+[MASK:12]&length=120&steps=64\
&sampler=carry&temperature=0.8&top_k=40&top_p=0.95&seed=18446744073709551615&stop=1";

/// Prompts with gaps.
pub(crate) const PROMPTS: [&str; 3] = [
    "One day, Tom and his mom went to the park. [MASK:12] Tom was very happy.",
    "[MASK] [MASK:1][MASK:99][MASK:2-7]",
    "\u{e9}\u{301} \u{1f469}\u{200d}\u{1f469} <|endoftext|>[PAD] \u{0}",
];

/// The beginning of a story grammar.
pub(crate) const GRAMMAR: &str = "plot: colors\n- [re|red][d|] and [so|then].\n- A second.\n";

/// Parquet files of one column, in every codec and several encodings.
pub(crate) fn parquets() -> Vec<Vec<u8>> {
    let plain = WriterProperties::builder;
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let encodings =
        [Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY];
    let version = |properties: WriterPropertiesBuilder| {
        properties.set_writer_version(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false)
    };
    let codecs = codecs.map(|codec| plain().set_compression(codec));
    let encodings = encodings.map(|encoding| version(plain()).set_encoding(encoding));
    codecs.into_iter().chain(encodings).map(|properties| parquet(properties.build())).collect()
}

fn parquet(properties: WriterProperties) -> Vec<u8> {
    let schema = parse_message_type("message schema { optional binary text (UTF8); }");
    let schema = Arc::new(schema.expect("schema"));
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("writer");
    for group in 0..2 {
        let mut rows = writer.next_row_group().expect("group");
        let levels: Vec<i16> = (0..12).map(|row| i16::from(row % 5 != 2)).collect();
        let texts: Vec<ByteArray> = (0..12)
            .filter(|row| row % 5 != 2)
            .map(|row| ByteArray::from(format!("Story {row} of {group}: and then").into_bytes()))
            .collect();
        let mut column = rows.next_column().expect("column").expect("one of them");
        column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).expect("values");
        column.close().expect("column");
        rows.close().expect("group");
    }
    writer.into_inner().expect("file")
}
