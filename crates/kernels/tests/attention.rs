//! Attention: every variant on the GPU, and the CPU device, against the f64 oracle; the oracle
//! against the definition and against finite differences.

mod harness;

use device::{Device, Recording};
use harness::{compare, gpu};
use kernels::attention::{self, Shape};
use kernels::{AttentionVariant, Variants};
use pollster::block_on;

const LENGTHS: [usize; 6] = [1, 5, 31, 32, 33, 97];
const HEAD_DIMS: [usize; 6] = [2, 6, 16, 32, 64, 128];

fn check(variant: AttentionVariant) {
    let variants = Variants { attention: variant, ..Variants::default() };
    for head_dim in HEAD_DIMS {
        let what =
            format!("{variant:?}, D {head_dim}, outputs are y, lse, delta, d_qkv of {LENGTHS:?}");
        // Sums over up to 128 dimensions and 97 positions in f32.
        compare(&what, 2e-5, 2e-5, |bench, step| {
            let mut outputs = vec![];
            for length in LENGTHS {
                let shape = Shape { batch: 2, length, heads: 3, head_dim };
                let rows = 2 * length * 3;
                let qkv = bench.floats(3 * rows * head_dim);
                let d_y = bench.floats(rows * head_dim);
                let (y, lse) = (bench.unwritten(rows * head_dim), bench.unwritten(rows));
                let (delta, d_qkv) = (bench.unwritten(rows), bench.unwritten(3 * rows * head_dim));
                attention::forward(step, &variants, attention::Forward { qkv, y, lse }, shape);
                let io = attention::Backward { qkv, y, lse, d_y, delta, d_qkv };
                attention::backward(step, &variants, io, shape);
                outputs.extend([y, lse, delta, d_qkv]);
            }
            outputs
        });
    }
}

#[test]
fn tile() {
    check(AttentionVariant::Tile);
}

/// Where the adapter's subgroups have another size, the variant must not be offered.
#[test]
fn subgroup() {
    let capabilities = gpu().capabilities();
    let runs = AttentionVariant::Subgroup.runs_on(&capabilities);
    assert_eq!(runs, capabilities.subgroup_size == Some(kernels::LANES));
    if runs {
        check(AttentionVariant::Subgroup);
    } else {
        println!("left out: the adapter's subgroups are {:?}", capabilities.subgroup_size);
    }
}

const SMALL: Shape = Shape { batch: 2, length: 5, heads: 2, head_dim: 6 };
const SMALL_ROWS: usize = SMALL.batch * SMALL.length * SMALL.heads;

/// Inputs of the oracle's own tests: no symmetry, scores of some units.
fn inputs() -> (Vec<f32>, Vec<f32>) {
    let wave = |i: usize, speed: f32| ((i as f32 + 0.5) * speed).sin() * 1.5;
    let qkv = (0..3 * SMALL_ROWS * SMALL.head_dim).map(|i| wave(i, 0.7)).collect();
    let d_y = (0..SMALL_ROWS * SMALL.head_dim).map(|i| wave(i, 1.3)).collect();
    (qkv, d_y)
}

/// Output of the oracle, log-sum-exps, and gradient of `sum y d_y`.
fn oracle(qkv: &[f32], d_y: &[f32]) -> [Vec<f64>; 3] {
    let mut device = Device::oracle();
    let mut floats = |data: &[f32]| device.floats("input", data).unwrap();
    let (qkv, d_y) = (floats(qkv), floats(d_y));
    let mut zeros = |len: usize| floats(&vec![0.0; len]);
    let (y, d_qkv) = (zeros(SMALL_ROWS * SMALL.head_dim), zeros(3 * SMALL_ROWS * SMALL.head_dim));
    let (lse, delta) = (zeros(SMALL_ROWS), zeros(SMALL_ROWS));
    let mut step = Recording::default();
    let variants = Variants::default();
    attention::forward(&mut step, &variants, attention::Forward { qkv, y, lse }, SMALL);
    let io = attention::Backward { qkv, y, lse, d_y, delta, d_qkv };
    attention::backward(&mut step, &variants, io, SMALL);
    let program = device.compile(step).unwrap();
    device.run(&program).unwrap();
    [y, lse, d_qkv].map(|slice| block_on(device.read_wide(slice)).unwrap())
}

#[test]
fn oracle_is_softmax_attention() {
    let (qkv, d_y) = inputs();
    let [y, lse, _] = oracle(&qkv, &d_y);
    let Shape { batch, length, heads, head_dim } = SMALL;
    let width = heads * head_dim;
    for (b, t, h) in
        (0..batch).flat_map(|b| (0..length).flat_map(move |t| (0..heads).map(move |h| (b, t, h))))
    {
        let row = |part: usize, t: usize| {
            let start = (b * length + t) * 3 * width + part * width + h * head_dim;
            &qkv[start..start + head_dim]
        };
        let dot = |x: &[f32], y: &[f32]| -> f64 {
            x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
        };
        let weights: Vec<f64> = (0..length)
            .map(|key| (dot(row(0, t), row(1, key)) / (head_dim as f64).sqrt()).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        let n = b * length + t;
        assert!((lse[n * heads + h] - total.ln()).abs() < 1e-12);
        for d in 0..head_dim {
            let expected: f64 =
                (0..length).map(|key| weights[key] / total * f64::from(row(2, key)[d])).sum();
            let actual = y[n * width + h * head_dim + d];
            assert!((actual - expected).abs() < 1e-12, "{actual}, expected {expected}");
        }
    }
}

#[test]
fn oracle_gradients_are_finite_differences() {
    let (qkv, d_y) = inputs();
    let [_, _, d_qkv] = oracle(&qkv, &d_y);
    let loss = |qkv: &[f32]| -> f64 {
        oracle(qkv, &d_y)[0].iter().zip(&d_y).map(|(&y, &d_y)| y * f64::from(d_y)).sum()
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
            "element {i}: {actual}, difference quotient {expected}"
        );
    }
}
