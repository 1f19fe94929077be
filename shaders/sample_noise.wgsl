// Last stage of a denoising pass of uniform diffusion: from the token that was drawn for a position
// and the one that stands there to the one after the pass, where the noise is less (D3PM, arXiv
// 2107.03006, equation 3). One position per invocation.
//
//   With survival probabilities a before the pass and s > a behind it, and n tokens of noise, the
//   token behind it is by Bayes' rule, given the clean token x and the present one z,
//
//     any of the noise   with probability  (1 - a/s) (1 - s) / d
//     z                                    a/s (1 - s) / d       if z differs from x
//     x                                    else
//     d = 1 - a + n a [z = x]
//
//   fresh   = (1 - a/s) (1 - s) / (1 - a)   reveal = (s - a) / (1 - a)   odds = n a / (1 - a)
//   u, w    = philox(counter = position, sample, pass, 'chnc'), first and second word
//   ids     = noise_first + w in 0 .. noise_count - 1    if u < fresh, divided by 1 + odds if z = x
//           = z                                          else if z differs from x and u < 1 - reveal
//           = x                                          else
//
//   kinds             (N)  of the positions, see common/kinds.wgsl; given ones keep their tokens
//   tokens            (N)  x
//   token_confidence  (N)  probability of x
//   control           (7 + batch)  0, number of the pass; 2, 3, 6, the bits of fresh, reveal, odds
//   ids               (N)  in place: z, then the token after the pass
//   confidence        (N)  in place: that of x where it stands, 0 where there is fresh noise
//   readback          (2, N)  =  ids and the bits of confidence, to be read back in one piece
//
// Host side and CPU twin: crates/kernels/src/sample_noise.rs.

#import elements
#import kinds
#import rng

const WORKGROUP_SIZE: u32 = 256u;
const STREAM: u32 = 0x63686e63u;

struct Params {
    count: u32,
    length: u32,
    first_sample: u32,
    seed_low: u32,
    seed_high: u32,
    noise_first: u32,
    noise_count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kinds: array<u32>;
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
@group(0) @binding(3) var<storage, read> token_confidence: array<f32>;
@group(0) @binding(4) var<storage, read> control: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;
@group(0) @binding(6) var<storage, read_write> confidence: array<f32>;
@group(0) @binding(7) var<storage, read_write> readback: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = element_index(workgroup, groups, lane);
    if n >= params.count {
        return;
    }
    if kinds[n] != GIVEN {
        let sample = params.first_sample + n / params.length;
        let counter = vec4<u32>(n % params.length, sample, control[0], STREAM);
        let words = philox(counter, vec2<u32>(params.seed_low, params.seed_high));
        let u = unit(words.x);
        let same = ids[n] == tokens[n];
        let fresh = bitcast<f32>(control[2]);
        let odds = bitcast<f32>(control[6]);
        if u < select(fresh, fresh / (1.0 + odds), same) {
            ids[n] = params.noise_first + below(words.y, params.noise_count);
            confidence[n] = 0.0;
        } else if same || u >= 1.0 - bitcast<f32>(control[3]) {
            ids[n] = tokens[n];
            confidence[n] = token_confidence[n];
        }
    }
    readback[n] = ids[n];
    readback[params.count + n] = bitcast<u32>(confidence[n]);
}
