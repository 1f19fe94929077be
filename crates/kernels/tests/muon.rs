//! Muon's kernels: CPU device and GPU against the f64 oracle, at sizes that no tile divides.

mod harness;

use harness::{Bench, compare};
use kernels::muon::Coefficients;
use kernels::{Variants, grad_norm, muon};

/// Factor of the learning rate, scale of the gradient, and at the end factor of the weight decay. A
/// negative scale is that of a gradient that is not finite, and changes nothing.
const CONTROLS: [[f32; 4]; 2] = [[0.5, 0.25, 0.0, 0.75], [0.5, -1.0, 0.0, 0.75]];

const BOTH: [Coefficients; 2] = [Coefficients::Jordan, Coefficients::PolarExpress];

#[test]
fn momentum_looks_ahead() {
    for count in [1, 63, 1030] {
        for control in CONTROLS {
            compare("muon_momentum", 1e-6, 1e-5, |bench, step| {
                let control = bench.given_floats(&control);
                let (d_p, momentum) = (bench.floats(count), bench.floats(count));
                let u = bench.unwritten(count);
                muon::momentum(step, muon::Momentum { control, d_p, momentum, u }, 0.95);
                vec![momentum, u]
            });
        }
    }
}

fn scratch(bench: &mut Bench, [rows, columns]: [usize; 2]) -> muon::Scratch {
    let square = rows.min(columns).pow(2);
    muon::Scratch {
        x: [0; 2].map(|_| bench.unwritten(rows * columns)),
        squares: [0; 3].map(|_| bench.unwritten(square)),
        sums: bench.unwritten(grad_norm::SUMS),
        partial_sums: bench.unwritten(grad_norm::PARTIAL_SUMS),
    }
}

#[test]
fn matrices_become_orthogonal() {
    // Wide, tall, square; the last norm is made by several workgroups.
    let shapes = [[1, 1], [3, 7], [65, 33], [64, 64], [67, 123]];
    for (shape, coefficients) in shapes.into_iter().flat_map(|shape| BOTH.map(|c| (shape, c))) {
        // Five steps of a polynomial of the fifth degree carry the rounding on.
        compare(&format!("muon {shape:?}"), 1e-4, 1e-4, |bench, step| {
            let u = bench.floats(shape[0] * shape[1]);
            let scratch = scratch(bench, shape);
            let variants = Variants::default();
            vec![muon::orthogonalize(step, &variants, coefficients, u, shape, &scratch)]
        });
    }
}

/// A diagonal matrix has its singular values on the diagonal, before and after.
#[test]
fn singular_values_go_to_one() {
    const SIZE: usize = 9;
    let values: [f32; SIZE] = std::array::from_fn(|i| 0.5f32.powi(i as i32));
    let matrix: Vec<f32> = (0..SIZE * SIZE)
        .map(|i| if i / SIZE == i % SIZE { values[i % SIZE] } else { 0.0 })
        .collect();
    for (coefficients, range) in BOTH.into_iter().zip([0.68..1.21, 0.87..1.13]) {
        let outputs = compare("singular values", 1e-4, 1e-4, |bench, step| {
            let u = bench.given_floats(&matrix);
            let (shape, variants) = ([SIZE, SIZE], Variants::default());
            let scratch = scratch(bench, shape);
            vec![muon::orthogonalize(step, &variants, coefficients, u, shape, &scratch)]
        });
        for (i, &value) in outputs[0].iter().enumerate() {
            if i / SIZE == i % SIZE {
                assert!(range.contains(&value), "{coefficients:?}: {value}");
            } else {
                assert_eq!(value, 0.0, "{coefficients:?}");
            }
        }
    }
}

#[test]
fn updates_decay_and_scale() {
    for shape in [[1, 1], [3, 7], [65, 33]] {
        for (control, cautious) in CONTROLS.into_iter().flat_map(|c| [(c, false), (c, true)]) {
            compare("muon_update", 1e-6, 1e-5, |bench, step| {
                let control = bench.given_floats(&control);
                let [o, p] = [0; 2].map(|_| bench.floats(shape[0] * shape[1]));
                muon::update(step, muon::Update { control, o, p }, shape, 0.02, 0.1, cautious);
                vec![p]
            });
        }
    }
}

/// A cautious decay spares weights that their update makes larger anyway.
#[test]
fn cautious_decay_goes_with_the_update() {
    let outputs = compare("cautious muon_update", 1e-6, 1e-6, |bench, step| {
        let control = bench.given_floats(&[1.0, 1.0, 0.0, 0.5]);
        let [o, p] = [[1.0, -1.0, 0.0], [2.0, 2.0, 2.0]].map(|values| bench.given_floats(&values));
        muon::update(step, muon::Update { control, o, p }, [1, 3], 0.1, 0.4, true);
        vec![p]
    });
    // 2 (1 - 0.1 0.4 0.5) = 1.96, and the rate 0.1 up or down.
    for (found, expected) in outputs[0].iter().zip([1.86, 2.1, 1.96]) {
        assert!((found - expected).abs() < 1e-6, "{outputs:?}");
    }
}
