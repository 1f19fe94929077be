//! Clocks and waiting, on the page and in a worker.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Calls `setTimeout` of whatever thread this is.
pub(crate) fn set_timeout(callback: &Function, ms: u32) {
    let global = js_sys::global();
    let timer = Reflect::get(&global, &JsValue::from_str("setTimeout"))
        .and_then(|timer| timer.dyn_into::<Function>());
    if let Ok(timer) = timer {
        // Fails only if the thread is ending.
        let _ = timer.call2(&global, callback, &JsValue::from_f64(ms.into()));
    }
}

/// Lets the event loop run for at least `ms` milliseconds.
pub async fn sleep(ms: u32) {
    let promise = Promise::new(&mut |resolve, _| set_timeout(&resolve, ms));
    // This promise is never refused.
    let _ = JsFuture::from(promise).await;
}

/// A queue between callbacks and one async loop.
#[derive(Debug)]
pub struct Inbox<T>(Rc<RefCell<Queue<T>>>);

#[derive(Debug)]
struct Queue<T> {
    items: std::collections::VecDeque<T>,
    wake: Option<Function>,
}

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Queue { items: [].into(), wake: None })))
    }
}

impl<T> Inbox<T> {
    /// Adds an item and wakes the loop.
    pub fn push(&self, item: T) {
        let wake = {
            let mut queue = self.0.borrow_mut();
            queue.items.push_back(item);
            queue.wake.take()
        };
        if let Some(wake) = wake {
            // Resolving a promise cannot fail.
            let _ = wake.call0(&JsValue::NULL);
        }
    }

    /// The next item if there is one.
    pub fn try_next(&self) -> Option<T> {
        self.0.borrow_mut().items.pop_front()
    }

    /// The next item, or `None` after `timeout_ms` milliseconds; without a limit, waits.
    pub async fn next(&self, timeout_ms: Option<u32>) -> Option<T> {
        loop {
            if let Some(item) = self.try_next() {
                return Some(item);
            }
            if timeout_ms == Some(0) {
                return None;
            }
            let promise = Promise::new(&mut |resolve, _| {
                if let Some(ms) = timeout_ms {
                    set_timeout(&resolve, ms);
                }
                self.0.borrow_mut().wake = Some(resolve);
            });
            let _ = JsFuture::from(promise).await;
            self.0.borrow_mut().wake = None;
            if timeout_ms.is_some() {
                return self.try_next();
            }
        }
    }
}
