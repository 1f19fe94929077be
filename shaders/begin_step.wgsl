// Begins a training step: counts it and computes its learning rate, so that a recorded step can
// be replayed without anything being uploaded. One invocation.
//
//   n       += 1                                      steps count from 1
//   factor   = min(1, n / warmup) * decay(n)
//   decay(n) = 1                                      CONSTANT
//            = floor + (1 - floor) (1 + cos(pi p)) / 2     COSINE
//            = 1 - (1 - floor) p                      LINEAR
//   p        = (n - decay_start) / (total - decay_start), between 0 and 1
//
//   counter  (1)  +=
//   control  (4)  =  element 0, factor of the learning rate
//
// Host side and CPU twin: crates/kernels/src/begin_step.rs.

const CONSTANT: u32 = 0u;
const COSINE: u32 = 1u;
const PI: f32 = 3.1415927;

struct Params {
    shape: u32,
    warmup: u32,
    decay_start: u32,
    total: u32,
    floor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> counter: array<u32>;
@group(0) @binding(2) var<storage, read_write> control: array<f32>;

// cos(pi p) for p between 0 and 1, as the sine of pi (1/2 - p) by its series: WGSL promises no more
// than 2^-11 for cos itself.
fn cos_half_turn(p: f32) -> f32 {
    let x = PI * (0.5 - p);
    let square = x * x;
    var series = 1.0 - square / 110.0;
    series = 1.0 - square / 72.0 * series;
    series = 1.0 - square / 42.0 * series;
    series = 1.0 - square / 20.0 * series;
    series = 1.0 - square / 6.0 * series;
    return x * series;
}

@compute @workgroup_size(1)
fn main() {
    let n = counter[0] + 1u;
    counter[0] = n;

    var factor = 1.0;
    if params.shape != CONSTANT {
        let into = f32(max(n, params.decay_start) - params.decay_start);
        let span = f32(params.total - params.decay_start);
        let progress = min(into / span, 1.0);
        if params.shape == COSINE {
            factor = params.floor + (1.0 - params.floor) * 0.5 * (1.0 + cos_half_turn(progress));
        } else {
            factor = 1.0 - (1.0 - params.floor) * progress;
        }
    }
    if n < params.warmup {
        factor *= f32(n) / f32(params.warmup);
    }
    control[0] = factor;
}
