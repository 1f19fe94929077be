//! The WebDriver protocol: JSON over HTTP to chromedriver and geckodriver.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

/// Slow machines share their two cores with other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Polling interval.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Most bytes of an answer: pictures of long pages.
const LARGEST_ANSWER: u64 = 256 << 20;

/// A browser under its driver; both end with it.
pub(crate) struct Driver {
    process: Child,
    agent: ureq::Agent,
    port: u16,
    session: String,
}

impl Driver {
    /// Starts Chromium with these arguments; files are saved to `downloads`.
    pub(crate) fn chromium(arguments: &[&str], downloads: &Path) -> Self {
        let options = json!({
            "args": arguments,
            "prefs": {
                "download.default_directory": downloads,
                "download.prompt_for_download": false,
                "profile.default_content_setting_values.automatic_downloads": 1,
            },
        });
        let capabilities =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        Self::start("chromedriver", capabilities)
    }

    /// Starts Firefox, without WebGPU; files are saved to `downloads`.
    pub(crate) fn firefox(downloads: &Path) -> Self {
        let found = ["firefox-esr", "firefox"].into_iter().find_map(which);
        let options = json!({
            "binary": found.expect("Firefox is installed: cargo xtask setup"),
            "args": ["-headless", "-width", "1280", "-height", "900"],
            "prefs": {
                "dom.webgpu.enabled": false,
                "browser.download.folderList": 2,
                "browser.download.dir": downloads,
                "browser.download.alwaysOpenPanel": false,
                "browser.download.always_ask_before_handling_new_types": false,
            },
        });
        Self::start("geckodriver", json!({ "moz:firefoxOptions": options }))
    }

    fn start(program: &str, mut capabilities: Value) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = Command::new(program)
            .arg(format!("--port={port}"))
            // The browser brings its own graphics driver.
            .env_remove("VK_DRIVER_FILES")
            .env_remove("VK_ICD_FILENAMES")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; cargo xtask setup installs it"));
        let agent = ureq::Agent::config_builder()
            // The response contains the error.
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(2 * PATIENCE))
            .build()
            .new_agent();
        let mut driver = Self { process, agent, port, session: String::new() };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "{program} does not answer");
            std::thread::sleep(GLANCE);
        }
        capabilities["timeouts"] = json!({ "script": PATIENCE.as_millis() as u64 });
        let answer = driver
            .post("/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }))
            .expect("the browser starts");
        driver.session = answer["sessionId"].as_str().expect("a session").to_owned();
        driver
    }

    /// A command of the session.
    ///
    /// # Errors
    /// The error message of the driver.
    pub(crate) fn send(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.post(&format!("/session/{}/{path}", self.session), body)
    }

    /// A command of Chromium's own protocol.
    ///
    /// # Errors
    /// The error message of the driver.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.send("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let address = format!("http://127.0.0.1:{}{path}", self.port);
        let request = self.agent.post(address).content_type("application/json");
        Self::value(request.send(body.to_string()))
    }

    /// The visible part of the page, a PNG in base64.
    ///
    /// # Errors
    /// The error message of the driver.
    pub(crate) fn screenshot(&self) -> Result<Value, String> {
        let Self { agent, port, session, .. } = self;
        let address = format!("http://127.0.0.1:{port}/session/{session}/screenshot");
        Self::value(agent.get(address).call())
    }

    fn value(answer: Result<Response<Body>, ureq::Error>) -> Result<Value, String> {
        let mut answer = answer.map_err(|error| error.to_string())?;
        let answer = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        let answer = answer.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&answer)))?;
        let value = answer["value"].take();
        match value.get("error") {
            Some(_) => Err(value["message"].as_str().unwrap_or("no reason given").to_owned()),
            None => Ok(value),
        }
    }
}

/// Where a program of PATH is.
fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let mut all = std::env::split_paths(&path).map(|folder| folder.join(&file));
    all.find(|file| file.is_file())
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Chromium outlives a driver that is killed: it is told to end first. What is already
        // gone is as good.
        if !self.session.is_empty() {
            let address = format!("http://127.0.0.1:{}/session/{}", self.port, self.session);
            let _ = self.agent.delete(address).call();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
