//! What tells two texts apart, in a few words.

use crate::gaps::shortened;
use crate::protocol::Request;
use crate::samplers;
use crate::state::{Branch, Comparison, Right, Tree};

/// The titles of the texts on the left and on the right.
pub(super) fn titles(tree: &Tree, comparison: &Comparison) -> [String; 2] {
    let Some(left) = tree.branches.get(comparison.left) else { return Default::default() };
    let right = match &comparison.right {
        Right::Branch(index) => tree.branches.get(*index).map(|branch| (*index, branch)),
        Right::Coming { request, model } => {
            let mut settings = different(&left.request, request);
            if let Some(model) = model {
                settings = [vec![left.trace.model.clone()], vec![model.name.clone()]];
            }
            return told(settings, tree, comparison);
        }
    };
    let Some((index, right)) = right else { return Default::default() };
    let from = |branch: &Branch, other: usize| {
        branch.fork.filter(|fork| fork.branch == other).map(|_| changed(branch))
    };
    if let Some(change) = from(right, comparison.left) {
        return ["Before the change".into(), change];
    }
    if let Some(change) = from(left, index) {
        return [change, "Before the change".into()];
    }
    told(apart(left, right), tree, comparison)
}

fn told(settings: [Vec<String>; 2], tree: &Tree, comparison: &Comparison) -> [String; 2] {
    let [first, second] = settings;
    if !first.is_empty() {
        return [first.join(" · "), second.join(" · ")];
    }
    let name =
        |index: usize| tree.branches.get(index).map_or_else(String::new, |b| named(b, index));
    let second = match comparison.right {
        Right::Branch(index) => name(index),
        Right::Coming { .. } => "The same once more".into(),
    };
    [name(comparison.left), second]
}

/// Model and settings in which two texts differ, each in its own words.
fn apart(left: &Branch, right: &Branch) -> [Vec<String>; 2] {
    let [mut first, mut second] = different(&left.request, &right.request);
    if left.trace.model != right.trace.model {
        first.insert(0, left.trace.model.clone());
        second.insert(0, right.trace.model.clone());
    }
    [first, second]
}

/// The settings that differ, each in the words of its own request.
fn different(left: &Request, right: &Request) -> [Vec<String>; 2] {
    let (left, right) = (settings(left), settings(right));
    let of = |own: &[String; 7], other: &[String; 7]| {
        let pairs = own.iter().zip(other).filter(|(own, other)| own != other && !own.is_empty());
        pairs.map(|(own, _)| own.clone()).collect()
    };
    [of(&left, &right), of(&right, &left)]
}

fn settings(request: &Request) -> [String; 7] {
    let limit = |name: &str, value: Option<String>| {
        value.map_or(format!("no {name}"), |value| format!("{name} {value}"))
    };
    [
        // Without meaning to the others.
        if request.sampler.adaptive() { String::new() } else { steps(request.steps) },
        samplers::words(request.sampler).title.into(),
        temperature(request.temperature),
        limit("top-k", request.top_k.map(|k| k.to_string())),
        limit("top-p", request.top_p.map(|p| p.to_string())),
        format!("seed {}", request.seed),
        match request.prompt.trim() {
            "" => "no prompt".into(),
            prompt => format!("“{}”", shortened(prompt, 40)),
        },
    ]
}

/// A number of steps.
pub(super) fn steps(steps: u32) -> String {
    if steps == 1 { "1 step".into() } else { format!("{steps} steps") }
}

/// A temperature.
pub(super) fn temperature(temperature: f32) -> String {
    format!("temperature {temperature}")
}

/// What a branch is about, in the list of all: what tells it from the last one with its prompt, if there
/// is one.
pub(in crate::components) fn listed(tree: &Tree, index: usize) -> String {
    let branch = &tree.branches[index];
    let akin = |other: &&Branch| {
        let both = branch.fork.is_none() && other.fork.is_none();
        both && other.request.prompt == branch.request.prompt
    };
    let before = tree.branches[..index].iter().rev().find(akin);
    let [_, own] = before.map_or_else(Default::default, |before| apart(before, branch));
    if own.is_empty() {
        return named(branch, index);
    }
    format!("Text {}, the same prompt: {}", index + 1, own.join(" · "))
}

/// What a branch is about; `index` is its own.
fn named(branch: &Branch, index: usize) -> String {
    match (branch.fork, branch.request.prompt.trim()) {
        (Some(_), _) => changed(branch),
        (None, "") => format!("Text {}: no prompt", index + 1),
        (None, prompt) => format!("Text {}: {}", index + 1, shortened(prompt, 40)),
    }
}

fn changed(branch: &Branch) -> String {
    let frame = branch.fork.map_or(0, |fork| fork.frame.min(branch.last()));
    let clock = branch.trace.clock(branch.trace.frames[frame].step);
    match branch.touched.as_slice() {
        [_] => format!("From {clock}, one word changed"),
        touched => format!("From {clock}, {} words changed", touched.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SamplerKind;
    use crate::state::Edit;
    use crate::state::tree::tests::{finished, request};

    #[test]
    fn texts_are_called_by_what_differs() {
        let tree = finished();
        let called = |request: Request| {
            titles(&tree, &Comparison { left: 0, right: Right::Coming { request, model: None } })
        };
        assert_eq!(called(Request { steps: 1, ..request() }), ["4 steps", "1 step"]);
        let cool = Request { temperature: 0.7, seed: 2, ..request() };
        assert_eq!(called(cool), ["temperature 0 · seed 1", "temperature 0.7 · seed 2"]);
        assert_eq!(called(request()), ["Text 1: A", "The same once more"]);
        let serial = Request { sampler: SamplerKind::LeftToRight.into(), ..request() };
        assert_eq!(called(serial), ["4 steps · Surest first", "One word after the other"]);
    }

    #[test]
    fn texts_of_one_prompt_are_told_apart_in_the_list() {
        let mut tree = finished();
        for steps in [8, 8, 4] {
            let request = Request { steps, ..request() };
            tree.branches.push(Branch { request, ..tree.branches[0].clone() });
        }
        let called = [0, 1, 2, 3].map(|index| listed(&tree, index));
        let other =
            ["Text 2, the same prompt: 8 steps", "Text 3: A", "Text 4, the same prompt: 4 steps"];
        assert_eq!(called, [&["Text 1: A"][..], &other].concat()[..]);
    }

    #[test]
    fn a_changed_text_is_called_by_its_change() {
        let mut tree = finished();
        tree.edit(2, 1, Edit::Replace(14));
        let pair = |left, right| titles(&tree, &Comparison { left, right: Right::Branch(right) });
        let changed = "From step 2, one word changed";
        assert_eq!(pair(0, 1), ["Before the change", changed]);
        assert_eq!(pair(1, 0), [changed, "Before the change"]);
    }
}
