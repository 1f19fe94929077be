//! Signals: Ctrl-C, a request to terminate, a terminal that was closed.
//!
//! Where work can be saved, the first asks for that and the second ends the program at once. Two of
//! them within a second are one wish: `timeout` and shells signal a program and then its group.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{files, print};

/// How long further signals mean what the first did.
const ONE_WISH: Duration = Duration::from_secs(1);

/// As a shell reports a program that Ctrl-C ended.
const STATUS: i32 = 130;

/// Whether the user wants the work to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether there is work that can be saved.
    saves: AtomicBool,
    requested: AtomicBool,
    /// When the first signal was answered on the screen.
    answered: Mutex<Option<Instant>>,
}

impl Interrupt {
    /// Watches for signals. Until [`Self::saves`] each of them ends the program, and files that are
    /// being written are removed.
    pub(crate) fn watch() -> Self {
        let interrupt = Self::default();
        let state = Arc::clone(&interrupt.0);
        if let Err(error) = ctrlc::set_handler(move || state.signal()) {
            log::warn!("cannot watch for Ctrl-C: {error}");
        }
        interrupt
    }

    /// From now on the work can be saved, and is if asked for.
    pub(crate) fn saves(&self) {
        self.0.saves.store(true, Ordering::SeqCst);
    }

    /// Asks for the end.
    pub(crate) fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked for.
    pub(crate) fn requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }
}

impl State {
    /// What a signal does, on the thread that waits for signals.
    fn signal(&self) {
        if !self.saves.load(Ordering::SeqCst) {
            end();
        }
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        match *answered {
            None => {
                self.requested.store(true, Ordering::SeqCst);
                print::note("saving after this step; interrupt again to end at once");
                *answered = Some(Instant::now());
            }
            Some(at) if at.elapsed() >= ONE_WISH => end(),
            Some(_) => {}
        }
    }
}

fn end() -> ! {
    files::remove_unfinished();
    std::process::exit(STATUS)
}
