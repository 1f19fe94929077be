//! Starts the engine that trains, in a worker.

fn main() {
    web::start_trainer();
}
