// Draws a batch for block diffusion (BD3-LM, arXiv 2503.09573): windows of the corpus, each as
// [noisy ; clean], and a noise level for each block of the noisy half. One position of a window per
// invocation. Everything is a function of seed and step, as in draw_batch.
//
//   start     = uniform in 0 .. corpus length - length     stream 0, index b
//               one of `starts`, with probability story_starts (fourth word)
//   level     as in common/level.wgsl, of the stratum      stream 0, index stratum
//   masked    = u > first of the level                      stream 0, index b * length + position
//   b         = first, first + 1, ...: this launch may draw a part of a batch of `total`
//
//   corpus     (corpus_length)
//   counter    (1)
//   levels     (levels + 1, 5)  of each level: the bits of first, two others, the timestep that the network
//              is told, another
//   starts     (starts)  places in the corpus, with a sequence behind each
//   ids        (count, 2, length)      =  noisy tokens, clean tokens
//   targets    (count, 2, length)      =  clean tokens, twice
//   mask       (count, 2, length)      =  1 = masked; 0 in the clean half
//   timesteps  (count, 2, blocks)      =  of each block; 0 in the clean half
//
// Host side and CPU twin: crates/kernels/src/draw_blocks.rs.

#import elements
#import rng
#import level

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    first: u32,
    count: u32,
    total: u32,
    length: u32,
    block: u32,
    corpus_length: u32,
    levels: u32,
    mask_id: u32,
    stratified: u32,
    starts: u32,
    story_starts: f32,
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
    let sequence = n / params.length;
    let b = params.first + sequence;
    let position = n % params.length;
    let seed = vec2<u32>(params.seed_low, params.seed_high);

    let window = philox(vec4<u32>(b, 0u, counter[0], 0u), seed);
    var start = below(window.x, params.corpus_length - params.length + 1u);
    if unit(window.w) < params.story_starts {
        start = starts[below(window.x, params.starts)];
    }
    let blocks = params.length / params.block;
    let block = position / params.block;
    let stratum = stratum_of(window.z, b, block, blocks);
    let word = philox(vec4<u32>(stratum, 0u, counter[0], 0u), seed).y;
    let strata = params.total * blocks;
    let level = level_of(word, stratum, strata, params.levels, params.stratified == 1u);

    let token = corpus[start + position];
    let index = b * params.length + position;
    let u = unit(philox(vec4<u32>(index, 1u, counter[0], 0u), seed).x);
    let masked = u > bitcast<f32>(levels[LEVEL * level]);
    let noisy = 2u * sequence * params.length + position;
    let clean = noisy + params.length;
    ids[noisy] = select(token, params.mask_id, masked);
    ids[clean] = token;
    targets[noisy] = token;
    targets[clean] = token;
    mask[noisy] = select(0u, 1u, masked);
    mask[clean] = 0u;
    if position % params.block == 0u {
        timesteps[2u * sequence * blocks + block] = levels[LEVEL * level + 3u];
        timesteps[(2u * sequence + 1u) * blocks + block] = 0u;
    }
}
