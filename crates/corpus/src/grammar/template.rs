//! Templates: texts with choices and slots.
//!
//! `[a|b|]` is one of its alternatives, `{slot}` the filling of a slot (with a capital for `{Slot}`),
//! `a*` the article that fits the word after it, and `¶` starts a paragraph.

use super::error::Mistake;

/// Expanded from left to right.
pub(super) type Template = Vec<Node>;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Choice(Choice),
    Slot { slot: Slot, capital: bool },
}

/// One of several templates. Alternatives that are written alike are one, with a larger weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Choice {
    pub(super) weights: Vec<u32>,
    pub(super) templates: Vec<Template>,
}

impl Choice {
    pub(super) fn push(&mut self, template: Template, weight: u32) {
        match self.templates.iter().position(|known| *known == template) {
            Some(at) => self.weights[at] += weight,
            None => {
                self.weights.push(weight);
                self.templates.push(template);
            }
        }
    }
}

/// What a slot is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// A field of a row of a list; the number tells the rows of one story apart.
    Cell { list: usize, number: u32, field: usize },
    /// Something about a character.
    Who { who: Who, form: Form },
    /// What the hero is like.
    Trait,
    /// Name of the season.
    Season,
}

/// A character of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Hero,
    Friend,
    Elder,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Hero, Self::Friend, Self::Elder];

    /// How slots call the character.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Hero => 'h',
            Self::Friend => 'f',
            Self::Elder => 'e',
        }
    }
}

/// What is said about a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// The name.
    Name,
    /// An introduction the first time, then the name.
    Introduced,
    /// `girl`, `boy`, or the animal.
    Kind,
    /// Where the character lives, to follow `lived in`.
    Home,
    /// What the character holds things with.
    Hand,
    He,
    Him,
    His,
    Himself,
}

impl Form {
    pub(super) const ALL: [Self; 9] = [
        Self::Name,
        Self::Introduced,
        Self::Kind,
        Self::Home,
        Self::Hand,
        Self::He,
        Self::Him,
        Self::His,
        Self::Himself,
    ];

    /// Its name in a slot, after the dot.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Introduced => "",
            Self::Kind => "kind",
            Self::Home => "home",
            Self::Hand => "hand",
            Self::He => "he",
            Self::Him => "him",
            Self::His => "his",
            Self::Himself => "himself",
        }
    }

    /// The pronoun, if it is one.
    pub(super) fn pronoun(self, female: bool) -> Option<&'static str> {
        Some(match (self, female) {
            (Self::He, false) => "he",
            (Self::He, true) => "she",
            (Self::Him, false) => "him",
            (Self::Him | Self::His, true) => "her",
            (Self::His, false) => "his",
            (Self::Himself, false) => "himself",
            (Self::Himself, true) => "herself",
            _ => return None,
        })
    }
}

/// Reads a template; `resolve` knows the slots by their names in small letters.
pub(super) fn parse(
    text: &str,
    resolve: &impl Fn(&str) -> Result<Slot, Mistake>,
) -> Result<Template, Mistake> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['[', '{', ']', '}', '|']) {
        if at > 0 {
            nodes.push(Node::Text(rest[..at].into()));
        }
        let opened = &rest[at..];
        let end = closing(opened)?;
        let inside = &opened[1..end];
        if opened.starts_with('[') {
            if inside.is_empty() {
                return Err(Mistake::Nothing("[]"));
            }
            let mut choice = Choice::default();
            for alternative in alternatives(inside)? {
                choice.push(parse(alternative, resolve)?, 1);
            }
            nodes.push(Node::Choice(choice));
        } else {
            if inside.is_empty() {
                return Err(Mistake::Nothing("{}"));
            }
            let capital = inside.starts_with(char::is_uppercase);
            let slot = resolve(&inside.to_lowercase())?;
            nodes.push(Node::Slot { slot, capital });
        }
        rest = &opened[end + 1..];
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.into()));
    }
    Ok(nodes)
}

/// Where the bracket that `text` starts with is closed.
fn closing(text: &str) -> Result<usize, Mistake> {
    let mut open = Vec::new();
    for (at, char) in text.char_indices() {
        match char {
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' if open.pop() != Some(char) => return Err(Mistake::Unbalanced(char)),
            _ => {}
        }
        if open.is_empty() {
            // A `|` outside of brackets parts nothing.
            return if char == '|' { Err(Mistake::Bar) } else { Ok(at) };
        }
    }
    Err(Mistake::Unbalanced(if text.starts_with('[') { '[' } else { '{' }))
}

/// Cuts at the `|` that are in no inner bracket.
pub(super) fn alternatives(text: &str) -> Result<Vec<&str>, Mistake> {
    let mut depth = 0_i32;
    for char in text.chars() {
        match char {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return Err(Mistake::Unbalanced(char));
        }
    }
    if depth > 0 {
        return Err(Mistake::Unbalanced('['));
    }
    Ok(text
        .split(|char| {
            match char {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            char == '|' && depth == 0
        })
        .collect())
}
