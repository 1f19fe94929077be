//! Attention: every variant on the GPU, and the CPU device, against the f64 oracle; the oracle
//! against the definition and against finite differences.

mod harness;

use device::{Device, Recording, Slice};
use harness::{Bench, compare, gpu};
use kernels::attention::{self, Mask, Shape};
use kernels::variants::Table;
use kernels::{AttentionVariant, Variants};
use pollster::block_on;

/// Records both passes over buffers that `floats` fills and `unwritten` makes; returns `y`, `lse`,
/// `delta`, `d_q` and `d_kv`, of which the last two are one buffer without a cache.
fn record(
    bench: &mut Bench,
    step: &mut Recording,
    variants: &Variants,
    shape: &Shape,
) -> Vec<Slice> {
    let width = shape.heads * shape.head_dim;
    let rows = shape.batch * shape.queries;
    let q = bench.floats(3 * rows * width);
    let kv_len = shape.cache.map(|cached| 2 * shape.batch * cached * width);
    let kv = kv_len.map_or(q, |len| bench.floats(len));
    let (y, lse) = (bench.unwritten(rows * width), bench.unwritten(rows * shape.heads));
    attention::forward(step, variants, attention::Forward { q, kv, y, lse }, shape);
    let (d_y, delta) = (bench.floats(rows * width), bench.unwritten(rows * shape.heads));
    let (d_q, d_kv) = match kv_len {
        // The other parts of the queries' gradient, and the rest of the cache, stay as they are.
        Some(len) => (bench.floats(3 * rows * width), bench.floats(len)),
        None => [bench.unwritten(3 * rows * width); 2].into(),
    };
    let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
    attention::backward(step, variants, io, shape);
    vec![y, lse, delta, d_q, d_kv]
}

fn check(variant: AttentionVariant, shapes: &[Shape]) {
    let variants = Variants { attention: variant, ..Variants::default() };
    // All in one recording: opening a GPU and compiling for it takes longer than the rest.
    let what = format!("{variant:?}: y, lse, delta, d_q, d_kv of each of {shapes:?}");
    // Sums over up to 128 dimensions and 130 positions in f32.
    compare(&what, 2e-5, 2e-5, |bench, step| {
        shapes.iter().flat_map(|shape| record(bench, step, &variants, shape)).collect()
    });
}

/// Runs `check` with the variants that the adapter has.
fn check_variants(shapes: &[Shape]) {
    let capabilities = gpu().capabilities();
    AttentionVariant::on(&capabilities).for_each(|variant| check(variant, shapes));
}

#[test]
fn every_variant_needs_its_subgroups() {
    let capabilities = gpu().capabilities();
    let subgroups = capabilities.subgroup_size == Some(kernels::LANES);
    let all = [AttentionVariant::Tile, AttentionVariant::Subgroup];
    let expected = if subgroups { &all[..] } else { &all[..1] };
    assert_eq!(AttentionVariant::on(&capabilities).collect::<Vec<_>>(), expected);
}

#[test]
fn bidirectional() {
    let lengths = [1, 5, 31, 32, 33, 97];
    let shapes = [2, 6, 16, 32, 64, 128]
        .into_iter()
        .flat_map(|head_dim| lengths.map(|length| Shape::bidirectional(2, length, 3, head_dim)));
    check_variants(&shapes.collect::<Vec<_>>());
}

#[test]
fn masked() {
    let masks = [Mask::Causal, Mask::Blocks(3), Mask::Blocks(16)];
    let mut shapes = Vec::new();
    for (length, head_dim) in [(1, 16), (7, 6), (65, 16), (130, 32)] {
        let shape = Shape::bidirectional(2, length, 3, head_dim);
        shapes.extend(masks.map(|mask| Shape { mask, ..shape }));
    }
    check_variants(&shapes);
}

#[test]
fn block_diffusion() {
    let mut shapes = Vec::new();
    // Halves that no tile divides: within the first tile, and with the boundary inside the second.
    for (length, head_dim) in [(2, 16), (66, 6), (130, 32), (256, 16)] {
        let shape = Shape::bidirectional(2, length, 3, head_dim);
        let masks = [1, 3, 16, 65].map(Mask::BlockDiffusion);
        shapes.extend(masks.map(|mask| Shape { mask, ..shape }));
    }
    check_variants(&shapes);
}

/// Queries at the end, in the middle and, without a mask, anywhere of keys that lie in a cache with
/// room for more.
#[test]
fn keys_in_a_cache() {
    let mut shapes = Vec::new();
    for (queries, keys, query_offset) in
        [(1, 33, 32), (7, 33, 11), (7, 130, 123), (65, 130, 65), (65, 130, 13)]
    {
        for mask in [Mask::Full, Mask::Causal, Mask::Blocks(3), Mask::Blocks(16)] {
            let shape = Shape::bidirectional(2, queries, 3, 16);
            shapes.push(Shape { keys, query_offset, mask, cache: Some(keys + 9), ..shape });
        }
    }
    let more_queries = Shape { keys: 33, cache: Some(33), ..Shape::bidirectional(2, 65, 3, 6) };
    shapes.push(more_queries);
    check_variants(&shapes);
}

/// Whatever stands in keys that no query of a tile sees is never read, in any variant.
#[test]
fn hidden_tiles_are_skipped() {
    let capabilities = gpu().capabilities();
    let (keys, width) = (130, 64);
    // 33 queries at 5: the last one, at position 37, ends a run of eight.
    let shape = Shape::bidirectional(1, 33, 2, 32);
    let shape = Shape { keys, query_offset: 5, mask: Mask::Causal, cache: Some(keys), ..shape };
    for variant in AttentionVariant::on(&capabilities) {
        let variants = Variants { attention: variant, ..Variants::default() };
        compare(&format!("{variant:?}, hidden keys"), 2e-5, 2e-5, |bench, step| {
            let q = bench.floats(3 * shape.queries * width);
            let kv = bench.floats(2 * keys * width);
            let hidden = kv.part(2 * 40 * width, 2 * (keys - 40) * width);
            bench.device.write_floats(hidden, &vec![f32::NAN; hidden.len]).unwrap();
            let rows = shape.queries * shape.heads;
            let (y, lse) = (bench.unwritten(shape.queries * width), bench.unwritten(rows));
            attention::forward(step, &variants, attention::Forward { q, kv, y, lse }, &shape);
            let (d_y, delta) = (bench.floats(shape.queries * width), bench.unwritten(rows));
            // Part 0 of three is written, the others stay as they are.
            let d_q = bench.given_floats(&vec![0.0; 3 * shape.queries * width]);
            let d_kv = bench.unwritten(kv.len);
            let io = attention::Backward { q, kv, y, lse, d_y, delta, d_q, d_kv };
            attention::backward(step, &variants, io, &shape);
            vec![y, lse, delta, d_q]
        });
    }
}

const SMALL: Shape = Shape::bidirectional(2, 6, 2, 6);
const SMALL_ROWS: usize = SMALL.batch * SMALL.queries * SMALL.heads;

/// Every mask over [`SMALL`].
fn small_masks() -> [Shape; 4] {
    let masks = [Mask::Full, Mask::Causal, Mask::Blocks(4), Mask::BlockDiffusion(2)];
    masks.map(|mask| Shape { mask, ..SMALL })
}

/// Inputs of the oracle's own tests: no symmetry, scores of some units.
fn inputs() -> (Vec<f32>, Vec<f32>) {
    let wave = |i: usize, speed: f32| ((i as f32 + 0.5) * speed).sin() * 1.5;
    let qkv = (0..3 * SMALL_ROWS * SMALL.head_dim).map(|i| wave(i, 0.7)).collect();
    let d_y = (0..SMALL_ROWS * SMALL.head_dim).map(|i| wave(i, 1.3)).collect();
    (qkv, d_y)
}

/// Output of the oracle, log-sum-exps, and gradient of `sum y d_y`.
fn oracle(qkv: &[f32], d_y: &[f32], shape: &Shape) -> [Vec<f64>; 3] {
    let mut device = Device::oracle();
    let mut floats = |data: &[f32]| device.floats("input", data).unwrap();
    let (qkv, d_y) = (floats(qkv), floats(d_y));
    let mut zeros = |len: usize| floats(&vec![0.0; len]);
    let (y, d_qkv) = (zeros(SMALL_ROWS * SMALL.head_dim), zeros(3 * SMALL_ROWS * SMALL.head_dim));
    let (lse, delta) = (zeros(SMALL_ROWS), zeros(SMALL_ROWS));
    let mut step = Recording::default();
    let variants = Variants::default();
    let io = attention::Forward { q: qkv, kv: qkv, y, lse };
    attention::forward(&mut step, &variants, io, shape);
    let io = attention::Backward { q: qkv, kv: qkv, y, lse, d_y, delta, d_q: d_qkv, d_kv: d_qkv };
    attention::backward(&mut step, &variants, io, shape);
    let program = device.compile(step).unwrap();
    device.run(&program).unwrap();
    [y, lse, d_qkv].map(|slice| block_on(device.read_wide(slice)).unwrap())
}

/// Whether a query sees a key of [`SMALL`], written down from the definitions.
fn sees(mask: Mask, query: usize, key: usize) -> bool {
    let half = SMALL.keys / 2;
    let (noisy_query, noisy_key) = (query < half, key < half);
    match mask {
        Mask::Full => true,
        Mask::Causal => key <= query,
        Mask::Blocks(block) => key / block <= query / block,
        Mask::BlockDiffusion(block) => {
            let (query, key) = (query % half / block, key % half / block);
            match (noisy_query, noisy_key) {
                (true, true) => query == key,
                (true, false) => query > key,
                (false, true) => false,
                (false, false) => query >= key,
            }
        }
    }
}

#[test]
fn oracle_is_softmax_attention() {
    let (qkv, d_y) = inputs();
    for shape in small_masks() {
        let [y, lse, _] = oracle(&qkv, &d_y, &shape);
        let Shape { batch, queries, heads, head_dim, mask, .. } = shape;
        let width = heads * head_dim;
        for (b, t, h) in (0..batch)
            .flat_map(|b| (0..queries).flat_map(move |t| (0..heads).map(move |h| (b, t, h))))
        {
            let row = |part: usize, t: usize| {
                let start = (b * queries + t) * 3 * width + part * width + h * head_dim;
                &qkv[start..start + head_dim]
            };
            let dot = |x: &[f32], y: &[f32]| -> f64 {
                x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
            };
            let weights: Vec<f64> = (0..queries)
                .map(|key| (dot(row(0, t), row(1, key)) / (head_dim as f64).sqrt()).exp())
                .enumerate()
                .map(|(key, weight)| if sees(mask, t, key) { weight } else { 0.0 })
                .collect();
            let total: f64 = weights.iter().sum();
            let n = b * queries + t;
            assert!((lse[n * heads + h] - total.ln()).abs() < 1e-12, "{mask:?}");
            for d in 0..head_dim {
                let expected: f64 =
                    (0..queries).map(|key| weights[key] / total * f64::from(row(2, key)[d])).sum();
                let actual = y[n * width + h * head_dim + d];
                assert!((actual - expected).abs() < 1e-12, "{mask:?}: {actual}, not {expected}");
            }
        }
    }
}

#[test]
fn oracle_gradients_are_finite_differences() {
    let (qkv, d_y) = inputs();
    for shape in small_masks() {
        let [_, _, d_qkv] = oracle(&qkv, &d_y, &shape);
        let loss = |qkv: &[f32]| -> f64 {
            let [y, ..] = oracle(qkv, &d_y, &shape);
            y.iter().zip(&d_y).map(|(&y, &d_y)| y * f64::from(d_y)).sum()
        };
        for i in 0..qkv.len() {
            // Inputs are f32, so the step that was really taken is measured.
            let moved = |by: f32| {
                let mut moved = qkv.clone();
                moved[i] += by;
                (f64::from(moved[i]), loss(&moved))
            };
            let ((right, above), (left, below)) = (moved(1e-3), moved(-1e-3));
            let expected = (above - below) / (right - left);
            let actual = d_qkv[i];
            assert!(
                (actual - expected).abs() <= 1e-5 + 1e-4 * expected.abs(),
                "{:?}, element {i}: {actual}, difference quotient {expected}",
                shape.mask
            );
        }
    }
}
