//! Choosing shader forms by measuring them on the adapter, never by its name.

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use web_time::Instant;

use crate::attention::{self, Shape};
use crate::forms::{AttentionForm, Forms, GemmForm};
use crate::gemm::{self, Op};

/// Sizes to measure at, `[m, n, k]`: large enough to fill a small GPU, small enough for a software
/// driver to do in a tenth of a second.
const PRODUCT: [usize; 3] = [1024, 512, 256];

/// As [`PRODUCT`], for attention.
const ATTENTION: Shape = Shape { batch: 4, length: 128, heads: 4, head_dim: 64 };

/// Launches of a measurement on adapters that do one of them within [`QUICK`].
const REPEATS: usize = 32;

/// Seconds below which a single launch is too short to measure.
const QUICK: f64 = 2e-3;

/// Measures the candidate forms on a GPU and returns the fastest of each operation. Takes a few
/// seconds on a software driver, where compiling the kernels is most of it. The CPU device has but
/// one form: there, the default is returned at once.
///
/// # Errors
/// What the device reports; no form is chosen then.
pub async fn measure(device: &mut Device) -> Result<Forms, DeviceError> {
    let mut forms = Forms::default();
    let Some(gpu) = device.gpu() else {
        return Ok(forms);
    };
    let subgroup = gpu.summary().subgroup;
    let buffers = Buffers::new(device)?;

    let candidates: Vec<_> =
        GemmForm::ALL.into_iter().filter(|form| form.runs_with(subgroup)).collect();
    for op in Op::ALL {
        let mut fastest = Fastest::default();
        for &form in &candidates {
            let choice = Forms { gemm_nt: form, gemm_nn: form, gemm_tn: form, ..forms };
            let [a, b, c] = buffers.product;
            let record = |step: &mut Recording| {
                gemm::record(step, &choice, op, a, b, c, PRODUCT, false);
            };
            fastest.offer(form, seconds(device, c, record).await?);
        }
        let form = fastest.form.unwrap_or_default();
        match op {
            Op::Nt => forms.gemm_nt = form,
            Op::Nn => forms.gemm_nn = form,
            Op::Tn => forms.gemm_tn = form,
        }
    }

    let mut fastest = Fastest::default();
    for form in AttentionForm::ALL.into_iter().filter(|form| form.runs_with(subgroup)) {
        let choice = Forms { attention: form, ..forms };
        let Buffers { qkv, y, lse, d_y, delta, d_qkv, .. } = buffers;
        let record = |step: &mut Recording| {
            attention::forward(step, &choice, qkv, y, lse, ATTENTION);
            attention::backward(step, &choice, qkv, y, lse, d_y, delta, d_qkv, ATTENTION);
        };
        fastest.offer(form, seconds(device, d_qkv, record).await?);
    }
    forms.attention = fastest.form.unwrap_or_default();
    log::info!("shader forms: {forms:?}");
    Ok(forms)
}

/// The fastest form so far; the earlier one where two are equal.
struct Fastest<F> {
    form: Option<F>,
    seconds: f64,
}

impl<F> Default for Fastest<F> {
    fn default() -> Self {
        Self { form: None, seconds: f64::INFINITY }
    }
}

impl<F: std::fmt::Debug> Fastest<F> {
    fn offer(&mut self, form: F, seconds: f64) {
        log::debug!("{form:?}: {:.3} ms", 1e3 * seconds);
        if seconds < self.seconds {
            *self = Self { form: Some(form), seconds };
        }
    }
}

/// What the measured launches are bound to; zeros, which no form treats in a special way.
struct Buffers {
    product: [Slice; 3],
    qkv: Slice,
    y: Slice,
    lse: Slice,
    d_y: Slice,
    delta: Slice,
    d_qkv: Slice,
}

impl Buffers {
    fn new(device: &mut Device) -> Result<Self, DeviceError> {
        let mut floats = |len| device.allocate("tuning", Element::Float, len);
        let [m, n, k] = PRODUCT;
        let Shape { batch, length, heads, head_dim } = ATTENTION;
        let rows = batch * length * heads;
        Ok(Self {
            product: [floats(m * k)?, floats(n * k)?, floats(m * n)?],
            qkv: floats(3 * rows * head_dim)?,
            y: floats(rows * head_dim)?,
            lse: floats(rows)?,
            d_y: floats(rows * head_dim)?,
            delta: floats(rows)?,
            d_qkv: floats(3 * rows * head_dim)?,
        })
    }
}

/// Seconds that one `record`ed operation takes, the best of three; the first run, which compiles,
/// does not count.
async fn seconds(
    device: &mut Device,
    output: Slice,
    record: impl Fn(&mut Recording),
) -> Result<f64, DeviceError> {
    let mut step = Recording::default();
    record(&mut step);
    let once = device.compile(step.clone())?;
    for _ in 1..REPEATS {
        record(&mut step);
    }
    let many = device.compile(step)?;
    run(device, &once, output).await?;
    let quick = run(device, &once, output).await? < QUICK;
    let (program, launches) = if quick { (&many, REPEATS) } else { (&once, 1) };
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        best = best.min(run(device, program, output).await?);
    }
    Ok(best / launches as f64)
}

async fn run(device: &mut Device, program: &Program, output: Slice) -> Result<f64, DeviceError> {
    let start = Instant::now();
    device.run(program)?;
    // Reading waits for the launches before it.
    device.read_floats(output.part(0, 1)).await?;
    Ok(start.elapsed().as_secs_f64())
}
