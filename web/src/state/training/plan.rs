//! The plan of a training: the first one, its changes, and its share link.

use run::settings::{PRESETS, preset};

use super::keys::{Section, sections, value};
use crate::protocol::{Level, Plan, Text};

/// Sizes that a tab can train, the smallest first, with a name and a sentence for people.
pub const SIZES: [(&str, &str, &str); 3] = [
    ("pocket", "Pocket", "Learns within minutes, on any computer."),
    ("tiny", "Tiny", "Twice as wide: some minutes more."),
    ("small", "Small", "Writes sentences, and needs a graphics card."),
];

/// Stories of a grammar corpus to choose from.
pub const STORIES: [u32; 4] = [1_000, 3_000, 10_000, 30_000];

/// Longest text of a change that a link may hold, and how many of them.
const LONGEST_CHANGE: usize = 80;
const MOST_CHANGES: usize = 80;

/// What is offered first.
pub(super) fn first() -> Plan {
    let text = Text::Grammar { level: Level::First, stories: STORIES[1], seed: 1 };
    Plan { text, preset: SIZES[0].0.to_owned(), changes: vec![] }
}

impl Plan {
    /// The keys of its preset. Whether values make sense only the engine knows: to parse them takes more
    /// than the whole view.
    pub fn sections(&self) -> Vec<Section> {
        sections(preset(&self.preset).unwrap_or(PRESETS[0].1))
    }

    /// The preset's value of a key.
    pub fn usual(&self, key: &str) -> String {
        value(&self.sections(), key)
    }

    /// The keys with the plan's own values.
    pub fn planned(&self) -> Vec<Section> {
        let mut sections = self.sections();
        for key in sections.iter_mut().flat_map(|section| &mut section.keys) {
            if let Some(value) = self.changed(&key.key) {
                key.value = value.to_owned();
            }
        }
        sections
    }

    /// The value of a key.
    pub fn value(&self, key: &str) -> String {
        self.changed(key).map_or_else(|| self.usual(key), str::to_owned)
    }

    /// The value of a key with a number; 1 where it has none.
    pub fn number(&self, key: &str) -> f64 {
        self.value(key).parse().unwrap_or(1.0)
    }

    /// Gives a key another value; that of the preset is no change.
    pub fn set(&mut self, key: &str, value: &str, usual: &str) {
        self.changes.retain(|change| change.split_once('=').is_none_or(|(known, _)| known != key));
        if value != usual {
            self.changes.push(format!("{key}={value}"));
        }
    }

    /// The value that a change gives a key.
    pub fn changed(&self, key: &str) -> Option<&str> {
        self.changes.iter().find_map(|change| {
            change.split_once('=').filter(|(known, _)| *known == key).map(|(_, value)| value)
        })
    }

    /// The share link, as a fragment of the address. A person's own text has none: it stays here.
    pub fn fragment(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match &self.text {
            Text::Grammar { level, stories, seed } => {
                let level = if *level == Level::First { "first" } else { "full" };
                query.append_pair("train", level).append_pair("stories", &stories.to_string());
                query.append_pair("corpus-seed", &seed.to_string());
            }
            Text::Sample => drop(query.append_pair("train", "sample")),
            Text::Own { .. } => drop(query.append_pair("train", "own")),
        }
        query.append_pair("preset", &self.preset);
        query.extend_pairs(self.changes.iter().map(|change| ("set", change))).finish()
    }

    /// The plan of a link; `None` if it is no link of a training. What it says wrongly is as in the
    /// first plan.
    pub fn of_fragment(fragment: &str) -> Option<Self> {
        let mut plan = first();
        let pairs = || form_urlencoded::parse(fragment.as_bytes());
        let value = |wanted: &str| pairs().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let number = |wanted: &str| value(wanted).and_then(|value| value.parse::<u64>().ok());
        let Text::Grammar { level, stories, seed } = &mut plan.text else { return None };
        *stories = number("stories").map_or(*stories, |n| n.clamp(10, 100_000) as u32);
        *seed = number("corpus-seed").unwrap_or(*seed);
        match &*value("train")? {
            "full" => *level = Level::Full,
            "sample" => plan.text = Text::Sample,
            "own" => plan.text = Text::Own { name: String::new() },
            _ => {}
        }
        if let Some((known, ..)) =
            value("preset").and_then(|name| SIZES.iter().find(|(known, ..)| *known == name))
        {
            plan.preset = (*known).to_owned();
        }
        let changes = pairs().filter(|(name, _)| name == "set").take(MOST_CHANGES);
        for (_, change) in changes.filter(|(_, change)| change.len() <= LONGEST_CHANGE) {
            if let Some((key, value)) = change.split_once('=') {
                let usual = plan.usual(key);
                if !usual.is_empty() {
                    plan.set(key, value, &usual);
                }
            }
        }
        Some(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_comes_back() {
        let mut plan = first();
        plan.text = Text::Grammar { level: Level::Full, stories: 10_000, seed: 7 };
        plan.preset = "tiny".to_owned();
        plan.set("train.steps", "800", "400");
        plan.set("train.seed", "9", "1337");
        let fragment = plan.fragment();
        assert_eq!(Plan::of_fragment(&fragment), Some(plan.clone()), "{fragment}");
        plan.text = Text::Sample;
        assert_eq!(Plan::of_fragment(&plan.fragment()), Some(plan));
    }

    #[test]
    fn strange_links_do_no_harm() {
        assert_eq!(Plan::of_fragment("prompt=train"), None);
        let plan = Plan::of_fragment(
            "train=%zz&stories=-4&preset=../x&set=train.steps=many&set=model=1&set=train.steps=70",
        );
        let expected = Plan { changes: vec!["train.steps=70".to_owned()], ..first() };
        assert_eq!(plan, Some(expected));
    }

    #[test]
    fn a_value_of_the_preset_is_no_change() {
        let mut plan = first();
        plan.set("train.steps", "70", "400");
        plan.set("train.steps", "80", "400");
        assert_eq!(plan.changed("train.steps"), Some("80"));
        plan.set("train.steps", "400", "400");
        assert_eq!(plan.changes, Vec::<String>::new());
    }
}
