//! Things, places, weather: what the slots of a plot are filled with.

mod events;
mod seasons;
mod things;

pub(super) use seasons::SEASONS;

/// Rows to choose from; a slot keeps its row, and gives its fields as `{slot}` and `{slot.field}`.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
    pub(super) rows: &'static [&'static [&'static str]],
}

/// The table of that name.
///
/// # Panics
/// There is none; the tests visit every template.
pub(super) fn table(name: &str) -> &'static Table {
    let found = [things::THINGS, events::EVENTS].into_iter().flatten().find(|t| t.name == name);
    found.unwrap_or_else(|| panic!("no table `{name}`"))
}
