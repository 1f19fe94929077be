//! Who the story is about: which lists the characters are drawn from.

use super::build::List;
use super::error::{GrammarError, Mistake};
use super::template::{Form, Slot, Who};

/// Numbers of the lists that characters are drawn from. They mean nothing in a grammar whose
/// templates speak of no character.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cast {
    pub(super) girls: usize,
    pub(super) boys: usize,
    pub(super) animal_names: usize,
    pub(super) animals: usize,
    pub(super) homes: usize,
    pub(super) elders: usize,
    pub(super) child_friends: usize,
    pub(super) animal_friends: usize,
}

/// Fields of the list `animals` after the first, and of `elders`.
const ANIMAL_HOME: usize = 1;
const ANIMAL_HAND: usize = 2;
pub(super) const ELDER_PRONOUN: usize = 1;

/// Lists of the cast with their fields, in the order of [`Cast`].
pub(super) const CAST: [(&str, &[&str]); 8] = [
    ("girls", &[""]),
    ("boys", &[""]),
    ("animal names", &[""]),
    ("animals", &["", "home", "hand"]),
    ("homes", &[""]),
    ("elders", &["", "pronoun"]),
    ("child friends", &[""]),
    ("animal friends", &[""]),
];

/// The lists of the cast, if all are there; those that are there must have the right fields.
pub(super) fn cast(lists: &[List]) -> Result<Option<Cast>, GrammarError> {
    let mut numbers = [None; CAST.len()];
    for (number, (name, fields)) in numbers.iter_mut().zip(CAST) {
        *number = lists.iter().position(|list| list.name == name);
        let Some(list) = number.map(|at| &lists[at]) else {
            continue;
        };
        if list.fields != fields {
            let (list_name, fields) = (name.into(), fields[1..].join(" | "));
            return Err(Mistake::CastFields { list: list_name, fields }.at(&list.place));
        }
    }
    let [Some(girls), Some(boys), Some(animal_names), Some(animals), rest @ ..] = numbers else {
        return Ok(None);
    };
    let [Some(homes), Some(elders), Some(child_friends), Some(animal_friends)] = rest else {
        return Ok(None);
    };
    Ok(Some(Cast {
        girls,
        boys,
        animal_names,
        animals,
        homes,
        elders,
        child_friends,
        animal_friends,
    }))
}

impl Cast {
    /// Whence a name comes.
    pub(super) fn name(&self, who: Who, animal: bool, female: bool) -> Slot {
        let list = match (who, animal, female) {
            (Who::Elder, _, _) => self.elders,
            (_, true, _) => self.animal_names,
            (_, false, true) => self.girls,
            (_, false, false) => self.boys,
        };
        cell(list, who, 0)
    }

    /// Whence a home comes.
    pub(super) fn home(&self, who: Who, animal: bool) -> Slot {
        if animal { cell(self.animals, who, ANIMAL_HOME) } else { cell(self.homes, who, 0) }
    }

    /// What sort of animal somebody is.
    pub(super) fn animal(&self, who: Who) -> Slot {
        cell(self.animals, who, 0)
    }

    /// What an animal has for a hand.
    pub(super) fn paw(&self, who: Who) -> Slot {
        cell(self.animals, who, ANIMAL_HAND)
    }

    /// The first mention of the friend.
    pub(super) fn introduction(&self, animal: bool) -> Slot {
        let list = if animal { self.animal_friends } else { self.child_friends };
        cell(list, Who::Friend, 0)
    }

    /// All cells that may be asked for to fill a slot.
    pub(super) fn cells(&self, who: Who, form: Form) -> Vec<Slot> {
        let both = [false, true];
        match form {
            Form::Name => vec![
                self.name(who, true, true),
                self.name(who, false, true),
                self.name(who, false, false),
            ],
            Form::Introduced => both.map(|animal| self.introduction(animal)).to_vec(),
            Form::Kind => vec![self.animal(who)],
            Form::Home => both.map(|animal| self.home(who, animal)).to_vec(),
            Form::Hand => vec![self.paw(who)],
            _ if who == Who::Elder => vec![self.name(who, false, false)],
            _ => Vec::new(),
        }
    }
}

/// Rows of one list differ between the characters of a story.
fn cell(list: usize, who: Who, field: usize) -> Slot {
    Slot::Cell { list, number: who as u32 + 1, field }
}
