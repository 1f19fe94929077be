//! Expands the templates of one story.
//!
//! In a template `[a|b|]` is one of its alternatives, `{slot}` the filling of a slot (capitalised
//! for `{Slot}`), `a*` the article that fits the word after it, and `¶` starts a paragraph.

use std::collections::HashMap;

use super::cast::Character;
use super::lexicon::{self, Table};
use super::plots::{PLOTS, Plot};
use super::rng::Rng;

/// One story while it is told.
pub(super) struct Teller<'a> {
    rng: &'a mut Rng,
    plot: &'static Plot,
    season: usize,
    hero: Character,
    friend: Character,
    elder: Character,
    /// Row of the table that a slot was given.
    rows: HashMap<String, usize>,
    /// What a slot was filled with.
    filled: HashMap<String, String>,
}

impl<'a> Teller<'a> {
    /// Draws plot, season and cast.
    pub(super) fn new(rng: &'a mut Rng) -> Self {
        let plot = *rng.pick(PLOTS);
        let season = *rng.pick(plot.seasons);
        let animal = rng.below(2) == 0;
        let hero = Character::draw(rng, animal, "");
        // Animals keep to animals; a child's friend is mostly a child.
        let animal = animal || rng.below(4) == 0;
        let mut friend = Character::draw(rng, animal, hero.name);
        while friend.is_animal() && friend.kind == hero.kind {
            friend = Character::draw(rng, animal, hero.name);
        }
        let elder = Character::elder(rng);
        let (rows, filled) = (HashMap::new(), HashMap::new());
        Self { rng, plot, season, hero, friend, elder, rows, filled }
    }

    /// The whole story.
    pub(super) fn tell(mut self) -> String {
        let mut story = String::new();
        for beat in self.plot.beats {
            let template = *self.rng.pick(beat);
            let said = self.expand(template);
            if !said.is_empty() && !story.is_empty() {
                story.push(' ');
            }
            story.push_str(&said);
        }
        let story = articles(&story);
        let paragraphs: Vec<String> = story
            .split('¶')
            .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|p| !p.is_empty())
            .collect();
        paragraphs.join("\n\n")
    }

    fn expand(&mut self, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['[', '{']) {
            out.push_str(&rest[..at]);
            let end = at + closing(&rest[at..]);
            let inside = &rest[at + 1..end];
            if rest.as_bytes()[at] == b'[' {
                let choices = alternatives(inside);
                let choice = *self.rng.pick(&choices);
                out.push_str(&self.expand(choice));
            } else {
                out.push_str(&self.slot(inside));
            }
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        out
    }

    fn slot(&mut self, key: &str) -> String {
        let lower = uncapitalised(key);
        // The friend is introduced where first spoken of.
        let lower = match lower.as_str() {
            "f" if self.filled.contains_key("f.name") => "f.name".into(),
            "f" => {
                self.filled.insert("f.name".into(), self.friend.name.into());
                let intro = self.introduction();
                return if key == "f" { intro } else { capitalised(&intro) };
            }
            _ => lower,
        };
        let value = match self.filled.get(&lower) {
            Some(value) => value.clone(),
            None => {
                let value = self.fill(&lower);
                self.filled.insert(lower.clone(), value.clone());
                value
            }
        };
        if key.starts_with(char::is_lowercase) { value } else { capitalised(&value) }
    }

    fn introduction(&mut self) -> String {
        self.expand(if self.friend.is_animal() {
            "[{his} friend {f.name}|{f.name} the {f.kind}]"
        } else {
            "[{his} friend {f.name}|{f.name} from next door]"
        })
    }

    fn fill(&mut self, key: &str) -> String {
        let (base, field) = key.split_once('.').unwrap_or((key, ""));
        if let Some(pronoun) = self.hero.pronoun(key) {
            return pronoun.into();
        }
        let who = match base {
            "h" => Some(&self.hero),
            "f" => Some(&self.friend),
            "e" => Some(&self.elder),
            _ => None,
        };
        if let Some(who) = who {
            return match (field, who.pronoun(field)) {
                (_, Some(pronoun)) => pronoun.into(),
                ("" | "name", _) => who.name.into(),
                ("kind", _) => who.kind.into(),
                ("hand", _) => who.hand.into(),
                ("home", _) => {
                    let home = who.home;
                    self.expand(home)
                }
                _ => panic!("no form `{key}` of a character"),
            };
        }
        match key {
            "trait" => {
                let traits = self.plot.traits;
                let template = *self.rng.pick(traits);
                self.expand(template)
            }
            "day" | "sky" => {
                let season = &lexicon::SEASONS[self.season];
                let templates = if key == "day" { season.day } else { season.sky };
                let template = *self.rng.pick(templates);
                self.expand(template)
            }
            "season" => lexicon::SEASONS[self.season].name.into(),
            _ => {
                let table = lexicon::table(base.trim_end_matches(char::is_numeric));
                let row = self.row(base, table);
                let field = table.fields.iter().position(|&f| f == field);
                let field = field.unwrap_or_else(|| panic!("no field `{key}`"));
                self.expand(table.rows[row][field])
            }
        }
    }

    /// The row of a slot, another one for every slot of the same table.
    fn row(&mut self, slot: &str, table: &'static Table) -> usize {
        if let Some(&row) = self.rows.get(slot) {
            return row;
        }
        let taken: Vec<usize> = self
            .rows
            .iter()
            .filter(|(other, _)| other.trim_end_matches(char::is_numeric) == table.name)
            .map(|(_, &row)| row)
            .collect();
        let free: Vec<usize> = (0..table.rows.len()).filter(|row| !taken.contains(row)).collect();
        let row = *self.rng.pick(&free);
        self.rows.insert(slot.into(), row);
        row
    }
}

/// Where the bracket that `text` starts with is closed.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("bracket is never closed in `{text}`")
}

/// Cuts at the `|` that are in no inner bracket.
fn alternatives(inside: &str) -> Vec<&str> {
    let mut depth = 0;
    inside
        .split(|c| {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                _ => {}
            }
            c == '|' && depth == 0
        })
        .collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Puts `a` or `an` where `a*` stands, by the sound of the word after it.
fn articles(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(star) = rest.find('*') {
        out.push_str(&rest[..star]);
        rest = &rest[star + 1..];
        if starts_with_vowel_sound(rest.trim_start()) {
            out.push('n');
        }
    }
    out.push_str(rest);
    out
}

/// Whether `an` goes before it. Knows the exceptions that the lexicon has.
pub(super) fn starts_with_vowel_sound(word: &str) -> bool {
    let word = word.to_lowercase();
    if ["hour", "honest"].iter().any(|w| word.starts_with(w)) {
        return true;
    }
    if ["one", "uni", "use"].iter().any(|w| word.starts_with(w)) {
        return false;
    }
    word.starts_with(['a', 'e', 'i', 'o', 'u'])
}
