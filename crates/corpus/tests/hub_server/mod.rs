//! A hub of datasets on this machine: listings, redirects and ranges of files in memory, with
//! faults on demand, and parquet files to put on it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// What a request for a path gets.
#[derive(Clone, Debug)]
pub(crate) enum Page {
    Json(String),
    /// JSON with the address of its next page.
    Linked(String, String),
    /// With ranges and an ETag.
    File(Vec<u8>),
    /// The whole file, whatever range is asked for.
    WholeFile(Vec<u8>),
    Redirect(String),
    Status(u16),
}

/// What goes wrong with one request for a path.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection is closed after so many bytes of the body.
    CloseAfter(usize),
    /// An answer of this status, with further header lines.
    Status(u16, &'static str),
    /// Nothing is answered for so long.
    Silence(Duration),
    /// This stands in `Content-Range`, whatever is sent.
    Range(&'static str),
    /// So many bytes more are said to come than do.
    Longer(usize),
    /// So many bytes more come than are said to.
    Surplus(usize),
    /// One bit of the body is another one.
    Flip(usize),
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    /// The bytes of the file that were sent.
    pub(crate) sent: Option<Range<usize>>,
}

#[derive(Debug, Default)]
struct Site {
    pages: BTreeMap<String, Page>,
    faults: Vec<(String, Fault)>,
    seen: Vec<Seen>,
}

/// The server; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    site: Arc<Mutex<Site>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("address");
        let (site, ends) =
            (Arc::new(Mutex::new(Site::default())), Arc::new(AtomicBool::new(false)));
        let (its_site, its_end) = (Arc::clone(&site), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if its_end.load(Ordering::Relaxed) {
                    break;
                }
                // A client may leave in the middle of an answer.
                let _ = stream.and_then(|stream| serve(&stream, &its_site));
            }
        });
        Self { address, site, ends, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().expect("no panic in the server")
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.site().pages.insert(path.to_owned(), page);
    }

    /// The next request for `path` that finds no earlier fault meets this one.
    pub(crate) fn fault(&self, path: &str, fault: Fault) {
        self.site().faults.push((path.to_owned(), fault));
    }

    /// Lists `files` as the split `train` of the only configuration of `dataset`, and puts them.
    pub(crate) fn put_dataset(&self, dataset: &str, files: Vec<Vec<u8>>) -> Vec<String> {
        let path = |i| format!("/api/datasets/{dataset}/parquet/default/train/{i}.parquet");
        let paths: Vec<String> = (0..files.len()).map(path).collect();
        // The public hub's addresses, as a mirror lists them.
        let urls: Vec<_> =
            paths.iter().map(|path| format!("\"https://huggingface.co{path}\"")).collect();
        let listing = format!("{{\"default\":{{\"train\":[{}]}}}}", urls.join(","));
        self.put(&format!("/api/datasets/{dataset}/parquet"), Page::Json(listing));
        for (path, file) in paths.iter().zip(files) {
            self.put(path, Page::File(file));
        }
        paths
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.site().seen.clone()
    }

    /// Ranges of the file at `path` that were sent so far, in order of time.
    pub(crate) fn sent(&self, path: &str) -> Vec<Range<usize>> {
        let seen = self.seen();
        seen.into_iter().filter(|seen| seen.path == path).filter_map(|seen| seen.sent).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes the server; if that fails, it is gone already.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic in the server");
        }
    }
}

fn serve(stream: &TcpStream, site: &Mutex<Site>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(());
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut range, mut authorization) = (None, None);
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "range" => range = Some(value.trim().to_owned()),
                "authorization" => authorization = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    let mut site = site.lock().expect("no panic in the server");
    let fault = site.faults.iter().position(|(faulty, _)| *faulty == path);
    let fault = fault.map(|at| site.faults.remove(at).1);
    let page = match &fault {
        Some(Fault::Status(status, _)) => Page::Status(*status),
        _ => site.pages.get(&path).cloned().unwrap_or(Page::Status(404)),
    };
    if let Some(Fault::Silence(time)) = fault {
        drop(site);
        std::thread::sleep(time);
        return Ok(());
    }
    let mut sent = None;
    let (head, mut body) = match page {
        Page::Json(text) => ("200 OK".to_owned(), text.into_bytes()),
        Page::Linked(text, next) => {
            (format!("200 OK\r\nLink: <http://hub{next}>; rel=\"next\""), text.into_bytes())
        }
        Page::WholeFile(file) => ("200 OK".to_owned(), file),
        Page::Redirect(to) => (format!("302 Found\r\nLocation: {to}"), Vec::new()),
        Page::Status(status) => (format!("{status} No"), Vec::new()),
        Page::File(file) => match range.and_then(|range| resolve(&range, file.len())) {
            None => ("416 Range Not Satisfiable".to_owned(), Vec::new()),
            Some(part) => {
                sent = Some(part.clone());
                let etag = file
                    .iter()
                    .fold(0u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
                let range = match fault {
                    Some(Fault::Range(range)) => range.to_owned(),
                    _ => format!("bytes {}-{}/{}", part.start, part.end - 1, file.len()),
                };
                let head =
                    format!("206 Partial Content\r\nETag: \"{etag:x}\"\r\nContent-Range: {range}");
                (head, file[part].to_vec())
            }
        },
    };
    let mut length = body.len();
    let further = match fault {
        Some(Fault::Status(_, header)) if !header.is_empty() => format!("\r\n{header}"),
        _ => String::new(),
    };
    match fault {
        Some(Fault::CloseAfter(bytes)) => {
            body.truncate(bytes);
            sent = sent.map(|part| part.start..part.start + body.len());
        }
        Some(Fault::Longer(bytes)) => length += bytes,
        Some(Fault::Surplus(bytes)) => body.resize(length + bytes, b'x'),
        Some(Fault::Flip(bit)) => body[bit / 8] ^= 1 << (bit % 8),
        _ => {}
    }
    site.seen.push(Seen { path, authorization, sent });
    drop(site);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {head}{further}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// `bytes=a-b` or `bytes=-n` of a file of `size` bytes.
fn resolve(range: &str, size: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let range = match first {
        "" => size.saturating_sub(last.parse().ok()?)..size,
        _ => first.parse().ok()?..size.min(last.parse::<usize>().ok()? + 1),
    };
    (!range.is_empty()).then_some(range)
}

/// A parquet file with the columns `filler` (100 KB of noise per row group), `text` (the rows
/// given, group by group) and `title` (`t` in each row).
pub(crate) fn parquet(groups: &[Vec<Option<String>>], compression: Compression) -> Vec<u8> {
    let schema = "message schema { required binary filler; optional binary text (UTF8); \
                  required binary title (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).expect("schema"));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(5)
        .build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("writer");
    let mut noise = 1u64;
    for rows in groups {
        let mut group = writer.next_row_group().expect("group");
        let filler: Vec<ByteArray> = rows
            .iter()
            .map(|_| {
                let byte = |_| {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (noise >> 56) as u8
                };
                (0..100_000 / rows.len()).map(byte).collect::<Vec<u8>>().into()
            })
            .collect();
        let texts: Vec<ByteArray> =
            rows.iter().flatten().map(|text| text.as_str().into()).collect();
        let levels: Vec<i16> = rows.iter().map(|row| i16::from(row.is_some())).collect();
        let titles = vec![ByteArray::from("t"); rows.len()];
        for (values, levels) in [(&filler, None), (&texts, Some(&levels[..])), (&titles, None)] {
            let mut column = group.next_column().expect("column").expect("three of them");
            column.typed::<ByteArrayType>().write_batch(values, levels, None).expect("values");
            column.close().expect("column");
        }
        group.close().expect("group");
    }
    writer.into_inner().expect("file")
}
