// Draws a batch: windows of the corpus, a noise level for each, and which tokens are masked. One
// position per invocation. Everything is a function of seed and step, so that nothing is uploaded
// and the same seed gives the same batches everywhere.
//
//   start     = uniform in 0 .. corpus length - length     stream 0, index b
//               one of `starts`, with probability story_starts (fourth word)
//   level     as in common/level.wgsl                      stream 0, index b
//   masked    = u > first                     at position 0
//               u > begin or (u > end and the position before is masked)     elsewhere
//                                                       stream 1, index b * length + position
//   ids       = where masked one of the noise, noise_first + uniform in 0 .. noise_count - 1 ([MASK]
//               alone for masked diffusion), else the token; same index, second word
//   b         = first, first + 1, ...: this launch may draw a part of a batch of `total`. With
//               probability `complementary` (stream 2, index b - 1) an odd one is as the one before, and
//               masked where that is not
//
//   corpus     (corpus_length)
//   counter    (1)
//   levels     (levels + 1, 5)  of each level: the bits of first, begin, end (end <= begin; equal ones
//              mask every token independently, others in spans, crates/model/src/times.rs); timestep
//              that the network is told, and that where all the other tokens are masked
//   starts     (starts)  places in the corpus, with a sequence behind each
//   ids        (N)      =  noisy tokens
//   targets    (N)      =  clean tokens
//   mask       (N)      =  1 = masked
//   timesteps  (batch)  =
//
// Host side and CPU twin: crates/kernels/src/draw_batch.rs.

#import elements
#import rng
#import level

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    first: u32,
    count: u32,
    total: u32,
    length: u32,
    corpus_length: u32,
    levels: u32,
    noise_first: u32,
    noise_count: u32,
    stratified: u32,
    starts: u32,
    story_starts: f32,
    complementary: f32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> corpus: array<u32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read> levels: array<u32>;
@group(0) @binding(4) var<storage, read> starts: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;
@group(0) @binding(6) var<storage, read_write> targets: array<u32>;
@group(0) @binding(7) var<storage, read_write> mask: array<u32>;
@group(0) @binding(8) var<storage, read_write> timesteps: array<u32>;

const LEVEL: u32 = 5u;

fn threshold(level: u32, which: u32) -> f32 {
    return bitcast<f32>(levels[LEVEL * level + which]);
}

// The number of a position of sequence b.
fn drawn(b: u32, position: u32) -> f32 {
    let seed = vec2<u32>(params.seed_low, params.seed_high);
    return unit(philox(vec4<u32>(b * params.length + position, 1u, counter[0], 0u), seed).x);
}

// Whether a position of sequence b is masked at a level. A position that is not decided by its own
// number is as the one before: the way back is about as long as a span.
fn is_masked(b: u32, position: u32, level: u32) -> bool {
    for (var place = position; place > 0u; place--) {
        let u = drawn(b, place);
        if u > threshold(level, 1u) {
            return true;
        }
        if u <= threshold(level, 2u) {
            return false;
        }
    }
    return drawn(b, 0u) > threshold(level, 0u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = element_index(workgroup, groups, lane);
    if n >= params.count * params.length {
        return;
    }
    let position = n % params.length;
    let seed = vec2<u32>(params.seed_low, params.seed_high);
    var b = params.first + n / params.length;
    var opposite = false;
    if b % 2u == 1u {
        let pair = philox(vec4<u32>(b - 1u, 2u, counter[0], 0u), seed);
        opposite = unit(pair.x) < params.complementary;
        b -= select(0u, 1u, opposite);
    }

    let sequence = philox(vec4<u32>(b, 0u, counter[0], 0u), seed);
    var start = below(sequence.x, params.corpus_length - params.length + 1u);
    if unit(sequence.w) < params.story_starts {
        start = starts[below(sequence.x, params.starts)];
    }
    let level = level_of(sequence.y, b, params.total, params.levels, params.stratified == 1u);

    let token = corpus[start + position];
    let masked = is_masked(b, position, level) != opposite;
    var seen = token;
    if masked {
        seen = params.noise_first;
        if params.noise_count > 1u {
            let words = philox(vec4<u32>(b * params.length + position, 1u, counter[0], 0u), seed);
            seen += below(words.y, params.noise_count);
        }
    }
    ids[n] = seen;
    targets[n] = token;
    mask[n] = select(0u, 1u, masked);
    if position == 0u {
        timesteps[n / params.length] = levels[LEVEL * level + select(3u, 4u, opposite)];
    }
}
