//! The reader of a parquet file of a hub, as libFuzzer asks it.

#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls it by name")]

fuzz::harness!("parquet");
