// Begins a training step: counts it and computes what changes from step to step, so that a recorded
// step can be replayed without anything being uploaded. One invocation.
//
//   n       += 1                                      steps count from 1
//   factor   = min(1, n / warmup) * decay(n)
//   decay(n) = 1                                      CONSTANT
//            = floor + (1 - floor) (1 + cos(pi p)) / 2     COSINE
//            = 1 - (1 - floor) p                      LINEAR
//   p        = (n - decay_start) / (total - decay_start), between 0 and 1
//   share    = 1 - (1 - 1/n)^exponent                 of the newest weights in their average
//   wd       = 1, factor, or 1 - min(1, n / total)    weight decay: STEADY, AS_RATE, else falling
//
//   counter  (1)  +=
//   control  (4)  =  factor of the learning rate, - (left as it is), share, wd
//
// Host side and CPU twin: crates/kernels/src/begin_step.rs.

#import one_minus_exp

const CONSTANT: u32 = 0u;
const COSINE: u32 = 1u;
const STEADY: u32 = 0u;
const AS_RATE: u32 = 1u;
const PI: f32 = 3.1415927;

struct Params {
    shape: u32,
    warmup: u32,
    decay_start: u32,
    total: u32,
    floor: f32,
    weight_decay: u32,
    exponent: f32,
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

// ln(1 - 1/n) for n > 1, by the series of -2 artanh(1 / (2n - 1)).
fn ln_of_rest(n: f32) -> f32 {
    let z = 1.0 / (2.0 * n - 1.0);
    var series = 1.0 / 15.0;
    for (var k = 13.0; k > 0.0; k -= 2.0) {
        series = 1.0 / k + z * z * series;
    }
    return -2.0 * z * series;
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

    control[2] = 1.0;
    if n > 1u {
        control[2] = one_minus_exp(params.exponent * ln_of_rest(f32(n)));
    }
    var weight_decay = 1.0;
    if params.weight_decay == AS_RATE {
        weight_decay = factor;
    } else if params.weight_decay != STEADY {
        weight_decay = 1.0 - min(f32(n) / f32(params.total), 1.0);
    }
    control[3] = weight_decay;
}
