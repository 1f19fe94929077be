//! Replay of recorded frames.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::App;

impl App {
    /// Plays the shown run from a frame on; a run that is not finished then goes on.
    pub fn play(self, from: usize) {
        self.head.set(from);
        self.keep_time(move || {
            let head = self.head.get_untracked();
            if let Some(next) = self.tree.with_untracked(|tree| tree.shown()?.next_change(head)) {
                self.head.set(next);
                return;
            }
            self.stop_replay();
            if !self.finished() {
                self.go_on();
            }
        });
    }

    /// Calls `tick` at the chosen pace until the replay is stopped.
    pub(super) fn keep_time(self, tick: impl Fn() + 'static) {
        self.replaying.set(true);
        let number = self.replay.get_value() + 1;
        self.replay.set_value(number);
        spawn_local(async move {
            loop {
                let pace = self.pace.get_untracked();
                // Full speed still shows every frame.
                TimeoutFuture::new(1000u32.checked_div(pace).unwrap_or(16)).await;
                if self.replay.get_value() != number {
                    return;
                }
                tick();
            }
        });
    }

    /// Stops playing.
    pub fn stop_replay(self) {
        self.replay.update_value(|number| *number += 1);
        self.replaying.set(false);
    }
}
