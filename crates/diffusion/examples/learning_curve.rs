//! Trains as PyTorch did in a golden learning curve and prints both losses of every step. The curve's
//! text need not be in the repository; the test `a_learning_curve_is_followed` has a short one.
//!
//! `cargo run --release --example learning_curve -- CURVE.json CORPUS.txt TOKENIZER.json [STEPS]`

#[path = "../tests/golden_numbers/curve.rs"]
mod curve;
#[path = "../tests/golden_numbers/fixture.rs"]
#[expect(dead_code, reason = "tensors are for the tests")]
mod fixture;
#[path = "../tests/golden_numbers/hash.rs"]
mod hash;
#[path = "../tests/golden_numbers/step.rs"]
#[expect(dead_code, reason = "Muon and gradients are for the tests")]
mod step;

use anyhow::{Context, Result};
use corpus::tokenizer::Tokenizer;
use device::Device;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [curve, corpus, tokenizer, steps @ ..] = &arguments[..] else {
        anyhow::bail!(
            "give CURVE.json CORPUS.txt TOKENIZER.json, and a number of steps if you like"
        );
    };
    let read = |file: &String| std::fs::read(file).with_context(|| format!("cannot read {file}"));
    let curve = curve::Curve::read(&serde_json::from_slice(&read(curve)?)?);
    let text = String::from_utf8(read(corpus)?)?;
    let ids = Tokenizer::from_bytes(&read(tokenizer)?)?.encode(&text);
    let steps = match steps.first() {
        Some(steps) => steps.parse()?,
        None => curve.losses.len(),
    };
    println!("{} tokens\n step   PyTorch  Cinnabar  difference", ids.len());
    curve.follow(&mut Device::cpu(), &ids, steps.min(curve.losses.len()), |number, loss| {
        let expected = curve.losses[number];
        println!("{number:5}  {expected:8.5}  {loss:8.5}  {:+.5}", loss - expected);
    });
    Ok(())
}
