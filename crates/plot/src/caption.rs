//! What a picture says in words about its trace.

use crate::Trace;

/// How the text was written: sampler, schedule, temperature, cuts, seed.
pub(crate) fn settings(trace: &Trace) -> Vec<String> {
    let mut parts = vec![
        format!("{} sampler", trace.sampler),
        format!("{} schedule", trace.schedule),
        format!("temperature {}", short(trace.temperature)),
    ];
    parts.extend(trace.top_k.map(|k| format!("top-k {k}")));
    parts.extend(trace.top_p.map(|p| format!("top-p {}", short(p))));
    parts.push(format!("seed {}", trace.seed));
    parts
}

/// How much was written.
pub(crate) fn extent(trace: &Trace) -> String {
    format!("{} tokens in {} steps", trace.generated(), trace.steps)
}

/// A number without needless decimals.
pub(crate) fn short(number: f32) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}
