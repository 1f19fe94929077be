//! Cuts the files of a grammar into plots, lists and beats. Knows lines, not templates.

use super::error::{GrammarError, Mistake, Place};

/// The four seasons, in the order of their numbers.
pub(super) const SEASONS: [&str; 4] = ["spring", "summer", "autumn", "winter"];

/// What a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plot,
    List,
    Beat,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plot => "plot",
            Self::List => "list",
            Self::Beat => "beat",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::Plot => "a plot",
            Self::List => "a list",
            Self::Beat => "a beat",
        }
    }
}

/// A line that starts with `- ` or `@`.
#[derive(Clone, Debug)]
pub(super) enum Line {
    Template(String),
    Include(String),
}

/// A plot, a list, or a beat that several plots share.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) place: Place,
    /// Seasons of a plot, or the one season of a list; empty for all.
    pub(super) seasons: Vec<usize>,
    /// `hero:` of a plot.
    pub(super) hero: Option<(Place, String)>,
    /// `traits:` of a plot, or `fields:` of a list, not yet cut.
    pub(super) columns: Option<(Place, String)>,
    /// Lines in groups that empty lines part.
    pub(super) groups: Vec<Vec<(Place, Line)>>,
}

/// Reads files, each with its name, in their order.
pub(super) fn sections(files: &[(&str, &str)]) -> Result<Vec<Section>, GrammarError> {
    let mut found: Vec<Section> = Vec::new();
    for &(file, text) in files {
        let first = found.len();
        let mut new_group = true;
        for (at, line) in text.lines().enumerate() {
            let place = Place { file: file.into(), line: at + 1 };
            let line = line.trim();
            if line.is_empty() {
                new_group = true;
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            if let Some(section) = heading(line, &place)? {
                duplicate(&found, &section)?;
                found.push(section);
                new_group = true;
                continue;
            }
            // A file starts with a heading.
            let section = found[first..].last_mut().ok_or_else(|| unknown(line).at(&place))?;
            read_line(section, line, place, &mut new_group)?;
        }
    }
    for section in &found {
        if section.groups.is_empty() {
            let (kind, name) = (section.kind.name(), section.name.clone());
            return Err(Mistake::Empty { kind, name }.at(&section.place));
        }
    }
    Ok(found)
}

fn unknown(line: &str) -> Mistake {
    Mistake::Line(line.chars().take(40).collect())
}

/// `plot: NAME`, `beat: NAME`, `list: NAME`, or `list: NAME, SEASON`.
fn heading(line: &str, place: &Place) -> Result<Option<Section>, GrammarError> {
    let Some((kind, name)) = [Kind::Plot, Kind::List, Kind::Beat]
        .into_iter()
        .find_map(|kind| Some((kind, line.strip_prefix(kind.name())?.strip_prefix(':')?.trim())))
    else {
        return Ok(None);
    };
    let (name, season) = match name.split_once(',') {
        Some((name, season)) if kind == Kind::List => (name.trim(), Some(season.trim())),
        _ => (name, None),
    };
    let is_name = |c: char| c.is_lowercase() || c == ' ';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(Mistake::Name(name.into()).at(place));
    }
    let seasons = season.map(|name| one_of(name, &SEASONS).map_err(|m| m.at(place))).transpose()?;
    Ok(Some(Section {
        kind,
        name: name.into(),
        place: place.clone(),
        seasons: seasons.into_iter().collect(),
        hero: None,
        columns: None,
        groups: Vec::new(),
    }))
}

/// Place of `name` among `known`.
pub(super) fn one_of(name: &str, known: &[&str]) -> Result<usize, Mistake> {
    known
        .iter()
        .position(|&k| k == name)
        .ok_or_else(|| Mistake::Unknown { found: name.into(), known: known.join(", ") })
}

fn duplicate(found: &[Section], new: &Section) -> Result<(), GrammarError> {
    let same = |old: &&Section| {
        let seasons =
            old.seasons == new.seasons || old.seasons.is_empty() != new.seasons.is_empty();
        old.kind == new.kind && old.name == new.name && (new.kind != Kind::List || seasons)
    };
    let Some(old) = found.iter().find(same) else {
        return Ok(());
    };
    let (file, line) = (old.place.file.clone(), old.place.line);
    let mistake = Mistake::Duplicate { kind: new.kind.name(), name: new.name.clone(), file, line };
    Err(mistake.at(&new.place))
}

fn read_line(
    section: &mut Section,
    line: &str,
    place: Place,
    new_group: &mut bool,
) -> Result<(), GrammarError> {
    let misplaced =
        |line| Err(Mistake::Misplaced { line, section: section.kind.with_article() }.at(&place));
    let content = if line == "-" {
        Line::Template(String::new())
    } else if let Some(template) = line.strip_prefix("- ") {
        Line::Template(template.trim().into())
    } else if let Some(beat) = line.strip_prefix('@') {
        if section.kind != Kind::Plot {
            return misplaced("@");
        }
        Line::Include(beat.trim().into())
    } else if let Some(names) = line.strip_prefix("seasons:") {
        if section.kind != Kind::Plot {
            return misplaced("seasons:");
        }
        for name in names.split('|') {
            section.seasons.push(one_of(name.trim(), &SEASONS).map_err(|m| m.at(&place))?);
        }
        return Ok(());
    } else if let Some(hero) = line.strip_prefix("hero:") {
        if section.kind != Kind::Plot {
            return misplaced("hero:");
        }
        section.hero = Some((place, hero.trim().into()));
        return Ok(());
    } else if let Some(traits) = line.strip_prefix("traits:") {
        if section.kind != Kind::Plot {
            return misplaced("traits:");
        }
        section.columns = Some((place, traits.into()));
        return Ok(());
    } else if let Some(fields) = line.strip_prefix("fields:") {
        if section.kind != Kind::List {
            return misplaced("fields:");
        }
        section.columns = Some((place, fields.into()));
        return Ok(());
    } else {
        return Err(unknown(line).at(&place));
    };
    if *new_group || section.groups.is_empty() {
        section.groups.push(Vec::new());
        *new_group = false;
    }
    if let Some(group) = section.groups.last_mut() {
        group.push((place, content));
    }
    Ok(())
}
