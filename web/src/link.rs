//! The page's connection to its engine.

use std::rc::Rc;

use futures_channel::mpsc::{self, UnboundedSender};
use futures_util::future::{AbortHandle, abortable};
use wasm_bindgen::prelude::*;
use web_sys::{File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::engine;
use crate::message::Message;
use crate::protocol::{Command, Event, Fault, FaultKind};

/// A running engine.
#[derive(Clone, Debug)]
pub enum Link {
    /// In a worker.
    Worker(Worker),
    /// On the main thread.
    Local {
        /// Takes its commands.
        sender: UnboundedSender<Message>,
        /// Ends it.
        end: AbortHandle,
    },
}

/// Which engine a worker runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The page's own, which writes.
    #[default]
    Writes,
    /// The larger one, which trains, too.
    Trains,
}

/// A worker with an engine; `None` when the browser starts none.
pub fn open_worker(kind: Kind) -> Option<Worker> {
    let root = web_sys::window()?.document()?.document_element()?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let address = match kind {
        Kind::Writes => "data-engine",
        Kind::Trains => "data-trainer",
    };
    Worker::new_with_options(&root.get_attribute(address)?, &options).ok()
}

/// Takes the events of an engine.
pub type Receive = Rc<dyn Fn(Event)>;

impl Link {
    /// Starts an engine in a worker; `Event::Hello` says when it listens.
    ///
    /// # Errors
    /// When the browser starts no worker.
    pub fn start_worker(kind: Kind, receive: Receive) -> Result<Self, Fault> {
        let no_worker = || {
            Fault::new(
                FaultKind::Engine,
                "The browser did not start the worker in which the model runs: a setting or an \
                 extension may forbid it, or the browser is older than 2023.",
            )
        };
        let worker = open_worker(kind).ok_or_else(no_worker)?;
        let on_message = {
            let receive = Rc::clone(&receive);
            Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                let json = message.data().as_string().unwrap_or_default();
                match serde_json::from_str(&json) {
                    Ok(event) => receive(event),
                    Err(error) => log::error!("invalid event from the engine: {error}"),
                }
            })
        };
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn FnMut(JsValue)>::new(move |error: JsValue| {
            log::error!("engine: {error:?}");
            receive(Event::Fault(Fault::new(
                FaultKind::Engine,
                "The part that runs the model stopped unexpectedly. Your text and all its steps \
                 are still here: try again.",
            )));
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // The listeners live as long as the worker: as long as the page.
        on_message.forget();
        on_error.forget();
        Ok(Self::Worker(worker))
    }

    /// Whether an engine on this thread could use WebGPU.
    pub async fn local_has_webgpu() -> bool {
        engine::has_webgpu().await
    }

    /// Starts an engine on this thread.
    pub fn start_local(receive: Receive) -> Self {
        let (sender, inbox) = mpsc::unbounded();
        let (serving, end) = abortable(engine::serve::<engine::Writes>(inbox, receive));
        wasm_bindgen_futures::spawn_local(async move {
            // It serves until it is ended.
            let _ = serving.await;
        });
        Self::Local { sender, end }
    }

    /// Sends a command, with files where it needs some.
    pub fn send(&self, command: Command, files: Vec<File>) {
        let message = Message { command, files };
        match self {
            // An engine that was ended takes no commands.
            Self::Local { sender, .. } => drop(sender.unbounded_send(message)),
            Self::Worker(worker) => {
                if let Err(error) = worker.post_message(&message.to_js()) {
                    log::error!("a command could not be posted to the engine: {error:?}");
                }
            }
        }
    }

    /// Ends the engine at once, whatever it is doing.
    pub fn stop(&self) {
        match self {
            Self::Worker(worker) => worker.terminate(),
            Self::Local { end, .. } => end.abort(),
        }
    }
}
