//! What can be wrong with the files of a grammar.

/// A mistake in a grammar, with the place where it was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {mistake}")]
pub struct GrammarError {
    /// Name of the file.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// A mistake in a grammar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A line of no known kind.
    #[error(
        "`{0}` is none of: `plot:`, `list:`, `beat:`, `seasons:`, `traits:`, `hero:`, `fields:`, a line that starts with `- ` or `@`, or a comment that starts with `#`"
    )]
    Line(String),
    /// A line that belongs into another section.
    #[error("`{line}` does not belong into {section}")]
    Misplaced {
        /// The start of the line.
        line: &'static str,
        /// Where it stands.
        section: &'static str,
    },
    /// A section without a name, or with one that no slot could ask for.
    #[error("`{0}` is no name: use small letters and spaces")]
    Name(String),
    /// Two sections with one name.
    #[error("there is a {kind} `{name}` already, in {file}, line {line}")]
    Duplicate {
        /// `plot`, `list` or `beat`.
        kind: &'static str,
        /// The name of both.
        name: String,
        /// File of the first.
        file: String,
        /// Line of the first.
        line: usize,
    },
    /// A section with nothing in it.
    #[error("the {kind} `{name}` is empty: write lines that start with `- ` below it")]
    Empty {
        /// `plot`, `list` or `beat`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A bracket that is closed but not opened, or the other way round.
    #[error("the bracket `{0}` has no partner")]
    Unbalanced(char),
    /// A `|` that parts nothing.
    #[error("`|` parts alternatives between `[` and `]` only")]
    Bar,
    /// `[]`, or `{}`.
    #[error("there is nothing between the brackets `{0}`")]
    Nothing(&'static str),
    /// A slot that no list fills.
    #[error("nothing fills the slot `{{{0}}}`")]
    Slot(String),
    /// A list that has no such field.
    #[error("the list `{list}` has no field `{field}`")]
    Field {
        /// The list.
        list: String,
        /// What was asked for.
        field: String,
    },
    /// A row with too few or too many fields.
    #[error("this row has {found} fields, the list `{list}` has {expected}; `|` parts them")]
    Row {
        /// The list.
        list: String,
        /// Fields of the row.
        found: usize,
        /// Fields of the list.
        expected: usize,
    },
    /// A field without text.
    #[error("a field of this row is empty")]
    EmptyField,
    /// An `@` line that names no beat.
    #[error("there is no beat `{0}`")]
    Beat(String),
    /// A season, or a kind of hero, that does not exist.
    #[error("`{found}` is none of: {known}")]
    Unknown {
        /// What was written.
        found: String,
        /// What could be written.
        known: String,
    },
    /// A list that is told for some seasons only.
    #[error("the list `{list}` has no rows for {season}")]
    SeasonMissing {
        /// The list.
        list: String,
        /// The season.
        season: &'static str,
    },
    /// A plot that speaks of a trait and has none.
    #[error("this plot uses `{{trait}}`, but has no line `traits:`")]
    Traits,
    /// More numbered slots than the list has rows.
    #[error("the list `{list}` has {rows} rows, too few for {slots} different slots")]
    Rows {
        /// The list.
        list: String,
        /// Its rows.
        rows: usize,
        /// Slots that ask for different rows.
        slots: usize,
    },
    /// A slot whose filling asks for the slot itself.
    #[error("the slot `{{{0}}}` is filled with itself")]
    Circle(String),
    /// A pronoun that is none.
    #[error("the field `pronoun` of an elder is `he` or `she`")]
    Pronoun,
    /// The same list with other fields in another season.
    #[error("the list `{list}` has other fields in another season")]
    SeasonFields {
        /// The list.
        list: String,
    },
    /// A list of characters with other fields than the program knows.
    #[error("the list `{list}` needs the line `fields: {fields}`")]
    CastFields {
        /// The list.
        list: String,
        /// What belongs there; nothing for a list with one field.
        fields: String,
    },
    /// A template speaks of a character, and a list that characters are drawn from is missing.
    #[error("this speaks of a character, but there is no list `{0}`")]
    NoCast(&'static str),
    /// No plot at all.
    #[error("there is no plot; write one that starts with `plot:`")]
    NoPlot,
}

impl Mistake {
    pub(super) fn at(self, place: &Place) -> GrammarError {
        GrammarError { file: place.file.clone(), line: place.line, mistake: self }
    }
}

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
}
