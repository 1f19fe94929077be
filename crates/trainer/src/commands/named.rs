//! Command-line values that have their names and descriptions in the libraries.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Parses one of `all` by its name; `--help` shows what each is `about`.
pub(crate) fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let values = all.iter().map(move |&value| PossibleValue::new(name(value)).help(about(value)));
    PossibleValuesParser::new(values).map(move |text| {
        let found = all.iter().copied().find(|&value| name(value) == text);
        found.expect("only possible values get here")
    })
}
