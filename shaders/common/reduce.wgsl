// Sum and maximum over one workgroup.
//
// The importing kernel must declare `WORKGROUP_SIZE`, a power of two. All invocations of the
// workgroup must call these functions together: they contain barriers.

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

// The sum of every invocation's `value`, to all of them.
fn workgroup_sum(value: f32, lane: u32) -> f32 {
    partial[lane] = value;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    let total = partial[0];
    // A second call may overwrite partial[0]: wait until all have read it.
    workgroupBarrier();
    return total;
}

// The largest of every invocation's `value`, to all of them.
fn workgroup_max(value: f32, lane: u32) -> f32 {
    partial[lane] = value;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            partial[lane] = max(partial[lane], partial[lane + half]);
        }
    }
    workgroupBarrier();
    let largest = partial[0];
    workgroupBarrier();
    return largest;
}
