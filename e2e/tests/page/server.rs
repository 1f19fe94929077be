//! A static file server under a path of its own, as a page on a shared host has it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Files that are served instead of, or beside, those of the folder.
pub(crate) type Files = HashMap<String, Vec<u8>>;

/// A running server; it ends with the program.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    files: Arc<Mutex<Files>>,
    /// Paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

const PREFIX: &str = "/some/path/";

impl Server {
    /// Serves `root`, overlaid with `files`.
    pub(crate) fn start(root: &Path, files: Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let server = Self {
            url: format!("http://127.0.0.1:{port}{PREFIX}"),
            files: Arc::new(Mutex::new(files)),
            asked: Arc::default(),
        };
        let (root, shared) = (root.to_owned(), server.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, shared) = (root.clone(), shared.clone());
                // A browser that hangs up early is no fault of the server.
                std::thread::spawn(move || drop(shared.answer(stream, root)));
            }
        });
        server
    }

    /// Replaces a file from now on.
    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.files.lock().expect("not poisoned").insert(path.to_owned(), bytes);
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let asked = self.asked.lock().expect("not poisoned");
        asked.iter().filter(|other| *other == path).count()
    }

    fn answer(&self, mut stream: TcpStream, root: PathBuf) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let address = request.split(' ').nth(1).unwrap_or("/");
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let path = match path.strip_prefix(PREFIX) {
            Some("") => "index.html",
            Some(path) if !path.contains("..") => path,
            _ => return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        };
        self.asked.lock().expect("not poisoned").push(path.to_owned());
        let overlaid = self.files.lock().expect("not poisoned").get(path).cloned();
        let Some(bytes) = overlaid.or_else(|| std::fs::read(root.join(path)).ok()) else {
            return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        };
        let kind = match path.rsplit('.').next() {
            Some("html") => "text/html",
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("wasm") => "application/wasm",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("webmanifest") => "application/manifest+json",
            _ => "application/octet-stream",
        };
        let length = bytes.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )?;
        stream.write_all(&bytes)
    }
}
