// Finds the rows that count (those that have a loss, or that may be drawn), so that the output layer can leave out the others. A single
// workgroup.
//
//   rows[i]     = the i-th n with weights[n] != 0, ascending; N beyond the last
//   places[n]   = the i with rows[i] = n, or N where weights[n] = 0
//   live[64 r]  = 1 if any of the places r * run, r * run + 1, ... is taken, else 0
//
//   weights  (N)
//   rows     (N)     =
//   places   (N)     =
//   live     (64 R)  =  the first of every 64 words, which can be bound alone
//
// Host side and CPU twin: crates/kernels/src/rows.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    run: u32,
    runs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> live: array<u32>;

var<workgroup> counts: array<u32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    // Each invocation takes neighbours, so that the order stays.
    let share = (params.count + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
    let begin = min(lane * share, params.count);
    let end = min(begin + share, params.count);
    var found = 0u;
    for (var n = begin; n < end; n += 1u) {
        found += select(0u, 1u, weights[n] != 0.0);
    }
    counts[lane] = found;
    workgroupBarrier();
    var place = 0u;
    var total = 0u;
    for (var other = 0u; other < WORKGROUP_SIZE; other += 1u) {
        place += select(0u, counts[other], other < lane);
        total += counts[other];
    }
    for (var n = begin; n < end; n += 1u) {
        if weights[n] != 0.0 {
            rows[place] = n;
            places[n] = place;
            place += 1u;
        } else {
            places[n] = params.count;
        }
    }
    for (var i = total + lane; i < params.count; i += WORKGROUP_SIZE) {
        rows[i] = params.count;
    }
    for (var r = lane; r < params.runs; r += WORKGROUP_SIZE) {
        live[64u * r] = select(0u, 1u, total > r * params.run);
    }
}
