//! Starts the page, or its engine in a worker.

fn main() {
    web::start();
}
