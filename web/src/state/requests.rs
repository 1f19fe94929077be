//! Requests: the defaults, what suits a model, and examples.

use crate::protocol::{GAP_OPENS, ModelInfo, Request, SamplerKind};

/// The default settings.
pub fn default_request() -> Request {
    Request {
        prompt: String::new(),
        length: 96,
        steps: 100,
        sampler: SamplerKind::default(),
        temperature: 0.7,
        top_k: None,
        top_p: None,
        seed: 1,
        stop_at_end: true,
    }
}

/// Whether the model has something to write inside a prompt.
pub(super) fn has_gap(prompt: &str) -> bool {
    prompt.contains(GAP_OPENS)
}

/// Tokens in the gaps of a prompt. What is no gap counts as one token.
pub fn gap_tokens(prompt: &str) -> u32 {
    let size = |gap: &str| gap.strip_prefix(':')?.split(']').next()?.parse().ok();
    prompt.split(GAP_OPENS).skip(1).map(|gap| size(gap).unwrap_or(1)).sum()
}

/// An example: its gaps are filled, or it is continued, with the default settings. A step for every
/// token is enough: more would change nothing.
pub(super) fn example(prompt: String) -> Request {
    let default = default_request();
    let length = if has_gap(&prompt) { 0 } else { default.length };
    let steps = default.steps.min(length + gap_tokens(&prompt)).max(1);
    Request { prompt, length, steps, ..default }
}

/// A request that has something to write, within what the model can do.
pub(super) fn fitting(mut request: Request, info: &ModelInfo) -> Request {
    if request.length == 0 && !has_gap(&request.prompt) {
        request.length = default_request().length;
    }
    request.steps = request.steps.min(info.timesteps);
    request.length = request.length.min(info.block_size);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_take_the_defaults_and_no_idle_steps() {
        let begun = example("Once upon a time".into());
        assert_eq!((begun.length, begun.steps), (96, 96));
        let gap = example("A cat [MASK:12] home.".into());
        assert_eq!((gap.length, gap.steps), (0, 12));
        assert_eq!(gap.temperature, default_request().temperature);
        assert_eq!(example("[MASK] and [MASK:3].".into()).steps, 4);
        assert_eq!(example("[MASK:300]".into()).steps, 100);
    }
}
