//! The WebDriver protocol: JSON over HTTP to chromedriver.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Slow machines share their two cores with other work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Polling interval.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Most bytes of an answer: pictures of long pages.
const LARGEST_ANSWER: u64 = 256 << 20;

/// A browser under chromedriver; both end with it.
pub(crate) struct Driver {
    process: Child,
    agent: ureq::Agent,
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
            .post("/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }))
            .expect("Chromium starts");
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
        let mut answer = request.send(body.to_string()).map_err(|error| error.to_string())?;
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
