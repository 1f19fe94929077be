//! The page: watch text diffuse in a browser tab.
//!
//! One WebAssembly runs twice: as the page ([`components`]) and, in a worker, as its [`engine`]. They
//! communicate by [`protocol`]. The engine holds the model. The page keeps every frame of every run,
//! so that replay needs no model.

pub mod address;
pub mod components;
pub mod dropped;
pub mod engine;
pub mod flow;
pub mod gaps;
pub mod link;
pub mod made;
pub mod markdown;
pub mod message;
pub mod picture;
pub mod protocol;
pub mod remote;
pub mod samplers;
pub mod state;

use wasm_bindgen::JsCast;

/// Entry point of the page and of its engine's worker.
pub fn start() {
    prepare();
    if js_sys::global().has_type::<web_sys::Window>() {
        components::mount();
    } else {
        engine::serve_worker::<engine::Writes>();
    }
}

/// Entry point of the worker whose engine trains, too.
pub fn start_trainer() {
    prepare();
    engine::serve_worker::<engine::Trainer>();
}

fn prepare() {
    console_error_panic_hook::set_once();
    // Fails only if a logger is already set.
    let _ = console_log::init_with_level(log::Level::Info);
}
