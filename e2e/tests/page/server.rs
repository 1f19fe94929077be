//! A static file server with a path prefix, as on a shared host.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Files that are served instead of, or beside, those of the folder; `None` hides one.
pub(crate) type Files = HashMap<String, Option<Vec<u8>>>;

/// A running server; it ends with the program.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: Files,
    /// Files that break off in the middle.
    cut: HashSet<String>,
    /// Files that stop coming in the middle.
    stalled: HashSet<String>,
    /// Stalled files that the browser gave up.
    given_up: HashSet<String>,
    /// Paths that were asked for.
    asked: Vec<String>,
    /// It hangs up on every request.
    away: bool,
}

const PREFIX: &str = "/some/path/";

impl Server {
    /// Serves `root`, overlaid with `files`.
    pub(crate) fn start(root: &Path, files: Files) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let server = Self {
            url: format!("http://127.0.0.1:{port}{PREFIX}"),
            state: Arc::new(Mutex::new(State { files, ..State::default() })),
        };
        let (root, shared) = (root.to_owned(), server.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, shared) = (root.clone(), shared.clone());
                // A browser may hang up early.
                std::thread::spawn(move || drop(shared.answer(stream, root)));
            }
        });
        server
    }

    /// Replaces a file from now on; without bytes there is none.
    pub(crate) fn put(&self, path: &str, bytes: impl Into<Option<Vec<u8>>>) {
        let mut state = self.state();
        state.files.insert(path.to_owned(), bytes.into());
        state.cut.remove(path);
        state.stalled.remove(path);
    }

    /// From now on the file breaks off in the middle.
    pub(crate) fn cut(&self, path: &str) {
        self.state().cut.insert(path.to_owned());
    }

    /// From now on the file stops coming in the middle, and the connection stays open.
    pub(crate) fn stall(&self, path: &str) {
        self.state().stalled.insert(path.to_owned());
    }

    /// Whether the browser has hung up on a stalled file.
    pub(crate) fn given_up(&self, path: &str) -> bool {
        self.state().given_up.contains(path)
    }

    /// From now on nothing is answered, or everything again.
    pub(crate) fn go_away(&self, away: bool) {
        self.state().away = away;
    }

    /// Number of requests for a whole file.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|other| *other == path).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
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
        let head = request.starts_with("HEAD ");
        let (overlaid, cut, stalled) = {
            let mut state = self.state();
            if state.away {
                return Ok(());
            }
            if !head {
                state.asked.push(path.to_owned());
            }
            (state.files.get(path).cloned(), state.cut.contains(path), state.stalled.contains(path))
        };
        let found = overlaid.unwrap_or_else(|| std::fs::read(root.join(path)).ok());
        let Some(bytes) = found else {
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
        if head {
            return Ok(());
        }
        if cut || stalled {
            stream.write_all(&bytes[..bytes.len() / 2])?;
        } else {
            stream.write_all(&bytes)?;
        }
        if stalled {
            // No further request comes on this connection: this blocks until it is closed.
            let _ = reader.read(&mut [0]);
            self.state().given_up.insert(path.to_owned());
        }
        Ok(())
    }
}
