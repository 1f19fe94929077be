// The largest value over one workgroup and the first index that has it.
//
// The importing kernel must declare `WORKGROUP_SIZE`, a power of two. All invocations of the
// workgroup must call the function together: it contains barriers.

struct Largest {
    value: f32,
    index: u32,
}

var<workgroup> candidates: array<Largest, WORKGROUP_SIZE>;

fn larger(a: Largest, b: Largest) -> Largest {
    if b.value > a.value || (b.value == a.value && b.index < a.index) {
        return b;
    }
    return a;
}

// The largest of every invocation's `candidate`, to all of them; ties go to the lower index.
fn workgroup_largest(candidate: Largest, lane: u32) -> Largest {
    candidates[lane] = candidate;
    for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            candidates[lane] = larger(candidates[lane], candidates[lane + half]);
        }
    }
    workgroupBarrier();
    let best = candidates[0];
    // A second call may overwrite candidates[0]: wait until all have read it.
    workgroupBarrier();
    return best;
}
