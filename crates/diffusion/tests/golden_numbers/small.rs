//! The small configuration: everything, element by element.

use device::Device;
use diffusion::training::BatchData;
use kernels::attention::Mask;
use optim::{AdamW, OptimizerConfig};
use pollster::block_on;

use crate::fixture::{Tensors, assert_close, config, devices, json, tolerance};
use crate::step::{ADAMW, LOSSES, MUON, Step, forward};

pub(crate) const BATCH: usize = 3;
pub(crate) const LENGTH: usize = 32;

pub(crate) fn batch(tensors: &Tensors, prefix: &str) -> BatchData {
    BatchData {
        ids: tensors.words(&format!("{prefix}xt")),
        targets: tensors.words(&format!("{prefix}x0")),
        mask: tensors.mask(&format!("{prefix}mask")),
        timesteps: tensors.words(&format!("{prefix}t")),
    }
}

#[test]
fn activations_and_logits() {
    let (tensors, json) = (Tensors::open("small"), json("small"));
    let config = config(&json);
    let batch = batch(&tensors, "batch0.");
    let values = tensors.flat("param.", &config);
    for mut device in devices() {
        let shape = [BATCH, LENGTH];
        let acts = forward(&mut device, config, &values, &batch, shape, Mask::Full);
        for (name, slice) in [
            ("act.embed", acts.embedded),
            ("act.block1.attn_y", acts.layers[1].y),
            ("act.block1.mlp_h", acts.activated),
            ("act.block1", acts.x),
            ("act.final", acts.final_h),
            ("act.logits", acts.logits),
        ] {
            let actual = block_on(device.read_floats(slice)).unwrap();
            let tolerance = tolerance(&json, name);
            assert_close(
                &format!("{name} on {device}"),
                &actual,
                &tensors.floats(name),
                tolerance,
                1e-6,
            );
        }
        // The fixture has heads before positions: [B, H, S, D].
        let qkv = block_on(device.read_floats(acts.layers[1].qkv)).unwrap();
        let (heads, width) = (config.n_head, config.head_dim());
        for (part, name) in ["q", "k", "v"].into_iter().enumerate() {
            let name = format!("act.block1.{name}");
            let expected = tensors.floats(&name);
            let heads_of = (0..BATCH).flat_map(|b| (0..heads).map(move |h| (b, h)));
            let actual: Vec<f32> = heads_of
                .flat_map(|(b, h)| (0..LENGTH).map(move |p| (b * LENGTH + p, h)))
                .flat_map(|(n, h)| {
                    let start = (n * 3 * heads + part * heads + h) * width;
                    qkv[start..start + width].to_vec()
                })
                .collect();
            let tolerance = tolerance(&json, &name);
            assert_close(&format!("{name} on {device}"), &actual, &expected, tolerance, 1e-6);
        }
    }
}

#[test]
fn rotary_tables() {
    let tensors = Tensors::open("small");
    let table = kernels::rope_norm::table(LENGTH, 32);
    let rows = table.chunks_exact(32);
    let cosines: Vec<f32> = rows.clone().flat_map(|row| row[..16].to_vec()).collect();
    let sines: Vec<f32> = rows.flat_map(|row| row[16..].to_vec()).collect();
    assert_close("cos", &cosines, &tensors.floats("rope_cos"), 4e-6, 0.0);
    assert_close("sin", &sines, &tensors.floats("rope_sin"), 4e-6, 0.0);
}

#[test]
fn loss_and_gradients() {
    let (tensors, json) = (Tensors::open("small"), json("small"));
    let config = config(&json);
    for mut device in devices() {
        let values = tensors.flat("param.", &config);
        let step = Step::new(&mut device, config, &values, [BATCH, LENGTH], ADAMW);
        step.write(&mut device, &batch(&tensors, "batch0."));
        let program = device.compile(step.record()).unwrap();
        device.run(&program).unwrap();
        let expected = json["loss"].as_f64().unwrap() as f32;
        assert_close(
            &format!("loss on {device}"),
            &[step.loss(&device, 1)],
            &[expected],
            1e-5,
            0.0,
        );
        let gradient = step.read(&device, &step.parts.gradient);
        for tensor in config.tensors() {
            let name = format!("grad.{}", tensor.name);
            let actual = &gradient[tensor.range()];
            let tolerance = tolerance(&json, &name);
            let expected = tensors.floats(&name);
            assert_close(&format!("{name} on {device}"), actual, &expected, tolerance, 1e-6);
        }
    }
}

/// Every gradient, to the bit.
#[test]
fn recomputation_changes_no_gradient() {
    let (tensors, json) = (Tensors::open("small"), json("small"));
    let config = config(&json);
    let values = tensors.flat("param.", &config);
    for mut device in devices() {
        let mut gradient = |recompute| {
            let sizes = [BATCH, LENGTH];
            let step = Step::with(&mut device, config, &values, sizes, ADAMW, recompute);
            step.write(&mut device, &batch(&tensors, "batch0."));
            let recording = step.record_gradient();
            let launches = recording.launches().len();
            let program = device.compile(recording).unwrap();
            device.run(&program).unwrap();
            let bits = step.read(&device, &step.parts.gradient).into_iter().map(f32::to_bits);
            (bits.collect::<Vec<_>>(), launches)
        };
        let (kept, fewer) = gradient(false);
        let (recomputed, more) = gradient(true);
        assert!(more > fewer, "{more} launches with recomputation, {fewer} without");
        assert!(kept == recomputed, "on {device}");
    }
}

/// Runs five steps of `optimizer` on every device, compares their losses with those of `fixture`,
/// and has `check` look at what steps 1 and 5 leave behind.
fn follow(
    fixture: &str,
    optimizer: OptimizerConfig,
    loss_tolerance: f32,
    check: impl Fn(&Step, &Device, &Tensors, usize),
) {
    let (tensors, after) = (Tensors::open("small"), Tensors::open(fixture));
    let json = json(fixture);
    let config = config(&json);
    for mut device in devices() {
        let values = tensors.flat("param.", &config);
        let sizes = [BATCH, LENGTH];
        let step = Step::new(&mut device, config, &values, sizes, optimizer);
        let program = device.compile(step.record()).unwrap();
        for n in 1..=5 {
            step.write(&mut device, &batch(&tensors, &format!("batch{}.", n - 1)));
            device.run(&program).unwrap();
            let expected = json["losses_before_step"][n - 1].as_f64().unwrap() as f32;
            let loss = step.loss(&device, n);
            let what = format!("loss {n} on {device}");
            assert_close(&what, &[loss], &[expected], loss_tolerance, 0.0);
            if n == 1 || n == 5 {
                check(&step, &device, &after, n);
            }
        }
    }
}

/// Compares every parameter after step `n`; `absolute` gives the tolerance of each by its place.
fn assert_parameters(
    step: &Step,
    device: &Device,
    after: &Tensors,
    n: usize,
    absolute: impl Fn(usize) -> f32,
) {
    let parameters = step.read(device, &step.parts.model.parameters);
    for tensor in step.parts.model.config.tensors() {
        let name = format!("step{n}.param.{}", tensor.name);
        let what = format!("{name} on {device}");
        for (index, expected) in tensor.range().zip(after.floats(&name)) {
            assert_close(&what, &[parameters[index]], &[expected], absolute(index), 0.0);
        }
    }
}

#[test]
fn parameters_after_adamw_steps() {
    let json = json("small_adamw");
    let gradient = Tensors::open("small").flat("grad.", &config(&json));
    // The first update is lr g / (|g| + eps). Where g is about as small as eps it follows the float
    // noise of g, which PyTorch's f32 run has as well (2e-5); at most from -lr to lr.
    let (AdamW { lr, eps, .. }, noise) = (ADAMW.adamw, 1e-7);
    let absolute = |index: usize| {
        let slope = eps / (f64::from(gradient[index].abs()) + eps).powi(2);
        (1e-5 + lr * (slope * noise).min(2.0)) as f32
    };
    follow("small_adamw", ADAMW, 1e-5, |step, device, after, n| {
        assert_parameters(step, device, after, n, absolute);
        let state = step.parts.optimizer.buffers().into_iter().zip(["m", "v"]);
        for ((_, pages), letter) in state {
            let moment = step.read(device, pages);
            let kept = ["timestep_emb.weight", "blocks.1.mlp.c_fc.weight"];
            let tensors = step.parts.model.config.tensors().into_iter();
            for tensor in tensors.filter(|tensor| kept.contains(&tensor.name.as_str())) {
                let name = format!("step{n}.{letter}.{}", tensor.name);
                let (what, actual) = (format!("{name} on {device}"), &moment[tensor.range()]);
                let absolute = tolerance(&json, &name);
                assert_close(&what, actual, &after.floats(&name), absolute, 1e-5);
            }
        }
    });
}

#[test]
fn parameters_after_muon_steps() {
    follow("small_muon", MUON, 2e-5, |step, device, after, n| {
        // The iteration starts from a matrix of norm 1 and so magnifies small singular values, and
        // with them float noise, up to a thousandfold.
        assert_parameters(step, device, after, n, |_| 2e-4);
    });
}

#[test]
fn a_single_batch_is_learnt_by_heart() {
    let (tensors, json) = (Tensors::open("small"), json("small"));
    let config = config(&json);
    let fast = OptimizerConfig { adamw: AdamW { lr: 3e-3, ..ADAMW.adamw }, ..ADAMW };
    let [_, mut device, _] = devices();
    let values = tensors.flat("param.", &config);
    let step = Step::new(&mut device, config, &values, [BATCH, LENGTH], fast);
    // Batch 0 has a row of masks alone, whose positions nothing tells apart.
    step.write(&mut device, &batch(&tensors, "batch1."));
    let program = device.compile(step.record()).unwrap();
    for _ in 0..304 {
        device.run(&program).unwrap();
    }
    let loss = step.loss(&device, 304);
    assert!(loss < 0.1, "after 304 steps on one batch the loss is {loss}");
}

/// The whole backward pass of the oracle against central differences of its loss.
#[test]
fn gradients_agree_with_finite_differences() {
    let (tensors, json) = (Tensors::open("small"), json("small"));
    let config = config(&json);
    let mut device = Device::oracle();
    let values = tensors.flat("param.", &config);
    let step = Step::new(&mut device, config, &values, [BATCH, LENGTH], ADAMW);
    step.write(&mut device, &batch(&tensors, "batch0."));
    let program = device.compile(step.record_gradient()).unwrap();
    device.run(&program).unwrap();
    let whole = step.parts.gradient.part(0, config.flat_len());
    let gradient = block_on(device.read_wide(whole)).unwrap();
    let mut calls = 1;
    for tensor in config.tensors() {
        // The first element of the tensor whose gradient is not small, and one in the middle.
        let largest =
            tensor.range().max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
        for index in [largest.unwrap(), tensor.offset + tensor.len() / 2] {
            let mut loss_at = |shift: f32| {
                let mut shifted = values.clone();
                shifted[index] += shift;
                step.parts.model.parameters.write(&mut device, &shifted).unwrap();
                device.run(&program).unwrap();
                calls += 1;
                let losses = block_on(device.read_wide(step.parts.losses)).unwrap();
                (losses[calls % LOSSES], f64::from(shifted[index]))
            };
            let ((above, right), (below, left)) = (loss_at(1e-3), loss_at(-1e-3));
            let slope = (above - below) / (right - left);
            let error = (slope - gradient[index]).abs();
            let name = &tensor.name;
            assert!(
                error <= 1e-6 + 1e-4 * slope.abs(),
                "{name}[{index}]: gradient {}, finite difference {slope}",
                gradient[index]
            );
        }
    }
}
