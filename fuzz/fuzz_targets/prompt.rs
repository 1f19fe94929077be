//! The reader of a prompt, as libFuzzer asks it.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls it by name")]

fuzz::harness!("prompt");
