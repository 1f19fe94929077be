//! The state of the page as signals, and the actions on it.

mod actions;
mod comparing;
mod draft;
mod editing;
mod events;
mod lesson;
mod loading;
mod replay;
mod requests;
mod retrace;
mod tour;
pub mod training;
pub mod tree;
mod visits;

use std::sync::Arc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use crate::link::{Kind, Link};
use crate::made::Made;
use crate::protocol::{Compute, Fault, ModelEntry, ModelInfo, Request, Stage};

pub use comparing::{Comparison, Right};
pub use lesson::Lesson;
pub use training::Training;
pub use tree::{Branch, Edit, Tree};

/// State of the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineState {
    /// Starting; it has not answered yet.
    Starting,
    /// Loading a model.
    Loading(Loading),
    /// Ready to write.
    Ready,
    /// Failed; the fault says why.
    Failed,
}

/// Loading progress; files and shaders load at the same time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loading {
    /// Download and checks.
    pub files: Option<Stage>,
    /// Adapter and shaders.
    pub device: Option<Stage>,
}

/// Measurements of the last steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Speed {
    /// Steps of this run that were measured.
    pub steps: u32,
    /// Mean time of a step, in milliseconds.
    pub ms: f64,
    /// Bytes that the device holds.
    pub memory: u64,
}

/// The state of the whole page. Copies share the same signals.
#[derive(Clone, Copy)]
pub struct App {
    /// What to write and how: the controls.
    pub request: RwSignal<Request>,
    /// Steps per second of a run or replay; 0 is as fast as possible.
    pub pace: RwSignal<u32>,
    /// State of the engine.
    pub engine: RwSignal<EngineState>,
    /// The last fault that was not dismissed.
    pub fault: RwSignal<Option<Fault>>,
    /// The models listed in `models.json`.
    pub models: RwSignal<Vec<ModelEntry>>,
    /// Id of the selected model; empty for a dropped one.
    pub chosen: RwSignal<String>,
    /// The model that is loaded.
    pub info: RwSignal<Option<Arc<ModelInfo>>>,
    /// All runs.
    pub tree: RwSignal<Tree>,
    /// Index of the frame that is shown.
    pub head: RwSignal<usize>,
    /// A run is in progress.
    pub running: RwSignal<bool>,
    /// A replay is in progress.
    pub replaying: RwSignal<bool>,
    /// The two texts that are shown beside each other.
    pub compared: RwSignal<Option<Comparison>>,
    /// Index of the moment of both that is shown.
    pub moment: RwSignal<usize>,
    /// Where the lesson stands, if one is given.
    pub lesson: RwSignal<Option<Lesson>>,
    /// The card of the tour that is open.
    pub tour: RwSignal<Option<usize>>,
    /// The tour has been seen, or refused.
    pub toured: RwSignal<bool>,
    /// What the lines under the words show.
    pub lines: RwSignal<Underline>,
    /// The text fills the screen, and every key is a step.
    pub lecture: RwSignal<bool>,
    /// Position of the token whose card is open.
    pub inspected: RwSignal<Option<usize>>,
    /// The document that is open.
    pub reading: RwSignal<Option<Reading>>,
    /// Measurements.
    pub speed: RwSignal<Speed>,
    /// The training.
    pub training: Training,
    /// Text of the aria-live region, for screen readers.
    pub said: RwSignal<String>,
    /// Text of the toast.
    pub toast: RwSignal<String>,
    link: StoredValue<Option<Link>, LocalStorage>,
    /// The visitor's own prompt and settings, which links and examples leave alone.
    draft: StoredValue<Request>,
    /// The fragment of the address that the page shows.
    fragment: StoredValue<String>,
    /// What the run that is about to begin was asked for, the fragment of its link, and changes.
    begun: StoredValue<Option<(Request, String, Vec<Made>)>>,
    /// Changes that the link of a visit tells.
    told: StoredValue<Vec<Made>>,
    /// The next run is what the address asks for: it is no new place in the history.
    visiting: StoredValue<bool>,
    next_run: StoredValue<u32>,
    /// Number of the current replay; timers of older ones stop.
    replay: StoredValue<u32>,
    /// Start writing as soon as the model is ready: for a share link, or an example.
    eager: RwSignal<bool>,
    /// Message to show when the model is ready.
    remark: StoredValue<Option<Fault>>,
    /// The model that is loaded.
    standing: StoredValue<Option<loading::Load>, LocalStorage>,
    /// The model that is being loaded, or could not be and may be tried again.
    coming: StoredValue<Option<loading::Load>, LocalStorage>,
    /// A run was going on when the load began: it goes on if the load fails.
    interrupted: StoredValue<bool>,
    /// Device for the next load.
    compute: StoredValue<Compute>,
    /// The engine takes commands.
    listening: StoredValue<bool>,
    /// The engine that runs, or starts.
    kind: StoredValue<Kind>,
}

/// A document that is open beside the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Address of the file.
    pub file: String,
    /// Anchor of the chapter; empty for the beginning.
    pub anchor: String,
}

/// What the lines under the words show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underline {
    /// How sure the model was.
    #[default]
    Confidence,
    /// When each word was written.
    Order,
    /// There are none.
    None,
}

/// The default settings for a model, if there is one.
fn defaults_of(info: Option<&ModelInfo>) -> Request {
    info.map_or_else(Request::default, |info| info.defaults.clone())
}

impl App {
    /// The settings with which the model's texts read best.
    pub fn defaults(self) -> Request {
        self.info.with(|info| defaults_of(info.as_deref()))
    }

    fn defaults_untracked(self) -> Request {
        self.info.with_untracked(|info| defaults_of(info.as_deref()))
    }

    /// The initial state.
    pub fn new() -> Self {
        Self {
            request: RwSignal::new(Request::default()),
            pace: RwSignal::new(12),
            engine: RwSignal::new(EngineState::Starting),
            fault: RwSignal::new(None),
            models: RwSignal::new(vec![]),
            chosen: RwSignal::new(String::new()),
            info: RwSignal::new(None),
            tree: RwSignal::new(Tree::default()),
            head: RwSignal::new(0),
            running: RwSignal::new(false),
            replaying: RwSignal::new(false),
            compared: RwSignal::new(None),
            moment: RwSignal::new(0),
            lesson: RwSignal::new(None),
            tour: RwSignal::new(None),
            toured: RwSignal::new(false),
            lines: RwSignal::new(Underline::default()),
            lecture: RwSignal::new(false),
            inspected: RwSignal::new(None),
            reading: RwSignal::new(None),
            speed: RwSignal::new(Speed::default()),
            training: Training::new(),
            said: RwSignal::new(String::new()),
            toast: RwSignal::new(String::new()),
            link: StoredValue::new_local(None),
            draft: StoredValue::new(Request::default()),
            fragment: StoredValue::new(String::new()),
            begun: StoredValue::new(None),
            told: StoredValue::new(vec![]),
            visiting: StoredValue::new(false),
            next_run: StoredValue::new(1),
            replay: StoredValue::new(0),
            eager: RwSignal::new(false),
            remark: StoredValue::new(None),
            standing: StoredValue::new_local(None),
            coming: StoredValue::new_local(None),
            interrupted: StoredValue::new(false),
            compute: StoredValue::new(Compute::Auto),
            listening: StoredValue::new(false),
            kind: StoredValue::new(Kind::default()),
        }
    }

    /// The state from the component context.
    pub fn get() -> Self {
        expect_context()
    }

    /// Whether a run is shown.
    pub fn has_run(self) -> bool {
        self.tree.with(|tree| tree.shown().is_some())
    }

    /// Index of the last frame of the shown run.
    pub fn last(self) -> usize {
        self.tree.with(|tree| tree.shown().map_or(0, Branch::last))
    }

    /// Reads the shown run and frame.
    pub fn with_shown<T>(self, read: impl FnOnce(&Branch, usize) -> T) -> Option<T> {
        let head = self.head.get();
        self.tree.with(|tree| tree.shown().map(|branch| read(branch, head.min(branch.last()))))
    }

    /// As [`Self::with_shown`], without subscribing.
    pub fn with_shown_untracked<T>(self, read: impl FnOnce(&Branch, usize) -> T) -> Option<T> {
        untrack(|| self.with_shown(read))
    }

    /// Whether the shown run was edited in a way that its link does not tell.
    pub fn edited_beyond_link(self) -> bool {
        let beyond = |branch: &Branch| !branch.made.is_empty() && branch.link().is_none();
        self.tree.with(|tree| tree.shown().is_some_and(beyond))
    }

    /// Shows a toast and announces it to screen readers.
    pub fn tell(self, text: &str) {
        self.said.set(text.to_owned());
        self.toast.set(text.to_owned());
        let toast = self.toast;
        let text = text.to_owned();
        leptos::task::spawn_local(async move {
            TimeoutFuture::new(2_500).await;
            if toast.get_untracked() == text {
                toast.set(String::new());
            }
        });
    }

    /// Whether a run or replay is in progress.
    pub fn moving(self) -> bool {
        self.running.get() || self.replaying.get()
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}
