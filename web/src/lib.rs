//! The page: watch text diffuse in a browser tab.
//!
//! One WebAssembly runs twice: as the page ([`components`]) and, in a worker, as its [`engine`]. They talk
//! by [`protocol`]. The engine holds the model; the page holds everything that a person sees, and
//! keeps every state of every run, so that moving in time needs no model.

pub mod address;
pub mod components;
pub mod engine;
pub mod flow;
pub mod link;
pub mod markdown;
pub mod message;
pub mod picture;
pub mod protocol;
pub mod remote;
pub mod state;

use wasm_bindgen::JsCast;

/// Starts whatever belongs to the thread that loaded the program.
pub fn start() {
    console_error_panic_hook::set_once();
    // A second logger would be a second start of the same thread: then the first stays.
    let _ = console_log::init_with_level(log::Level::Info);
    if js_sys::global().has_type::<web_sys::Window>() {
        components::mount();
    } else {
        engine::serve_worker();
    }
}
