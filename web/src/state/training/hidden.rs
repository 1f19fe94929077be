//! A tab that is hidden: browsers slow it down or end it, so the training is stored, and what it did
//! meanwhile is told.

use leptos::prelude::*;
use web_time::Instant;

use super::Phase;
use crate::state::App;

impl App {
    /// Follows whether the tab is seen.
    pub(super) fn watch_visibility(self) {
        window_event_listener_untyped("visibilitychange", move |_| {
            if document().hidden() { self.hides() } else { self.shows() }
        });
    }

    fn hides(self) {
        let training = self.training;
        if training.phase.get_untracked() == Phase::Going {
            training.hidden.set_value(Some((Instant::now(), training.pulse.get_untracked().step)));
            self.store_and_go_on();
        }
    }

    fn shows(self) {
        let training = self.training;
        let Some((since, step)) = training.hidden.try_update_value(Option::take).flatten() else {
            return;
        };
        let (now, usual) = training.info.with_untracked(|info| {
            (training.pulse.get_untracked(), info.as_ref().map_or(0.0, |info| info.step_ms))
        });
        let seconds = since.elapsed().as_secs_f64();
        self.tell(&told(now.step - step.min(now.step), seconds, usual));
    }
}

/// What happened while the tab was hidden for some seconds.
fn told(steps: u32, seconds: f64, usual_ms: f64) -> String {
    let slow = f64::from(steps) * usual_ms * 1e-3 < 0.5 * seconds && seconds > 5.0;
    let steps = match steps {
        1 => "1 step was done".to_owned(),
        steps => format!("{steps} steps were done"),
    };
    let why = if slow { ", slower than usual: browsers hold hidden tabs back" } else { "" };
    format!("While the tab was hidden, {steps}{why}.")
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_slowed_tab_is_told() {
        assert_eq!(told(100, 50.0, 400.0), "While the tab was hidden, 100 steps were done.");
        assert!(told(1, 60.0, 400.0).contains("1 step was done, slower than usual"));
        assert!(!told(0, 1.0, 400.0).contains("slower"));
    }
}
