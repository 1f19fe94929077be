//! The WebDriver protocol: JSON over HTTP to chromedriver.

use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Slow machines share their two cores with other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at whether something has happened.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// A browser under chromedriver; both end with it.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    session: String,
}

impl Driver {
    /// Starts chromedriver, and Chromium with these arguments; files are saved to `downloads`.
    pub(crate) fn start(arguments: &[&str], downloads: &std::path::Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            // The browser brings its own graphics driver.
            .env_remove("VK_DRIVER_FILES")
            .env_remove("VK_ICD_FILENAMES")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: cargo xtask setup");
        let mut driver = Self { process, port, session: String::new() };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "chromedriver does not answer");
            std::thread::sleep(GLANCE);
        }
        let chromium = json!({
            "args": arguments,
            "prefs": {
                "download.default_directory": downloads,
                "download.prompt_for_download": false,
                "profile.default_content_setting_values.automatic_downloads": 1,
            },
        });
        let capabilities = json!({
            "goog:chromeOptions": chromium,
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": PATIENCE.as_millis() as u64 },
        });
        let answer = driver
            .call("POST", "/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }))
            .expect("Chromium starts");
        driver.session = answer["sessionId"].as_str().expect("a session").to_owned();
        driver
    }

    /// A command of the session.
    ///
    /// # Errors
    /// What the driver says went wrong.
    pub(crate) fn send(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", &format!("/session/{}/{path}", self.session), body)
    }

    /// A command of Chromium's own protocol.
    ///
    /// # Errors
    /// What the driver says went wrong.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.send("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = body.to_string();
        let answer = self.exchange(method, path, &body).map_err(|error| error.to_string())?;
        let mut answer: Value =
            serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))?;
        let value = answer["value"].take();
        match value.get("error") {
            Some(_) => Err(value["message"].as_str().unwrap_or("no reason given").to_owned()),
            None => Ok(value),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        let (port, length) = (self.port, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        // The driver may keep the connection open: the head says how long the answer is.
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(Error::other("the driver hung up"));
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(Error::other)?;
                }
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed: it is told to end first. What is already
        // gone is as good.
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
