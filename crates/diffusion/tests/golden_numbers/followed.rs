//! A short learning curve on text of our own.

use crate::curve::Curve;
use crate::fixture::{Tensors, assert_close, devices, json};

#[test]
fn a_learning_curve_is_followed() {
    let curve = Curve::read(&json("curve"));
    let ids = Tensors::open("curve").words("ids");
    let [_, cpu, gpu] = devices();
    // A software GPU takes seconds for a step of this size.
    for (mut device, steps) in [(cpu, curve.losses.len()), (gpu, 4)] {
        let name = device.to_string();
        curve.follow(&mut device, &ids, steps, |number, loss| {
            // Updates amplify float noise: the fixture has five digits, then the runs drift apart.
            let absolute = if number < 10 { 2e-5 } else { 2e-3 };
            let what = format!("loss of step {number} on {name}");
            assert_close(&what, &[loss], &[curve.losses[number]], absolute, 0.0);
        });
    }
}
