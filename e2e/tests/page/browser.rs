//! A browser and what the tests do with it.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::site::root;

/// Slow machines share their two cores with other work.
const PATIENCE: Duration = Duration::from_secs(120);

/// Chromium with its driver.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    /// Where it saves files.
    pub(crate) downloads: PathBuf,
}

/// What a browser can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gpu {
    /// WebGPU on Chromium's software driver.
    Software,
    /// No WebGPU at all.
    None,
}

impl Browser {
    pub(crate) async fn start(name: &str, gpu: Gpu) -> Self {
        let downloads = root().join("target").join("downloads").join(name);
        // A folder that is not there is as empty as a removed one.
        let _ = std::fs::remove_dir_all(&downloads);
        std::fs::create_dir_all(&downloads).expect("target is ours");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: cargo xtask setup");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "chromedriver does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--no-first-run",
            "--window-size=1280,900",
            "--hide-scrollbars",
        ];
        match gpu {
            Gpu::Software => arguments.push("--enable-unsafe-webgpu"),
            Gpu::None => arguments.push("--disable-features=WebGPU"),
        }
        if gpu == Gpu::None {
            arguments.push("--disable-blink-features=WebGPU");
        }
        let capabilities: Capabilities = serde_json::from_value(json!({
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {
                    "download.default_directory": downloads,
                    "download.prompt_for_download": false,
                },
            },
        }))
        .expect("an object");
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        let browser = Self { client, driver, downloads };
        // Longer tasks than 50 ms are told by the browser itself.
        let observe = "window.longestTask = 0; new PerformanceObserver(list => { \
            for (const task of list.getEntries()) \
                window.longestTask = Math.max(window.longestTask, task.duration); \
            }).observe({ entryTypes: ['longtask'] });";
        browser
            .devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": observe }))
            .await;
        browser
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.expect("the server answers");
    }

    /// Opens the page and waits for its model.
    pub(crate) async fn open_ready(&self, url: &str) {
        self.open(url).await;
        self.wait("!document.querySelector('.primary')?.disabled === true").await;
    }

    /// The value of a JavaScript expression.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.client
            .execute(&script, vec![])
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The text that an expression gives.
    pub(crate) async fn text(&self, expression: &str) -> String {
        self.eval(expression).await.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn number(&self, expression: &str) -> f64 {
        self.eval(expression).await.as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until an expression is true.
    pub(crate) async fn wait(&self, condition: &str) {
        let started = Instant::now();
        while self.eval(condition).await != Value::Bool(true) {
            if started.elapsed() > PATIENCE {
                let text = self.text("document.body.innerText").await;
                panic!("waited in vain for {condition}; the page says:\n{text}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn click(&self, selector: &str) {
        let element = self.client.wait().for_element(Locator::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks the button that says `name`.
    pub(crate) async fn press(&self, name: &str) {
        let found = format!(
            "[...document.querySelectorAll('button')].find(b => b.textContent.trim() === {name:?} || b.ariaLabel === {name:?})"
        );
        self.wait(&format!("!!{found}")).await;
        self.eval(&format!("{found}.click() ?? true")).await;
    }

    /// Sets a field as typing does.
    pub(crate) async fn fill(&self, selector: &str, value: &str) {
        let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; \
            e.dispatchEvent(new Event('input', { bubbles: true })); \
            e.dispatchEvent(new Event('change', { bubbles: true }));";
        let arguments = vec![selector.into(), value.into()];
        self.client
            .execute(script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Runs an asynchronous function body, for instance `return await fetch(...)`.
    pub(crate) async fn run(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             (async () => {{ {body} }})().then(done, error => done('error: ' + error));"
        );
        self.client
            .execute_async(&script, vec![])
            .await
            .unwrap_or_else(|error| panic!("{body}: {error}"))
    }

    /// The text as it stands, masks as `_`.
    pub(crate) async fn story(&self) -> Vec<String> {
        let tokens = self
            .eval(
                "[...document.querySelectorAll('.token')].sort((a, b) => a.dataset.position - b.dataset.position)\
                 .map(t => t.classList.contains('masked') ? '_' : t.textContent)",
            )
            .await;
        serde_json::from_value(tokens).expect("texts")
    }

    pub(crate) async fn step(&self) -> u32 {
        self.text("document.querySelector('.step-now').textContent")
            .await
            .parse()
            .expect("a number")
    }

    /// Begins a run and waits for its end.
    pub(crate) async fn write_to_the_end(&self) {
        self.press("Write").await;
        self.wait("document.querySelector('[role=status]:last-of-type').textContent === 'Finished writing.'")
            .await;
    }

    /// Pictures of the page: light and dark, wide and narrow.
    pub(crate) async fn pictures(&self, name: &str) {
        let folder = root().join("target").join("screenshots");
        std::fs::create_dir_all(&folder).expect("target is ours");
        for theme in ["light", "dark"] {
            self.devtools(
                "Emulation.setEmulatedMedia",
                json!({
                    "features": [{ "name": "prefers-color-scheme", "value": theme }]
                }),
            )
            .await;
            for (width, size) in [("wide", (1280, 900)), ("phone", (390, 844))] {
                self.devtools("Emulation.setDeviceMetricsOverride", json!({
                    "width": size.0, "height": size.1, "deviceScaleFactor": 1, "mobile": width == "phone"
                }))
                .await;
                tokio::time::sleep(Duration::from_millis(150)).await;
                let overflow = self
                    .number("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    .await;
                assert!(
                    overflow <= 0.0,
                    "{name}, {width}: the page scrolls sideways by {overflow}"
                );
                let shot = self
                    .devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true }))
                    .await;
                let base64 = shot["data"].as_str().expect("a picture");
                let file = folder.join(format!("{name}-{theme}-{width}.png"));
                std::fs::write(file, decode_base64(base64)).expect("target is ours");
            }
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
    }

    /// Sends a command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let request = DevTools { command: command.to_owned(), parameters };
        self.client.issue_cmd(request).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The file that the page saves next, when it is complete.
    pub(crate) async fn saved(&self, name: &str) -> PathBuf {
        let file = self.downloads.join(name);
        let started = Instant::now();
        while !file.is_file() {
            assert!(started.elapsed() < PATIENCE, "{name} was not saved");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        file
    }

    pub(crate) async fn close(self) {
        // The driver is ended in any case.
        let _ = self.client.clone().close().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[derive(Debug)]
struct DevTools {
    command: String,
    parameters: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(body.to_string()))
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits =
            group.iter().fold(0, |bits, &byte| bits << 6 | value(byte)) << (6 * (4 - group.len()));
        let bytes = bits.to_be_bytes();
        out.extend(&bytes[1..group.len()]);
    }
    out
}
