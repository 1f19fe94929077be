//! Requests: the defaults, what suits a model, and examples.

use crate::gaps;
use crate::protocol::{ModelInfo, Request};

/// The same settings for another model: those that nobody has touched are its own, and so is how it
/// writes, where it cannot write as asked.
pub(super) fn adopted(request: &Request, old: &Request, info: &ModelInfo) -> Request {
    let untouched = *request == Request { prompt: request.prompt.clone(), ..old.clone() };
    if untouched {
        return Request { prompt: request.prompt.clone(), ..info.defaults.clone() };
    }
    suited(request.clone(), info)
}

/// A request as it is, or in the model's own way of writing if it cannot write in this one.
fn suited(request: Request, info: &ModelInfo) -> Request {
    if request.sampler.suits(info.objective) { request } else { in_its_way(request, info) }
}

/// The request of a text for another model beside it. Both write alike if they can; what one writes
/// from left to right and the other all over the page, each writes in its own way.
pub(super) fn for_rival(request: Request, info: &ModelInfo) -> Request {
    let alike =
        request.sampler.writes_left_to_right() == info.defaults.sampler.writes_left_to_right();
    if alike { request } else { in_its_way(request, info) }
}

/// The request with the settings in which the model's texts read best.
fn in_its_way(request: Request, info: &ModelInfo) -> Request {
    let Request { prompt, length, seed, stop_at_end, .. } = request;
    Request { prompt, length, seed, stop_at_end, ..info.defaults.clone() }
}

/// An example: its gaps are filled, or it is continued, with the default settings. A step for every
/// token is enough: more would change nothing.
pub(super) fn example(prompt: String, default: Request) -> Request {
    let length = if gaps::any(&prompt) { 0 } else { default.length };
    let steps = default.steps.min(length + gaps::tokens(&prompt)).max(1);
    Request { prompt, length, steps, ..default }
}

/// A request that has something to write, within what the model can do.
pub(super) fn fitting(request: Request, info: &ModelInfo) -> Request {
    let mut request = suited(request, info);
    if request.length == 0 && !gaps::any(&request.prompt) {
        request.length = Request::default().length;
    }
    request.steps = request.steps.min(info.timesteps);
    request.length = request.length.min(info.block_size);
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Objective;

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

    /// A model of this objective that reads best at this temperature.
    fn model(objective: Objective, temperature: f32) -> ModelInfo {
        let sampler = diffusion::default_sampler(objective).into();
        ModelInfo {
            objective,
            block_size: 256,
            timesteps: 100,
            defaults: Request { sampler, temperature, steps: 50, ..Request::default() },
            ..ModelInfo::default()
        }
    }

    #[test]
    fn untouched_settings_follow_the_model() {
        let old = Request::default();
        let new = model(Objective::Masked, 0.5);
        let typed = Request { prompt: "A cat".into(), ..Request::default() };
        let own = Request { prompt: "A cat".into(), ..new.defaults.clone() };
        assert_eq!(adopted(&typed, &old, &new), own);
        let touched = Request { seed: 7, ..typed };
        assert_eq!(adopted(&touched, &old, &new), touched);
    }

    #[test]
    fn a_model_that_writes_from_left_to_right_is_asked_for_that_alone() {
        let masked = Request { prompt: "A cat".into(), seed: 7, ..Request::default() };
        let (other, serial) =
            (model(Objective::Masked, 0.5), model(Objective::Autoregressive, 0.9));
        for found in [
            adopted(&masked, &Request::default(), &serial),
            fitting(masked.clone(), &serial),
            for_rival(masked.clone(), &serial),
        ] {
            assert!(found.sampler.writes_left_to_right());
            assert_eq!((found.temperature, found.seed, found.prompt.as_str()), (0.9, 7, "A cat"));
        }
        // Two that write alike differ in nothing else; two that do not, write in their own ways.
        assert_eq!(for_rival(masked.clone(), &other), masked);
        let of_serial = for_rival(masked, &serial);
        assert_eq!(for_rival(of_serial, &other).sampler, other.defaults.sampler);
    }
}
