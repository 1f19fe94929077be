//! What a newcomer types: set-up, demo, test.

fn main() {}
