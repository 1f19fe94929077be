// Begins a denoising pass: copies the pass's row of the table to where the other kernels look and
// moves the cursor on, so that one recording is replayed for every pass. One invocation.
//
//   row        = table[cursor];  cursor += 1
//
//   table      (passes, 7 + batch)  see crates/kernels/src/sample_begin.rs; then the re-mask count of each
//              sequence
//   cursor     (1)          +=
//   timesteps  (batch)      =  t
//   control    (7 + batch)  =  the row, with the number of the pass in the place of the time
//
// Host side and CPU twin: crates/kernels/src/sample_begin.rs.

struct Params {
    batch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> cursor: array<u32>;
@group(0) @binding(3) var<storage, read_write> timesteps: array<u32>;
@group(0) @binding(4) var<storage, read_write> control: array<u32>;

@compute @workgroup_size(1)
fn main() {
    let number = cursor[0];
    let width = 7u + params.batch;
    let row = number * width;
    control[0] = number;
    for (var i = 1u; i < width; i++) {
        control[i] = table[row + i];
    }
    for (var b = 0u; b < params.batch; b++) {
        timesteps[b] = table[row];
    }
    cursor[0] = number + 1u;
}
