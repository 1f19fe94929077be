//! GIFs, made in a worker of their own: to find the colours and to compress takes seconds.

use futures_channel::mpsc;
use futures_util::StreamExt;
use js_sys::{Array, Uint8Array};
use plot::layout::Plan;
use plot::theme::Theme;
use plot::{Trace, gif};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, MessageEvent};

use super::canvas::Canvas;
use super::{Look, Shape};
use crate::link;
use crate::message::Message;
use crate::protocol::{Command, Event};

/// Shortest time of a state, in milliseconds: viewers slow down below it.
const LEAST: u32 = 20;

/// What a worker is asked to make a GIF of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    trace: Trace,
    frame_ms: u32,
    square: bool,
    dark: bool,
    confidence: bool,
}

impl Order {
    /// A GIF of a run at `pace` steps per second.
    pub fn new(trace: Trace, pace: u32, shape: Shape, look: Look) -> Self {
        Self {
            trace,
            frame_ms: (1000 / pace.max(1)).max(LEAST),
            square: shape == Shape::Square,
            dark: look.theme == Theme::Dark,
            confidence: look.confidence,
        }
    }

    /// Paints and packs it, on the thread of the caller. `painted` gets fractions from 0 to 1.
    /// `None` where the browser cannot paint there.
    pub(crate) fn make(&self, painted: &dyn Fn(f64)) -> Option<Vec<u8>> {
        let Self { trace, frame_ms, square, dark, confidence } = self;
        let size = if *square { Shape::Square } else { Shape::Wide }.size();
        let theme = if *dark { Theme::Dark } else { Theme::Light };
        let style = Look { theme, confidence: *confidence }.style();
        let canvas = Canvas::offscreen(size)?;
        let plan = Plan::new(trace, size, &mut |t, s, w| canvas.measure(t, s, w));
        let moments = gif::moments(trace.frames.len(), *frame_ms);
        let delays: Vec<u32> = moments.iter().map(|moment| moment.1).collect();
        let pictures = gif::renders(delays.len()) as f64;
        let (mut done, mut failed) = (0.0, false);
        let mut file = Vec::new();
        let render = |index: usize| {
            let moment = moments[index].0;
            canvas.paint(&plan.draw(moment, &style, &mut |t, s, w| canvas.measure(t, s, w)));
            done += 1.0;
            painted(done / pictures);
            canvas.pixels(size).unwrap_or_else(|| {
                failed = true;
                vec![0; size.width as usize * size.height as usize * 4]
            })
        };
        gif::write(&mut file, size, &delays, render).ok()?;
        (!failed).then_some(file)
    }
}

/// Makes a GIF. `progress` gets fractions from 0 to 1 and returns whether to continue.
///
/// # Errors
/// One sentence if the browser cannot; empty if the user cancelled.
pub async fn animation(order: Order, progress: &dyn Fn(f64) -> bool) -> Result<Blob, String> {
    let failed = || "This browser could not make the GIF. Choose another format.".to_owned();
    let worker = link::open_worker(link::Kind::Writes).ok_or_else(failed)?;
    let (sender, mut inbox) = mpsc::unbounded();
    let on_error = {
        let sender = sender.clone();
        Closure::<dyn FnMut(JsValue)>::new(move |_| drop(sender.unbounded_send(JsValue::NULL)))
    };
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        // Nobody listens any more once the GIF is there or given up.
        drop(sender.unbounded_send(message.data()));
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let mut order = Some(order);
    let made = loop {
        let Some(data) = inbox.next().await else { break Err(failed()) };
        if data.has_type::<Uint8Array>() {
            let options = BlobPropertyBag::new();
            options.set_type("image/gif");
            let parts = Array::of1(&data);
            let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options);
            break blob.map_err(|_| failed());
        }
        let event = data.as_string().and_then(|json| serde_json::from_str(&json).ok());
        match (event, order.take()) {
            (Some(Event::Hello { .. }), Some(order)) => {
                let message = Message { command: Command::Gif(Box::new(order)), files: vec![] };
                if worker.post_message(&message.to_js()).is_err() {
                    break Err(failed());
                }
            }
            (Some(Event::Painted { share }), _) if progress(share) => {}
            (Some(Event::Painted { .. }), _) => break Err(String::new()),
            _ => break Err(failed()),
        }
    };
    worker.terminate();
    made
}
