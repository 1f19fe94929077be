//! Muon's kernels: CPU device and GPU against the f64 oracle, at sizes that no tile divides.

mod harness;

use harness::{Bench, compare};
use kernels::{Variants, muon};

/// Factor of the learning rate and scale of the gradient; a negative one is that of a gradient
/// that is not finite, and changes nothing.
const CONTROLS: [[f32; 4]; 2] = [[0.5, 0.25, 0.0, 0.0], [0.5, -1.0, 0.0, 0.0]];

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
    }
}

#[test]
fn matrices_become_orthogonal() {
    // Wide, tall, square.
    for shape in [[1, 1], [3, 7], [65, 33], [64, 64]] {
        // Five steps of a polynomial of the fifth degree carry the rounding on.
        compare(&format!("muon {shape:?}"), 1e-4, 1e-4, |bench, step| {
            let u = bench.floats(shape[0] * shape[1]);
            let scratch = scratch(bench, shape);
            vec![muon::orthogonalize(step, &Variants::default(), u, shape, &scratch)]
        });
    }
}

#[test]
fn updates_decay_and_scale() {
    for shape in [[1, 1], [3, 7], [65, 33]] {
        for control in CONTROLS {
            compare("muon_update", 1e-6, 1e-5, |bench, step| {
                let control = bench.given_floats(&control);
                let [o, p] = [0; 2].map(|_| bench.floats(shape[0] * shape[1]));
                muon::update(step, muon::Update { control, o, p }, shape, 0.02, 0.1);
                vec![p]
            });
        }
    }
}
