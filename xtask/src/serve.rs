//! A small static file server for the built page: what any host does, on this machine alone.

use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Ports to try, the usual one first.
const PORTS: std::ops::Range<u16> = 8080..8100;
/// Longest request line and headers, in bytes.
const LONGEST_REQUEST: u64 = 64 << 10;
/// How long a browser may take for its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves `folder` until the program is ended, and prints the address.
///
/// # Errors
/// When no port is free.
pub(crate) fn serve(folder: &Path) -> Result<()> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let listener = PORTS.into_iter().find_map(bind).with_context(|| {
        format!("ports {} to {} are all taken; free one", PORTS.start, PORTS.end - 1)
    })?;
    println!("\nThe page: http://{}/   (Ctrl-C ends it)", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        let folder = folder.to_owned();
        // A browser that hangs up early is no fault of the server.
        thread::spawn(move || drop(answer(stream, &folder)));
    }
    Ok(())
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?.take(LONGEST_REQUEST));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let mut words = request.split(' ');
    let (method, address) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = local(address).map(|path| folder.join(path)).unwrap_or_default();
    let Ok(bytes) = fs::read(&path) else {
        return write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n",
        kind(&path),
        bytes.len()
    )?;
    if method == "HEAD" {
        return Ok(());
    }
    stream.write_all(&bytes)
}

/// The file that an address means; `None` for one that leads out of the folder.
fn local(address: &str) -> Option<PathBuf> {
    let path = address.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| path.to_owned())
}

/// The MIME type of a file, by the end of its name.
fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|end| end.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_in_the_folder() {
        assert_eq!(local("/"), Some("index.html".into()));
        assert_eq!(local("/models/a.json?x=1"), Some("models/a.json".into()));
        for bad in ["/../secret", "//etc/passwd", "index.html", "/a/../../b"] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }

    #[test]
    fn files_come_with_their_type() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("cinnabar-serve-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("a.wasm"), b"\0asm")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let served = folder.clone();
        let server = thread::spawn(move || -> std::io::Result<()> {
            for _ in 0..3 {
                answer(listener.accept()?.0, &served)?;
            }
            Ok(())
        });
        let ask = |request: &str| -> std::io::Result<String> {
            let mut stream = TcpStream::connect(address)?;
            write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let (got, head, missing) = (ask("GET /a.wasm")?, ask("HEAD /a.wasm")?, ask("GET /b")?);
        assert!(got.contains("application/wasm") && got.ends_with("\r\n\r\n\0asm"), "{got}");
        assert!(head.contains("Content-Length: 4") && head.ends_with("\r\n\r\n"), "{head}");
        assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
        server.join().expect("the server does not panic")?;
        fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
