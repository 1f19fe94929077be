// The gate of a head at a position, before the sigmoid: what the head reads in the block's first
// channels. Takes `h` and `gate` from the kernel; `row` is where the position's channels begin.

const GATE_CHANNELS: u32 = 12u;

fn gate_argument(row: u32, head: u32) -> f32 {
    var z = 0.0;
    for (var c = 0u; c < GATE_CHANNELS; c++) {
        z += h[row + c] * gate[head * GATE_CHANNELS + c];
    }
    return z;
}
