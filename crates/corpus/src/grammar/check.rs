//! Finds what cannot be told in a grammar whose templates could all be read.

use std::collections::BTreeSet;

use super::build::Parts;
use super::cast::ELDER_PRONOUN;
use super::error::{GrammarError, Mistake};
use super::sections::SEASONS;
use super::template::{Node, Slot, Template};

/// Every list that is used has enough rows in every season, nothing is filled with itself, and plots
/// that speak of a trait have one.
pub(super) fn check(parts: &Parts) -> Result<(), GrammarError> {
    for list in &parts.lists {
        let season = list.rows.iter().position(Vec::is_empty);
        if let Some(season) = season {
            let (list_name, season) = (list.name.clone(), SEASONS[season]);
            return Err(Mistake::SeasonMissing { list: list_name, season }.at(&list.place));
        }
    }
    pronouns(parts)?;
    circles(parts)?;
    for plot in &parts.plots {
        let mut slots = BTreeSet::new();
        for template in plot.beats.iter().flat_map(|beat| &beat.templates) {
            reach(parts, template, &mut slots);
        }
        if slots.contains(&Slot::Trait) {
            if plot.traits.templates.is_empty() {
                return Err(Mistake::Traits.at(&plot.place));
            }
            for template in &plot.traits.templates {
                reach(parts, template, &mut slots);
            }
        }
        let rows: BTreeSet<(usize, u32)> = slots
            .iter()
            .filter_map(|slot| match *slot {
                Slot::Cell { list, number, .. } => Some((list, number)),
                _ => None,
            })
            .collect();
        for (at, list) in parts.lists.iter().enumerate() {
            let slots = rows.iter().filter(|(list, _)| *list == at).count();
            let rows = list.rows.iter().map(Vec::len).min().unwrap_or_default();
            if slots > rows {
                let mistake = Mistake::Rows { list: list.name.clone(), rows, slots };
                return Err(mistake.at(&plot.place));
            }
        }
    }
    Ok(())
}

/// Elders are he or she.
fn pronouns(parts: &Parts) -> Result<(), GrammarError> {
    let Some(elders) = parts.lists.get(parts.cast.elders).filter(|list| list.name == "elders")
    else {
        return Ok(());
    };
    for row in elders.rows.iter().flatten() {
        let pronoun = &row[ELDER_PRONOUN];
        if !["he", "she"].iter().any(|he| *pronoun == [Node::Text((*he).into())]) {
            return Err(Mistake::Pronoun.at(&elders.place));
        }
    }
    Ok(())
}

fn circles(parts: &Parts) -> Result<(), GrammarError> {
    for (at, list) in parts.lists.iter().enumerate() {
        for (field, name) in list.fields.iter().enumerate() {
            let mut slots = BTreeSet::new();
            for row in list.rows.iter().flatten() {
                reach(parts, &row[field], &mut slots);
            }
            let itself = |slot: &Slot| matches!(*slot, Slot::Cell { list, field: f, .. } if list == at && f == field);
            if slots.iter().any(itself) {
                let dot = if name.is_empty() { "" } else { "." };
                let slot = format!("{}{dot}{name}", list.name);
                return Err(Mistake::Circle(slot).at(&list.place));
            }
        }
    }
    Ok(())
}

/// All slots that a template may ask for, directly or within the filling of another.
fn reach(parts: &Parts, template: &Template, found: &mut BTreeSet<Slot>) {
    for node in template {
        match node {
            Node::Text(_) => {}
            Node::Choice(choice) => {
                for template in &choice.templates {
                    reach(parts, template, found);
                }
            }
            &Node::Slot { slot, .. } => reach_slot(parts, slot, found),
        }
    }
}

fn reach_slot(parts: &Parts, slot: Slot, found: &mut BTreeSet<Slot>) {
    if !found.insert(slot) {
        return;
    }
    match slot {
        Slot::Cell { list, field, .. } => {
            for row in parts.lists[list].rows.iter().flatten() {
                reach(parts, &row[field], found);
            }
        }
        Slot::Who { who, form } => {
            for cell in parts.cast.cells(who, form) {
                reach_slot(parts, cell, found);
            }
        }
        Slot::Trait | Slot::Season => {}
    }
}
