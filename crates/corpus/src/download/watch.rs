//! A hub that keeps silent, and when the user is told.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Told, in a sentence, that a hub keeps silent. Called on a thread of its own.
pub type OnSilence = Arc<dyn Fn(&str) + Send + Sync>;

/// Silence of this length is told.
const SILENCE: Duration = Duration::from_secs(4);
/// And again whenever it has lasted this much longer.
const AGAIN: Duration = Duration::from_secs(30);

/// A request that is under way.
#[derive(Debug)]
struct Waiting {
    url: String,
    /// Since when nothing has come.
    since: Instant,
    /// When to tell.
    due: Instant,
    /// Why the last attempt failed.
    reason: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Option<Waiting>,
    ends: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Watches requests.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn new(on_silence: OnSilence) -> Self {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = std::thread::spawn(move || its.watch(&on_silence));
        Self { shared, thread: Some(thread) }
    }

    /// A request for `url` begins.
    pub(super) fn begin(&self, url: &str) {
        let since = Instant::now();
        let due = since + SILENCE;
        self.shared.state().waiting =
            Some(Waiting { url: url.to_owned(), since, due, reason: None });
        self.shared.changed.notify_all();
    }

    /// Something came.
    pub(super) fn heard(&self) {
        if let Some(waiting) = &mut self.shared.state().waiting {
            waiting.since = Instant::now();
            waiting.due = waiting.since + SILENCE;
        }
    }

    /// An attempt failed; there will be another one.
    pub(super) fn failed(&self, reason: &str) {
        if let Some(waiting) = &mut self.shared.state().waiting {
            waiting.reason = Some(reason.to_owned());
        }
    }

    /// The request is over.
    pub(super) fn end(&self) {
        self.shared.state().waiting = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state().ends = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nothing to give; its panic was printed.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, on_silence: &OnSilence) {
        let mut state = self.state();
        while !state.ends {
            let now = Instant::now();
            let Some(waiting) = &mut state.waiting else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if now < waiting.due {
                let rest = waiting.due - now;
                let woken = self.changed.wait_timeout(state, rest);
                state = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            waiting.due = now + AGAIN;
            let said = sentence(waiting, now);
            // Printing must not hold up the download.
            drop(state);
            on_silence(&said);
            state = self.state();
        }
    }
}

fn sentence(waiting: &Waiting, now: Instant) -> String {
    let seconds = (now - waiting.since).as_secs();
    let reason = waiting.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
    format!(
        "nothing has come from {} for {seconds} s{reason}; still trying, Ctrl-C ends it",
        waiting.url
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_and_nothing_else() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let its = Arc::clone(&told);
        let watch = Watch::new(Arc::new(move |said: &str| {
            its.lock().expect("no panic").push(said.to_owned());
        }));
        let told = || told.lock().expect("no panic").clone();
        watch.begin("http://a");
        std::thread::sleep(SILENCE / 2);
        watch.heard();
        watch.failed("refused");
        std::thread::sleep(SILENCE * 3 / 4);
        assert!(told().is_empty());
        std::thread::sleep(SILENCE / 2);
        let expected =
            "nothing has come from http://a for 4 s (refused); still trying, Ctrl-C ends it";
        assert_eq!(told(), [expected]);
        watch.end();
    }
}
