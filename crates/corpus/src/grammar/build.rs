//! Builds a grammar from its sections: finds what slots and beats mean.

use std::collections::BTreeMap;

use super::cast::{CAST, Cast, cast};
use super::check::check;
use super::error::{GrammarError, Mistake, Place};
use super::sections::{Kind, Line, SEASONS, Section, one_of, sections};
use super::template::{self, Choice, Form, Slot, Template, Who};

/// Plots and lists, ready to be told.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) plots: Vec<Plot>,
    pub(super) lists: Vec<List>,
    pub(super) cast: Cast,
}

/// One kind of story.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) place: Place,
    /// Seasons it can happen in.
    pub(super) seasons: Vec<usize>,
    /// Whether the hero is an animal; none leaves it to chance.
    pub(super) animal: Option<bool>,
    /// What the hero is like.
    pub(super) traits: Choice,
    /// In the order of telling, one template of each.
    pub(super) beats: Vec<Choice>,
}

/// Rows to choose from.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) place: Place,
    /// Names of the fields; the first is nameless.
    pub(super) fields: Vec<String>,
    /// Rows, by season; a single entry if they are the same in all seasons.
    pub(super) rows: Vec<Vec<Vec<Template>>>,
}

impl List {
    /// The rows of a season.
    pub(super) fn rows(&self, season: usize) -> &[Vec<Template>] {
        &self.rows[season % self.rows.len()]
    }

    /// Whether the season has to be known to choose a row.
    pub(super) fn seasonal(&self) -> bool {
        self.rows.len() > 1
    }
}

/// Reads files, each with its name.
pub(super) fn build(files: &[(&str, &str)]) -> Result<Parts, GrammarError> {
    let sections = sections(files)?;
    let of_kind = |kind| sections.iter().filter(move |section| section.kind == kind);
    let mut lists = headers(of_kind(Kind::List))?;
    let reader = Reader { lists: &lists, cast: cast(&lists)? };
    let mut beats = BTreeMap::new();
    for section in of_kind(Kind::Beat) {
        let lines = section.groups.concat();
        beats.insert(section.name.as_str(), reader.choice(&lines, &BTreeMap::new())?);
    }
    let plots: Vec<Plot> =
        of_kind(Kind::Plot).map(|s| reader.plot(s, &beats)).collect::<Result<_, _>>()?;
    let filled = of_kind(Kind::List)
        .map(|section| Ok((section, reader.rows(section)?)))
        .collect::<Result<Vec<_>, GrammarError>>()?;
    let cast = reader.cast.unwrap_or_default();
    for (section, rows) in filled {
        for list in lists.iter_mut().filter(|list| list.name == section.name) {
            let season = section.seasons.first().copied().unwrap_or_default();
            list.rows[season].clone_from(&rows);
        }
    }
    if plots.is_empty() {
        let file = files.first().map_or("grammar", |file| file.0).into();
        return Err(Mistake::NoPlot.at(&Place { file, line: 1 }));
    }
    let parts = Parts { plots, lists, cast };
    check(&parts)?;
    Ok(parts)
}

/// The lists, without their rows.
fn headers<'a>(sections: impl Iterator<Item = &'a Section>) -> Result<Vec<List>, GrammarError> {
    let mut lists: Vec<List> = Vec::new();
    for section in sections {
        let mut fields = vec![String::new()];
        if let Some((_, names)) = &section.columns {
            fields.extend(names.split('|').map(|name| name.trim().to_owned()));
        }
        if let Some(known) = lists.iter().find(|list| list.name == section.name) {
            if known.fields != fields {
                let list = known.name.clone();
                return Err(Mistake::SeasonFields { list }.at(&section.place));
            }
            continue;
        }
        let seasons = if section.seasons.is_empty() { 1 } else { SEASONS.len() };
        lists.push(List {
            name: section.name.clone(),
            place: section.place.clone(),
            fields,
            rows: vec![Vec::new(); seasons],
        });
    }
    Ok(lists)
}

/// Reads templates, knowing which lists there are.
struct Reader<'a> {
    lists: &'a [List],
    cast: Option<Cast>,
}

impl Reader<'_> {
    /// What the slot `key` (in small letters) is filled with.
    fn slot(&self, key: &str) -> Result<Slot, Mistake> {
        let (base, field) = key.split_once('.').unwrap_or((key, ""));
        match key {
            "trait" => return Ok(Slot::Trait),
            "season" => return Ok(Slot::Season),
            _ => {}
        }
        let forms = || Form::ALL.into_iter().filter(|form| !form.name().is_empty());
        let pronoun = forms().find(|form| form.name() == key && form.pronoun(true).is_some());
        let who = Who::ALL.into_iter().find(|who| base.chars().eq([who.letter()]));
        if let Some(form) = pronoun {
            return self.character(Who::Hero, form);
        }
        if let Some(who) = who {
            let form = match (who, field) {
                (Who::Friend, "") => Some(Form::Introduced),
                (_, "") => Some(Form::Name),
                _ => forms().find(|form| form.name() == field),
            };
            let of_children = [Some(Form::Kind), Some(Form::Home), Some(Form::Hand)];
            return match form {
                Some(form) if who != Who::Elder || !of_children.contains(&Some(form)) => {
                    self.character(who, form)
                }
                _ => Err(Mistake::Slot(key.into())),
            };
        }
        let name = base.trim_end_matches(|c: char| c.is_ascii_digit());
        let list = self.lists.iter().position(|list| list.name == name);
        let list = list.ok_or_else(|| Mistake::Slot(key.into()))?;
        let digits = &base[name.len()..];
        let number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) };
        let field = self.lists[list]
            .fields
            .iter()
            .position(|known| known == field)
            .ok_or_else(|| Mistake::Field { list: name.into(), field: field.into() })?;
        Ok(Slot::Cell { list, number, field })
    }

    fn character(&self, who: Who, form: Form) -> Result<Slot, Mistake> {
        if self.cast.is_none() {
            let there = |name: &str| self.lists.iter().any(|list| list.name == name);
            let missing = CAST.iter().find(|(name, _)| !there(name)).map_or("", |cast| cast.0);
            return Err(Mistake::NoCast(missing));
        }
        Ok(Slot::Who { who, form })
    }

    fn template(&self, text: &str, place: &Place) -> Result<Template, GrammarError> {
        template::parse(text, &|key| self.slot(key)).map_err(|mistake| mistake.at(place))
    }

    /// One of some lines; those of a beat for a line that names it.
    fn choice(
        &self,
        lines: &[(Place, Line)],
        beats: &BTreeMap<&str, Choice>,
    ) -> Result<Choice, GrammarError> {
        let mut choice = Choice::default();
        for (place, line) in lines {
            match line {
                Line::Template(text) => choice.push(self.template(text, place)?, 1),
                Line::Include(name) => {
                    let beat = beats.get(name.as_str());
                    let beat = beat.ok_or_else(|| Mistake::Beat(name.clone()).at(place))?;
                    for (template, &weight) in beat.templates.iter().zip(&beat.weights) {
                        choice.push(template.clone(), weight);
                    }
                }
            }
        }
        Ok(choice)
    }

    fn plot(
        &self,
        section: &Section,
        beats: &BTreeMap<&str, Choice>,
    ) -> Result<Plot, GrammarError> {
        let animal = match &section.hero {
            None => None,
            Some((place, name)) => {
                Some(one_of(name, &["child", "animal"]).map_err(|m| m.at(place))? == 1)
            }
        };
        let mut traits = Choice::default();
        if let Some((place, names)) = &section.columns {
            for name in template::alternatives(names).map_err(|m| m.at(place))? {
                traits.push(self.template(name.trim(), place)?, 1);
            }
        }
        let beats: Vec<Choice> = section
            .groups
            .iter()
            .map(|lines| self.choice(lines, beats))
            .collect::<Result<_, _>>()?;
        let mut seasons = section.seasons.clone();
        if seasons.is_empty() {
            seasons.extend(0..SEASONS.len());
        }
        Ok(Plot {
            name: section.name.clone(),
            place: section.place.clone(),
            seasons,
            animal,
            traits,
            beats,
        })
    }

    fn rows(&self, section: &Section) -> Result<Vec<Vec<Template>>, GrammarError> {
        let list = self.lists.iter().find(|list| list.name == section.name);
        let expected = list.map_or(1, |list| list.fields.len());
        let mut rows = Vec::new();
        for (place, line) in section.groups.iter().flatten() {
            let Line::Template(text) = line else {
                continue;
            };
            let cells = template::alternatives(text).map_err(|mistake| mistake.at(place))?;
            if cells.len() != expected {
                let (list, found) = (section.name.clone(), cells.len());
                return Err(Mistake::Row { list, found, expected }.at(place));
            }
            let mut row = Vec::new();
            for cell in cells {
                if cell.trim().is_empty() {
                    return Err(Mistake::EmptyField.at(place));
                }
                row.push(self.template(cell.trim(), place)?);
            }
            rows.push(row);
        }
        Ok(rows)
    }
}
