//! The reader of a trace, as libFuzzer asks it.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls it by name")]

fuzz::harness!("trace");
