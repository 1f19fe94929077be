//! Declaring a kernel: where its WGSL is, and what that may `#import`.

use device::Sources;

/// Files that kernels may `#import`.
pub const COMMON: Sources = &[
    ("attention", include_str!("../../../shaders/common/attention.wgsl")),
    ("draw", include_str!("../../../shaders/common/draw.wgsl")),
    ("dropout", include_str!("../../../shaders/common/dropout.wgsl")),
    ("elements", include_str!("../../../shaders/common/elements.wgsl")),
    ("gate", include_str!("../../../shaders/common/gate.wgsl")),
    ("head", include_str!("../../../shaders/common/head.wgsl")),
    ("kinds", include_str!("../../../shaders/common/kinds.wgsl")),
    ("largest", include_str!("../../../shaders/common/largest.wgsl")),
    ("level", include_str!("../../../shaders/common/level.wgsl")),
    ("matrix_product", include_str!("../../../shaders/common/matrix_product.wgsl")),
    ("one_minus_exp", include_str!("../../../shaders/common/one_minus_exp.wgsl")),
    ("order", include_str!("../../../shaders/common/order.wgsl")),
    ("reduce", include_str!("../../../shaders/common/reduce.wgsl")),
    ("rng", include_str!("../../../shaders/common/rng.wgsl")),
];

/// The kernel `shaders/NAME.wgsl`, from its name, the types of its params and buffers, and its
/// twin.
macro_rules! kernel {
    ($name:literal, $params:ty, $buffers:ty, $twin:path) => {
        device::Kernel::new::<$params, $buffers>(
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders/", $name, ".wgsl")),
            $crate::imports::COMMON,
            device::twin!($twin),
        )
    };
}

pub(crate) use kernel;
