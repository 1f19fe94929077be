// Brings the gradient of the rows that have a loss back to their places. One row per workgroup.
//
//   d_h[n] = row_d_h[places[n]], or 0 where places[n] = N
//
//   places   (N)     from rows_select
//   row_d_h  (N, C)
//   d_h      (N, C)  =
//
// Host side and CPU twin: crates/kernels/src/rows.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> row_d_h: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_h: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = workgroup.y * groups.x + workgroup.x;
    if n >= params.count {
        return;
    }
    let place = places[n];
    let taken = place < params.count;
    let source = select(0u, place, taken);
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        let value = row_d_h[source * params.channels + c];
        d_h[n * params.channels + c] = select(0.0, value, taken);
    }
}
