//! Tells a story from left to right and stops wherever something is left to chance.
//!
//! Nothing is decided before it shows in the text: not who the friend is before the friend is
//! spoken of, nor the season before the weather. So the text gives away nearly every decision, and
//! the same machine that tells can read: see [`super::likelihood`].

use super::build::{List, Parts, Plot};
use super::cast::ELDER_PRONOUN;
use super::pen::Pen;
use super::sections::SEASONS;
use super::template::{Choice, Form, Node, Slot, Template, Who};

/// Weights of a child and of an animal as a child's friend. Animals keep to animals.
const FRIEND: [u32; 2] = [3, 1];

/// A story, told up to some point.
#[derive(Clone, Debug)]
pub(super) struct Teller<'g, P> {
    parts: &'g Parts,
    pub(super) pen: P,
    /// The text as templates gave it, from which slots are filled again.
    raw: String,
    /// What is still to be told; the last comes first.
    tasks: Vec<Task<'g>>,
    plot: Option<&'g Plot>,
    season: Option<usize>,
    /// Of hero and friend.
    animal: [Option<bool>; 2],
    /// Of hero and friend.
    female: [Option<bool>; 2],
    /// List, number and row of what was chosen.
    rows: Vec<(usize, u32, usize)>,
    /// What slots are filled with, as parts of `raw`.
    filled: Vec<(Slot, std::ops::Range<usize>)>,
}

/// Something to tell.
#[derive(Clone, Copy, Debug)]
enum Task<'g> {
    Nodes(&'g [Node]),
    Choice(&'g Choice),
    Slot {
        slot: Slot,
        capital: bool,
    },
    /// The slot is filled with what was told since then.
    Filled {
        slot: Slot,
        from: usize,
    },
    Word(&'static str),
}

/// What is left to chance.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision<'g> {
    Plot,
    Season,
    Choice(&'g Choice),
    Row { list: usize, number: u32 },
    Animal(Who),
    Female(Who),
}

/// Why telling stopped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop<'g> {
    Decide(Decision<'g>),
    /// The story is over.
    End,
    /// The pen does not want what was told.
    Refused,
}

/// What a slot needs.
enum Filling<'g> {
    Template(&'g Template),
    /// Not kept: another filling comes next time.
    Once(&'g Template),
    Choice(&'g Choice),
    Word(&'static str),
    /// It is filled by another slot.
    Same(Slot),
}

impl<'g, P: Pen> Teller<'g, P> {
    pub(super) fn new(parts: &'g Parts, pen: P) -> Self {
        Self {
            parts,
            pen,
            raw: String::new(),
            tasks: Vec::new(),
            plot: None,
            season: None,
            animal: [None; 2],
            female: [None; 2],
            rows: Vec::new(),
            filled: Vec::new(),
        }
    }

    /// Tells until something has to be decided.
    pub(super) fn tell(&mut self) -> Stop<'g> {
        if self.plot.is_none() {
            return Stop::Decide(Decision::Plot);
        }
        while let Some(task) = self.tasks.pop() {
            let accepted = match task {
                Task::Nodes([]) => true,
                Task::Nodes([first, rest @ ..]) => {
                    self.tasks.push(Task::Nodes(rest));
                    match first {
                        Node::Text(text) => self.write(text),
                        Node::Choice(choice) => {
                            self.tasks.push(Task::Choice(choice));
                            true
                        }
                        &Node::Slot { slot, capital } => {
                            self.tasks.push(Task::Slot { slot, capital });
                            true
                        }
                    }
                }
                Task::Choice(choice) => return Stop::Decide(Decision::Choice(choice)),
                Task::Filled { slot, from } => {
                    self.filled.push((slot, from..self.raw.len()));
                    true
                }
                Task::Word(word) => self.write(word),
                Task::Slot { slot, capital } => match self.slot(slot, capital) {
                    Ok(accepted) => accepted,
                    Err(decision) => {
                        self.tasks.push(task);
                        return Stop::Decide(decision);
                    }
                },
            };
            if !accepted {
                return Stop::Refused;
            }
        }
        Stop::End
    }

    fn write(&mut self, text: &str) -> bool {
        self.raw.push_str(text);
        self.pen.write(text)
    }

    fn slot(&mut self, slot: Slot, capital: bool) -> Result<bool, Decision<'g>> {
        if let Some((_, range)) = self.filled.iter().find(|(known, _)| *known == slot) {
            if capital {
                self.pen.capital();
            }
            let text = self.raw[range.clone()].to_owned();
            return Ok(self.write(&text));
        }
        let (keep, task) = match self.filling(slot)? {
            Filling::Same(slot) => {
                self.tasks.push(Task::Slot { slot, capital });
                return Ok(true);
            }
            Filling::Word(word) => (false, Task::Word(word)),
            Filling::Once(template) => (false, Task::Nodes(template)),
            Filling::Template(template) => (true, Task::Nodes(template)),
            Filling::Choice(choice) => (true, Task::Choice(choice)),
        };
        if capital {
            self.pen.capital();
        }
        if keep {
            self.tasks.push(Task::Filled { slot, from: self.raw.len() });
        }
        self.tasks.push(task);
        Ok(true)
    }

    fn filling(&self, slot: Slot) -> Result<Filling<'g>, Decision<'g>> {
        Ok(match slot {
            Slot::Trait => Filling::Choice(&self.plot.ok_or(Decision::Plot)?.traits),
            Slot::Season => Filling::Word(SEASONS[self.season.ok_or(Decision::Season)?]),
            Slot::Cell { list, number, field } => {
                Filling::Template(&self.row(list, number)?[field])
            }
            Slot::Who { who, form } => self.character(who, form)?,
        })
    }

    fn row(&self, list: usize, number: u32) -> Result<&'g [Template], Decision<'g>> {
        let rows = self.rows_of(list)?;
        let chosen = self.rows.iter().find(|(l, n, _)| (*l, *n) == (list, number));
        match chosen {
            Some(&(_, _, row)) => Ok(&rows[row]),
            None => Err(Decision::Row { list, number }),
        }
    }

    /// The rows of the season.
    fn rows_of(&self, list: usize) -> Result<&'g [Vec<Template>], Decision<'g>> {
        let list: &'g List = &self.parts.lists[list];
        match self.season {
            None if list.seasonal() => Err(Decision::Season),
            season => Ok(list.rows(season.unwrap_or_default())),
        }
    }

    fn character(&self, who: Who, form: Form) -> Result<Filling<'g>, Decision<'g>> {
        let cast = &self.parts.cast;
        if who == Who::Elder {
            let name = cast.name(who, false, false);
            let Slot::Cell { list, number, .. } = name else {
                return Ok(Filling::Same(name));
            };
            let female = self.row(list, number)?[ELDER_PRONOUN] == [Node::Text("she".into())];
            return Ok(form.pronoun(female).map_or(Filling::Same(name), Filling::Word));
        }
        let female = || self.female[who as usize].ok_or(Decision::Female(who));
        if form.pronoun(true).is_some() {
            return Ok(Filling::Word(form.pronoun(female()?).unwrap_or_default()));
        }
        let hero = self.animal[Who::Hero as usize].ok_or(Decision::Animal(Who::Hero))?;
        let animal = match who {
            Who::Hero => hero,
            _ => self.animal[who as usize].ok_or(Decision::Animal(who))?,
        };
        Ok(match form {
            Form::Home => Filling::Same(cast.home(who, animal)),
            Form::Kind if animal => Filling::Same(cast.animal(who)),
            Form::Kind => Filling::Word(if female()? { "girl" } else { "boy" }),
            Form::Hand if animal => Filling::Same(cast.paw(who)),
            Form::Hand => Filling::Word("hand"),
            Form::Introduced if !self.named(who) => {
                match self.filling(cast.introduction(animal))? {
                    Filling::Template(template) => Filling::Once(template),
                    other => other,
                }
            }
            _ => Filling::Same(cast.name(who, animal, animal || female()?)),
        })
    }

    fn named(&self, who: Who) -> bool {
        let names = self.parts.cast.cells(who, Form::Name);
        self.filled.iter().any(|(slot, _)| names.contains(slot))
    }

    /// The weights of the options of a decision: at least one is not zero.
    pub(super) fn weights(&self, decision: &Decision<'g>) -> Vec<u32> {
        match *decision {
            Decision::Plot => vec![1; self.parts.plots.len()],
            Decision::Season => {
                let possible = |season| self.plot.is_none_or(|plot| plot.seasons.contains(&season));
                (0..SEASONS.len()).map(|season| possible(season).into()).collect()
            }
            Decision::Choice(choice) => choice.weights.clone(),
            Decision::Row { list, number: _ } => {
                let season = self.season.unwrap_or_default();
                let mut weights = vec![1; self.parts.lists[list].rows(season).len()];
                for &(_, _, row) in self.rows.iter().filter(|(l, _, _)| *l == list) {
                    weights[row] = 0;
                }
                weights
            }
            Decision::Animal(Who::Friend) => match self.animal[Who::Hero as usize] {
                Some(true) => vec![0, 1],
                _ => FRIEND.to_vec(),
            },
            Decision::Animal(_) => match self.plot.and_then(|plot| plot.animal) {
                Some(animal) => vec![(!animal).into(), animal.into()],
                None => vec![1, 1],
            },
            Decision::Female(_) => vec![1, 1],
        }
    }

    /// Takes one of the options.
    pub(super) fn decide(&mut self, decision: &Decision<'g>, option: usize) {
        match *decision {
            Decision::Plot => {
                let plot = &self.parts.plots[option];
                self.plot = Some(plot);
                for beat in plot.beats.iter().rev() {
                    self.tasks.extend([Task::Word(" "), Task::Choice(beat)]);
                }
            }
            Decision::Season => self.season = Some(option),
            Decision::Choice(choice) => self.tasks.push(Task::Nodes(&choice.templates[option])),
            Decision::Row { list, number } => self.rows.push((list, number, option)),
            Decision::Animal(who) => self.animal[who as usize] = Some(option == 1),
            Decision::Female(who) => self.female[who as usize] = Some(option == 1),
        }
    }
}
