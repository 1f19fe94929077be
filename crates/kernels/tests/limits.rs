//! What an adapter cannot do is refused with a sentence, before anything runs.

mod harness;

use device::{
    Args, Capabilities, Device, Element, Kernel, Launch, Missing, Recording, Requirements, buffers,
    params, twin,
};
use harness::gpu;
use kernels::Variants;
use kernels::attention::{self, Shape};

params! {
    struct Params {
        count: u32,
    }
}

buffers! {
    struct Buffers {
        out: words_mut,
    }
}

fn nothing<E>(_: Args<'_, E>) {}

const SOURCE: &str = "struct Params { count: u32, }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(1) fn main() { out[0] = params.count; }";

const NO_ADAPTER_HAS: u32 = 3;

static NEEDS_SUBGROUPS: Kernel =
    Kernel::new::<Params, Buffers>("needs_subgroups", SOURCE, &[], twin!(nothing))
        .requires(Requirements::subgroups(NO_ADAPTER_HAS));

static NEEDS_NOTHING: Kernel =
    Kernel::new::<Params, Buffers>("needs_nothing", SOURCE, &[], twin!(nothing));

fn record(device: &mut Device, kernel: &'static Kernel) -> Recording {
    let out = device.allocate("out", Element::Word, 1).unwrap();
    let mut step = Recording::default();
    step.push(Launch::new(kernel, &Params { count: 1 }, Buffers { out }, [1, 1, 1]));
    step
}

#[test]
fn a_kernel_that_needs_what_the_adapter_lacks() {
    let mut device = gpu();
    let step = record(&mut device, &NEEDS_SUBGROUPS);
    let error = device.compile(step).unwrap_err().to_string();
    assert!(error.contains("kernel `needs_subgroups` cannot run on"), "{error}");
    assert!(error.contains("it needs subgroups of 3 lanes (the adapter"), "{error}");
    // The adapter is well, and the twin asks for nothing.
    let step = record(&mut device, &NEEDS_NOTHING);
    device.compile(step).unwrap();
    let mut device = Device::cpu();
    let step = record(&mut device, &NEEDS_SUBGROUPS);
    device.compile(step).unwrap();
}

#[test]
fn what_is_missing_is_named() {
    let needs = Requirements { f16: true, ..Requirements::subgroups(32) };
    let has = |subgroup_size, f16| Capabilities { subgroup_size, f16, ..Capabilities::default() };
    assert_eq!(has(Some(32), true).missing(&needs), None);
    assert_eq!(has(Some(32), false).missing(&needs), Some(Missing::F16));
    let missing = has(Some(8), true).missing(&needs);
    assert_eq!(missing, Some(Missing::Subgroups { needed: 32, available: Some(8) }));
    assert!(has(None, false).meet(&Requirements::NONE));
}

/// A workgroup for every sequence: 65,536 of them.
#[test]
fn a_grid_that_is_too_large() {
    let shape = Shape::bidirectional(65_536, 1, 1, 2);
    let rows = shape.batch * shape.heads;
    let record = |device: &mut Device| {
        let mut floats = |len| device.allocate("floats", Element::Float, len).unwrap();
        let (qkv, y, lse) = (floats(6 * rows), floats(2 * rows), floats(rows));
        let mut step = Recording::default();
        let io = attention::Forward { q: qkv, kv: qkv, y, lse };
        attention::forward(&mut step, &Variants::default(), io, &shape);
        step
    };
    let mut device = gpu();
    let step = record(&mut device);
    let too_many = step.launches().iter().flat_map(|launch| launch.grid).any(|n| n > 65_535);
    let compiled = device.compile(step);
    if too_many && device.capabilities().max_workgroups < 65_536 {
        let error = compiled.unwrap_err().to_string();
        assert!(error.contains("maxComputeWorkgroupsPerDimension of 65536"), "{error}");
        assert!(error.contains("choose a smaller batch"), "{error}");
    } else {
        compiled.unwrap();
    }
    let mut device = Device::cpu();
    let step = record(&mut device);
    let program = device.compile(step).unwrap();
    device.run(&program).unwrap();
}
