//! Requests: the defaults, what suits a model, and examples.

use crate::protocol::{GAP_OPENS, ModelInfo, Request};

/// Whether the model has something to write inside a prompt.
pub(super) fn has_gap(prompt: &str) -> bool {
    prompt.contains(GAP_OPENS)
}

/// Tokens in the gaps of a prompt, at most. What is no gap counts as one token.
pub fn gap_tokens(prompt: &str) -> u32 {
    let size =
        |gap: &str| gap.strip_prefix(':')?.split(']').next()?.rsplit('-').next()?.parse().ok();
    prompt.split(GAP_OPENS).skip(1).map(|gap| size(gap).unwrap_or(1)).sum()
}

/// The same settings for another model: those that nobody has touched are its own.
pub(super) fn adopted(request: &Request, old: &Request, new: &Request) -> Request {
    let untouched = *request == Request { prompt: request.prompt.clone(), ..old.clone() };
    let settings = if untouched { new } else { request };
    Request { prompt: request.prompt.clone(), ..settings.clone() }
}

/// An example: its gaps are filled, or it is continued, with the default settings. A step for every
/// token is enough: more would change nothing.
pub(super) fn example(prompt: String, default: Request) -> Request {
    let length = if has_gap(&prompt) { 0 } else { default.length };
    let steps = default.steps.min(length + gap_tokens(&prompt)).max(1);
    Request { prompt, length, steps, ..default }
}

/// A request that has something to write, within what the model can do.
pub(super) fn fitting(mut request: Request, info: &ModelInfo) -> Request {
    if request.length == 0 && !has_gap(&request.prompt) {
        request.length = Request::default().length;
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
        let begun = example("Once upon a time".into(), Request::default());
        assert_eq!((begun.length, begun.steps), (96, 96));
        let gap = example("A cat [MASK:12] home.".into(), Request::default());
        assert_eq!((gap.length, gap.steps), (0, 12));
        assert_eq!(gap.temperature, Request::default().temperature);
        assert_eq!(example("[MASK] and [MASK:3].".into(), Request::default()).steps, 4);
        assert_eq!(example("[MASK:4-12]".into(), Request::default()).steps, 12);
        assert_eq!(example("[MASK:300]".into(), Request::default()).steps, 100);
    }

    #[test]
    fn untouched_settings_follow_the_model() {
        let old = Request::default();
        let new = Request { steps: 50, temperature: 0.5, ..Request::default() };
        let typed = Request { prompt: "A cat".into(), ..Request::default() };
        assert_eq!(adopted(&typed, &old, &new), Request { prompt: "A cat".into(), ..new.clone() });
        let touched = Request { seed: 7, ..typed };
        assert_eq!(adopted(&touched, &old, &new), touched);
    }
}
