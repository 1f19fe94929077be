//! One file per command: its flags, `XArgs`, and what it does, `run`.

pub(crate) mod data;
