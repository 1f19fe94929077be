//! The reader of the page's list of models, as libFuzzer asks it.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls it by name")]

fuzz::harness!("models");
