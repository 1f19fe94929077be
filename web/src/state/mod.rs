//! What the page knows, as signals, and what a person can do with it.

mod actions;
mod editing;
mod events;
mod loading;
mod replay;
pub mod tree;

use std::sync::Arc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use crate::link::Link;
use crate::protocol::{Compute, Fault, ModelEntry, ModelInfo, Request, Sampler, Stage};

pub use tree::{Branch, Edit, Tree};

/// How the engine stands.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineState {
    /// Not heard of yet.
    Starting,
    /// A model is on its way.
    Loading(Loading),
    /// Ready to write.
    Ready,
    /// It cannot write; the fault says why.
    Failed,
}

/// How far a model has come: its files and its shaders come at the same time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loading {
    /// Of the files.
    pub files: Option<Stage>,
    /// Of the device and its shaders.
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

/// Everything on the page. Copies are handles of the same signals.
#[derive(Clone, Copy)]
pub struct App {
    /// What to write and how: the controls.
    pub request: RwSignal<Request>,
    /// Steps per second of a run or replay; 0 is as fast as possible.
    pub pace: RwSignal<u32>,
    /// How the engine stands.
    pub engine: RwSignal<EngineState>,
    /// The browser has WebGPU.
    pub webgpu: RwSignal<bool>,
    /// The last fault that nobody has put away.
    pub fault: RwSignal<Option<Fault>>,
    /// What `models.json` lists.
    pub models: RwSignal<Vec<ModelEntry>>,
    /// Id of the model of the list that was asked for; empty for one of a person's own.
    pub chosen: RwSignal<String>,
    /// The model that is loaded.
    pub info: RwSignal<Option<Arc<ModelInfo>>>,
    /// All runs.
    pub tree: RwSignal<Tree>,
    /// Index of the frame that is shown.
    pub head: RwSignal<usize>,
    /// The engine is at work by itself.
    pub running: RwSignal<bool>,
    /// Recorded states are played.
    pub replaying: RwSignal<bool>,
    /// Confidence is shown as colour.
    pub show_confidence: RwSignal<bool>,
    /// The token whose card is open.
    pub inspected: RwSignal<Option<usize>>,
    /// The chapter of the course that is open.
    pub reading: RwSignal<Option<String>>,
    /// Measurements.
    pub speed: RwSignal<Speed>,
    /// What a screen reader is told.
    pub said: RwSignal<String>,
    /// What everybody is told for a moment.
    pub toast: RwSignal<String>,
    link: StoredValue<Option<Link>, LocalStorage>,
    next_run: StoredValue<u32>,
    /// Numbers replays, so that a timer of an old one knows that it is over.
    replay: StoredValue<u32>,
    /// Write as soon as the model is ready: the address asked for it.
    eager: StoredValue<bool>,
    /// What is to be said when the model is ready.
    remark: StoredValue<Option<Fault>>,
    /// What a fault interrupted: sent again when the person chooses the way back.
    last_load: StoredValue<Option<loading::Load>, LocalStorage>,
    /// What the model of `last_load` runs on.
    compute: StoredValue<Compute>,
}

/// The settings of a new session.
pub fn default_request() -> Request {
    Request {
        prompt: String::new(),
        length: 96,
        steps: 100,
        sampler: Sampler::default(),
        temperature: 0.7,
        top_k: None,
        top_p: None,
        seed: 1,
        stop_at_end: true,
    }
}

impl App {
    /// A page on which nothing has happened yet.
    pub fn new() -> Self {
        Self {
            request: RwSignal::new(default_request()),
            pace: RwSignal::new(12),
            engine: RwSignal::new(EngineState::Starting),
            webgpu: RwSignal::new(true),
            fault: RwSignal::new(None),
            models: RwSignal::new(vec![]),
            chosen: RwSignal::new(String::new()),
            info: RwSignal::new(None),
            tree: RwSignal::new(Tree::default()),
            head: RwSignal::new(0),
            running: RwSignal::new(false),
            replaying: RwSignal::new(false),
            show_confidence: RwSignal::new(true),
            inspected: RwSignal::new(None),
            reading: RwSignal::new(None),
            speed: RwSignal::new(Speed::default()),
            said: RwSignal::new(String::new()),
            toast: RwSignal::new(String::new()),
            link: StoredValue::new_local(None),
            next_run: StoredValue::new(1),
            replay: StoredValue::new(0),
            eager: StoredValue::new(false),
            remark: StoredValue::new(None),
            last_load: StoredValue::new_local(None),
            compute: StoredValue::new(Compute::Auto),
        }
    }

    /// The page of the component that asks.
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

    /// As [`Self::with_shown`], without following changes.
    pub fn with_shown_untracked<T>(self, read: impl FnOnce(&Branch, usize) -> T) -> Option<T> {
        untrack(|| self.with_shown(read))
    }

    /// Whether a person changed the shown run.
    pub fn edited(self) -> bool {
        self.tree
            .with(|tree| tree.shown().is_some_and(|b| b.fork.is_some() || !b.touched.is_empty()))
    }

    /// Tells everybody something that needs no answer.
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

    /// Something moves on the page by itself.
    pub fn moving(self) -> bool {
        self.running.get() || self.replaying.get()
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}
