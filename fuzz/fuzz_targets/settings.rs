//! The reader of settings of a training, as libFuzzer asks it.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls it by name")]

fuzz::harness!("settings");
