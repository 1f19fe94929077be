//! The browser under test, with helpers.

use std::any::Any;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use crate::driver::{Driver, GLANCE, PATIENCE};
use crate::site::root;

/// Browsers share the machine, but for those whose timing is tested: they have it alone.
static MACHINE: RwLock<()> = RwLock::new(());

/// Selector of the error message.
pub(crate) const ALERT: &str = "(document.querySelector('[role=alert]')?.textContent ?? '')";
/// Selector of the prompt.
pub(crate) const PROMPT: &str = "document.querySelector('#prompt').value";
/// Words of the text that are wider than their place.
pub(crate) const SQUEEZED: &str = "[...document.querySelectorAll('.token')] \
    .filter(t => t.firstElementChild.offsetWidth > t.offsetWidth + 1).map(t => t.textContent)";

/// A browser with its driver.
pub(crate) struct Browser {
    driver: Driver,
    /// Where it saves files.
    pub(crate) downloads: PathBuf,
    _turn: Box<dyn Any>,
}

/// A place on the machine among other browsers, or alone; held as long as a browser runs.
fn turn(alone: bool) -> Box<dyn Any> {
    if alone {
        Box::new(MACHINE.write().unwrap_or_else(PoisonError::into_inner))
    } else {
        Box::new(MACHINE.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// WebGPU support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gpu {
    /// WebGPU on Chromium's software driver.
    Software,
    /// No WebGPU at all.
    None,
}

impl Browser {
    /// Chromium, beside other browsers.
    pub(crate) fn start(name: &str, gpu: Gpu) -> Self {
        Self::chromium(name, gpu, turn(false))
    }

    /// Chromium while no other browser runs: for tests of timing.
    pub(crate) fn start_alone(name: &str, gpu: Gpu) -> Self {
        Self::chromium(name, gpu, turn(true))
    }

    fn chromium(name: &str, gpu: Gpu, turn: Box<dyn Any>) -> Self {
        let downloads = Self::empty_downloads(name);
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-sync",
            "--disable-quic",
            "--no-first-run",
            "--window-size=1280,900",
            "--hide-scrollbars",
            // A name for this machine that browsers do not trust as they trust its own address.
            "--host-resolver-rules=MAP classroom.test 127.0.0.1",
        ];
        match gpu {
            Gpu::Software => arguments.push("--enable-unsafe-webgpu"),
            Gpu::None => arguments.push("--disable-features=WebGPU,WebGPUService"),
        }
        let driver = Driver::chromium(&arguments, &downloads);
        let browser = Self { driver, downloads, _turn: turn };
        // Longer tasks than 50 ms are told by the browser itself; what the engine says is kept.
        let mut observe = "window.longestTask = 0; new PerformanceObserver(list => { \
            for (const task of list.getEntries()) \
                window.longestTask = Math.max(window.longestTask, task.duration); \
            }).observe({ entryTypes: ['longtask'] }); \
            window.events = []; \
            window.Worker = class extends Worker { \
                constructor(...all) { \
                    super(...all); \
                    this.addEventListener('message', ({ data }) => window.events.push(data)); \
                } \
            };"
        .to_owned();
        if gpu == Gpu::None {
            observe += "Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined });";
        }
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": observe }));
        browser
    }

    /// Firefox, which computes on the CPU.
    pub(crate) fn firefox(name: &str) -> Self {
        let turn = turn(false);
        let downloads = Self::empty_downloads(name);
        Self { driver: Driver::firefox(&downloads), downloads, _turn: turn }
    }

    /// An empty folder for what is saved.
    fn empty_downloads(name: &str) -> PathBuf {
        let downloads = root().join("target").join("downloads").join(name);
        // A folder that is not there is as empty as a removed one.
        let _ = std::fs::remove_dir_all(&downloads);
        std::fs::create_dir_all(&downloads).expect("target is ours");
        downloads
    }

    pub(crate) fn open(&self, url: &str) {
        self.driver.send("url", &json!({ "url": url })).expect("the server answers");
    }

    /// Opens the page and waits for its model.
    pub(crate) fn open_ready(&self, url: &str) {
        self.open(url);
        self.wait_ready();
    }

    /// Waits until the page can write.
    pub(crate) fn wait_ready(&self) {
        self.wait("document.querySelector('.primary')?.disabled === false");
    }

    /// Runs a function body with arguments.
    pub(crate) fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        self.driver
            .send("execute/sync", &json!({ "script": script, "args": arguments }))
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs an asynchronous function body, for instance `return await fetch(...)`; the arguments
    /// are `given`.
    pub(crate) fn run(&self, body: &str, arguments: &[Value]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1], given = arguments; \
             (async () => {{ {body} }})().then(value => done({{ value }}), error => done({{ error: String(error) }}));"
        );
        let mut answer = self
            .driver
            .send("execute/async", &json!({ "script": script, "args": arguments }))
            .unwrap_or_else(|error| panic!("{body}: {error}"));
        assert!(answer.get("error").is_none(), "{body}: {}", answer["error"]);
        answer["value"].take()
    }

    /// The value of a JavaScript expression.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        self.execute(&format!("return ({expression});"), &[])
    }

    /// The text that an expression gives.
    pub(crate) fn text(&self, expression: &str) -> String {
        self.eval(expression).as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn number(&self, expression: &str) -> f64 {
        self.eval(expression).as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&self, condition: &str) {
        let started = Instant::now();
        while self.eval(condition) != Value::Bool(true) {
            if started.elapsed() > PATIENCE {
                let text = self.text("document.body.innerText");
                panic!("waited in vain for {condition}; the page says:\n{text}\n{}", self.log());
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Messages of the browser's console.
    pub(crate) fn log(&self) -> String {
        let log = self.driver.send("se/log", &json!({ "type": "browser" }));
        log.map_or_else(|error| error, |log| log.to_string())
    }

    pub(crate) fn click(&self, selector: &str) {
        self.wait(&format!("!!document.querySelector({selector:?})"));
        self.eval(&format!("document.querySelector({selector:?}).click() ?? true"));
    }

    /// Clicks the button with this label.
    pub(crate) fn press(&self, name: &str) {
        let found = format!(
            "[...document.querySelectorAll('button')].find(b => !b.disabled && (b.textContent.trim() === {name:?} || b.ariaLabel === {name:?}))"
        );
        self.wait(&format!("!!{found}"));
        self.eval(&format!("{found}.click() ?? true"));
    }

    /// Sets a field as typing does.
    pub(crate) fn fill(&self, selector: &str, value: &str) {
        self.wait(&format!("!!document.querySelector({selector:?})"));
        let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; \
            e.dispatchEvent(new Event('input', { bubbles: true })); \
            e.dispatchEvent(new Event('change', { bubbles: true }));";
        self.execute(script, &[selector.into(), value.into()]);
    }

    /// Presses a key on an element.
    pub(crate) fn key(&self, element: &str, key: &str) {
        self.eval(&format!(
            "{element}.dispatchEvent(new KeyboardEvent('keydown', {{ key: {key:?}, bubbles: true }}))"
        ));
    }

    /// An event of the left mouse button at `[x, y]`.
    pub(crate) fn mouse(&self, kind: &str, place: &Value) {
        let buttons = if kind == "mouseReleased" { 0 } else { 1 };
        let event = json!({
            "type": kind, "x": place[0], "y": place[1],
            "button": "left", "buttons": buttons, "clickCount": 1,
        });
        self.devtools("Input.dispatchMouseEvent", &event);
    }

    /// The text as it stands, masks as `_`.
    pub(crate) fn story(&self) -> Vec<String> {
        let tokens = self.eval(
            "[...document.querySelectorAll('.token')].sort((a, b) => a.dataset.position - b.dataset.position)\
             .map(t => t.classList.contains('masked') ? '_' : t.textContent)",
        );
        serde_json::from_value(tokens).expect("texts")
    }

    /// The step that is shown.
    pub(crate) fn step(&self) -> u32 {
        self.text("document.querySelector('.step-now').textContent").parse().expect("a number")
    }

    /// Waits until the page shows at least this step.
    pub(crate) fn wait_step(&self, step: u32) {
        self.wait(&format!("Number(document.querySelector('.step-now')?.textContent) >= {step}"));
    }

    /// Begins a run and waits for its end.
    pub(crate) fn write_to_the_end(&self) {
        self.press("Write");
        self.wait_finished();
    }

    /// Waits for the end of a run.
    pub(crate) fn wait_finished(&self) {
        let finished = "[...document.querySelectorAll('[role=status]')].some(s => s.textContent === 'Finished writing.')";
        let step = "(document.querySelector('.step-now')?.textContent ?? '')";
        // However slow the machine: it is alive as long as steps are done.
        while self.eval(finished) != Value::Bool(true) {
            let before = self.text(step);
            self.wait(&format!("{finished} || {step} !== '{before}'"));
        }
    }

    /// axe-core finds no fault with this state, dark or light.
    pub(crate) fn check_access(&self, state: &str) {
        for theme in ["dark", "light"] {
            self.theme(theme);
            self.settle();
            assert_eq!(self.axe(), json!([]), "{state}, {theme}");
        }
    }

    /// What axe-core finds fault with.
    pub(crate) fn axe(&self) -> Value {
        if self.eval("'axe' in window") != Value::Bool(true) {
            let file = root().join("e2e/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}; run `npm ci` in e2e", file.display()));
            self.execute(&axe, &[]);
        }
        self.run(
            "const result = await axe.run(); \
             return result.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join(', '));",
            &[],
        )
    }

    /// Sets light or dark.
    pub(crate) fn theme(&self, theme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": theme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Waits until lines are wrapped anew and colours have changed, which takes less than a second.
    /// What moves for ever moves on, and while a busy machine draws no frame, nothing ends.
    pub(crate) fn settle(&self) {
        self.run(
            "const settled = async () => { \
                 for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); \
                 const ends = a => a.effect.getComputedTiming().endTime !== Infinity; \
                 const all = document.getAnimations().filter(ends); \
                 await Promise.all(all.map(a => a.finished.catch(() => 0))); \
             }; \
             await Promise.race([settled(), new Promise(wake => setTimeout(wake, 5000))]);",
            &[],
        );
    }

    /// Pictures of the page: light and dark, wide and narrow.
    pub(crate) fn pictures(&self, name: &str) {
        let window = "`${innerWidth} ${innerHeight}`";
        let before = self.text(window);
        for theme in ["light", "dark"] {
            self.theme(theme);
            for (width, size) in [("wide", (1280, 900)), ("phone", (390, 844))] {
                let metrics = json!({
                    "width": size.0, "height": size.1, "deviceScaleFactor": 1,
                    "mobile": width == "phone",
                });
                self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
                self.settle();
                let overflow = self.number(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
                );
                let sideways = format!("{name}, {width}: the page scrolls sideways by {overflow}");
                assert!(overflow <= 0.0, "{sideways}");
                self.picture(&format!("{name}-{theme}-{width}"));
            }
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [] }));
        // The window is given its size back a little later, and then lines are wrapped anew.
        self.wait(&format!("{window} === '{before}'"));
        self.settle();
    }

    /// A picture of the page as it is.
    pub(crate) fn picture(&self, name: &str) {
        let shot =
            self.devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        Self::keep(name, &shot["data"]);
    }

    /// A picture of what any browser shows of the page.
    pub(crate) fn visible(&self, name: &str) {
        let shot = self.driver.screenshot().expect("a picture");
        Self::keep(name, &shot);
    }

    fn keep(name: &str, png: &Value) {
        let folder = root().join("target").join("screenshots");
        std::fs::create_dir_all(&folder).expect("target is ours");
        let png = BASE64.decode(png.as_str().expect("a picture")).expect("base64");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("target is ours");
    }

    /// Sends a command of Chromium's own protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.driver
            .devtools(command, parameters)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The file that the page saves under `name`, when it is complete.
    pub(crate) fn saved(&self, name: &str) -> PathBuf {
        self.saved_as(&[name])
    }

    /// The file that the page saves under one of these names, when it is complete.
    pub(crate) fn saved_as(&self, names: &[&str]) -> PathBuf {
        let started = Instant::now();
        loop {
            // The browser reserves the name with an empty file, and renames the whole one to it.
            let mut files = names.iter().map(|name| self.downloads.join(name));
            if let Some(file) = files.find(|file| file.metadata().is_ok_and(|it| it.len() > 0)) {
                return file;
            }
            assert!(started.elapsed() < PATIENCE, "{names:?} was not saved; {}", self.log());
            std::thread::sleep(GLANCE);
        }
    }

    /// The trace that the page saves.
    pub(crate) fn trace(&self) -> plot::Trace {
        self.press("Save trace");
        let file = self.saved("cinnabar-trace.json");
        let json = std::fs::read_to_string(&file).expect("just saved");
        std::fs::remove_file(&file).expect("just saved");
        plot::Trace::from_json(&json).unwrap_or_else(|error| panic!("the page's trace: {error}"))
    }
}
