//! Which shader form each operation uses.

use serde::{Deserialize, Serialize};

/// A choice of forms; the default runs on every adapter that keeps WebGPU's promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forms {}
