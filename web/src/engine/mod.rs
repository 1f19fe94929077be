//! The engine: holds the model and takes denoising steps, in a worker or on the main thread. In a larger
//! program, which is loaded when somebody wants to train, its worker trains, too.

mod adapter;
mod faults;
mod fetch;
mod files;
mod load;
mod network;
mod run;
mod train;

use std::rc::Rc;

use futures_channel::mpsc::{self, UnboundedReceiver};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, File, MessageEvent};
use web_time::Instant;

use crate::message::Message;
use crate::protocol::{Command, Event, Fault, FaultKind, TrainCommand, TrainEvent};

pub use adapter::has_webgpu;
pub(crate) use load::Loaded;
pub(crate) use train::Trainer;

use run::Run;

/// Where events go.
pub type Emit = Rc<dyn Fn(Event)>;

/// What an engine does about trainings.
pub(crate) trait Train {
    /// With events going there.
    fn new(emit: Emit) -> Self;

    /// Whether it trains by itself.
    fn going(&self) -> bool;

    /// Does what it is asked; [`TrainCommand::Write`] is for the engine.
    async fn obey(&mut self, command: TrainCommand, dropped: &[File]);

    /// One step, and what is due after it.
    async fn advance(&mut self);

    /// The network as it is now, for writing.
    ///
    /// # Errors
    /// When there is none.
    async fn write(&mut self) -> Result<Loaded, Fault>;
}

/// The page's own engine, which does not train: what that takes would be a third of the download.
#[derive(Debug)]
pub(crate) struct Writes;

impl Train for Writes {
    fn new(_: Emit) -> Self {
        Self
    }

    fn going(&self) -> bool {
        false
    }

    async fn obey(&mut self, _: TrainCommand, _: &[File]) {
        log::error!("this engine does not train");
    }

    async fn advance(&mut self) {}

    async fn write(&mut self) -> Result<Loaded, Fault> {
        Err(Fault::new(FaultKind::Engine, "This engine does not train."))
    }
}

/// Runs the engine of a worker: messages in, messages out.
pub(crate) fn serve_worker<T: Train + 'static>() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let (sender, inbox) = mpsc::unbounded();
    let receive = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match Message::from_js(event.data()) {
            // The engine serves for as long as the worker lives.
            Some(message) => drop(sender.unbounded_send(message)),
            None => log::error!("invalid command from the page"),
        }
    });
    scope.set_onmessage(Some(receive.as_ref().unchecked_ref()));
    // The listener lives as long as the worker.
    receive.forget();
    let emit = {
        let scope = scope.clone();
        Rc::new(move |event: Event| {
            let json = serde_json::to_string(&event).expect("events have a JSON form");
            // Posting a string cannot fail.
            let _ = scope.post_message(&JsValue::from_str(&json));
        })
    };
    wasm_bindgen_futures::spawn_local(serve::<T>(inbox, emit));
}

/// The command loop; returns when nobody can send any more.
pub(crate) async fn serve<T: Train>(mut inbox: UnboundedReceiver<Message>, emit: Emit) {
    emit(Event::Hello { webgpu: has_webgpu().await });
    let trainer = T::new(Rc::clone(&emit));
    let mut engine =
        Engine { emit, loaded: None, run: None, trainer, interval_ms: None, due: None };
    loop {
        // During a run, commands are taken until the next step is due. A training waits for it.
        let wait = match engine.interval_ms {
            Some(_) => Some(engine.until_due()),
            None => engine.trainer.going().then_some(0),
        };
        match next(&mut inbox, wait).await {
            Some(message) => engine.obey(message).await,
            None if engine.interval_ms.is_some() => engine.step().await,
            None if engine.trainer.going() => engine.trainer.advance().await,
            None => return,
        }
    }
}

/// The next command. `None` when `wait_ms` pass without one; without a limit, when nobody can send
/// any more.
async fn next(inbox: &mut UnboundedReceiver<Message>, wait_ms: Option<u32>) -> Option<Message> {
    match wait_ms {
        None => inbox.next().await,
        // A timer of 0 ms would cost up to 4 ms.
        Some(0) => inbox.try_recv().ok(),
        Some(ms) => match select(inbox.next(), TimeoutFuture::new(ms)).await {
            Either::Left((message, _)) => message,
            Either::Right(_) => None,
        },
    }
}

/// Posts a value from a worker to its page.
fn post(value: &JsValue) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if let Err(error) = scope.post_message(value) {
        log::error!("the page could not be answered: {error:?}");
    }
}

struct Engine<T> {
    emit: Emit,
    loaded: Option<Loaded>,
    run: Option<Run>,
    trainer: T,
    /// Least time between steps while the run goes on by itself.
    interval_ms: Option<u32>,
    /// When the next step may begin.
    due: Option<Instant>,
}

impl<T: Train> Engine<T> {
    fn until_due(&self) -> u32 {
        let left = self
            .due
            .map_or(0.0, |due| due.saturating_duration_since(Instant::now()).as_secs_f64() * 1e3);
        left as u32
    }

    async fn obey(&mut self, Message { command, files }: Message) {
        match command {
            Command::Load { source, compute } => {
                self.interval_ms = None;
                // The old model stays until the new one stands.
                match Loaded::load(source, &files, compute, &self.emit).await {
                    Ok(loaded) => self.stands(loaded),
                    Err(fault) => (self.emit)(Event::Fault(fault)),
                }
            }
            Command::Start { run, request } => {
                self.interval_ms = None;
                let Some(loaded) = self.loaded.as_mut() else { return };
                self.run = None;
                let made = Run::start(loaded, run, &request).await;
                let made = made.map(|(run, started)| {
                    (self.emit)(started);
                    run
                });
                self.began(made);
            }
            Command::Resume { run, request, from } => {
                self.interval_ms = None;
                let Some(loaded) = self.loaded.as_mut() else { return };
                let before = self.run.take();
                let made = Run::resume(loaded, before, run, &request, &from).await;
                self.began(made);
            }
            Command::Gif(order) => {
                let file = order.make(&|share| (self.emit)(Event::Painted { share }));
                post(&file.map_or(JsValue::NULL, |bytes| Uint8Array::from(&*bytes).into()));
            }
            Command::Run { interval_ms } => {
                if self.run.is_some() {
                    self.interval_ms = Some(interval_ms);
                    self.due.get_or_insert_with(Instant::now);
                }
            }
            Command::Step => {
                self.interval_ms = None;
                self.step().await;
            }
            Command::Pause => self.interval_ms = None,
            Command::Train(TrainCommand::Write) => {
                self.interval_ms = None;
                match self.trainer.write().await {
                    Ok(loaded) => self.stands(loaded),
                    Err(fault) => (self.emit)(Event::Training(TrainEvent::Fault(fault))),
                }
            }
            Command::Train(command) => self.trainer.obey(command, &files).await,
        }
    }

    fn stands(&mut self, loaded: Loaded) {
        (self.emit)(Event::Loaded(Box::new(loaded.info.clone())));
        self.run = None;
        self.loaded = Some(loaded);
    }

    fn began(&mut self, made: Result<Run, Fault>) {
        self.due = None;
        match made {
            Ok(run) => self.run = Some(run),
            Err(fault) => {
                self.run = None;
                (self.emit)(Event::Fault(fault));
            }
        }
    }

    async fn step(&mut self) {
        let (Some(loaded), Some(run)) = (self.loaded.as_mut(), self.run.as_mut()) else {
            self.interval_ms = None;
            return;
        };
        let started = Instant::now();
        let interval = std::time::Duration::from_millis(self.interval_ms.unwrap_or(0).into());
        self.due = Some(started + interval);
        match run.step(loaded).await {
            Ok(stepped) => {
                if !run.changed() {
                    // Nobody waits for a step that changes nothing.
                    self.due = Some(started);
                }
                stepped.into_iter().for_each(|event| (self.emit)(event));
                if run.over() {
                    self.interval_ms = None;
                    (self.emit)(Event::Finished { run: run.number() });
                } else if loaded.device.gpu().is_none() {
                    // A CPU step never yields, so commands are let in here.
                    TimeoutFuture::new(0).await;
                }
            }
            Err(fault) => {
                self.interval_ms = None;
                self.run = None;
                (self.emit)(Event::Fault(fault));
            }
        }
    }
}
