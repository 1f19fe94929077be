//! Datasets known by name.

/// Default selection from a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name of the dataset, `owner/name`.
    pub dataset: &'static str,
    /// Its configuration; `None` for its default.
    pub config: Option<&'static str>,
    /// The column that holds the text, or several, see [`Selection::text_column`](super::Selection).
    pub text_column: &'static str,
}

/// Datasets known by name, the default first: stories for small models (Eldan and Li,
/// arXiv:2305.07759), educational web pages (Penedo et al., arXiv:2406.17557), and synthetic
/// questions with their answers.
pub const PRESETS: [Preset; 3] = [
    Preset { dataset: "roneneldan/TinyStories", config: None, text_column: "text" },
    Preset {
        dataset: "HuggingFaceFW/fineweb-edu",
        config: Some("sample-10BT"),
        text_column: "text",
    },
    Preset {
        dataset: "PleIAs/SYNTH",
        config: None,
        text_column: "Question: {query}\n\nAnswer: {synthetic_answer}",
    },
];

/// The preset of a dataset; case-insensitive.
#[must_use]
pub fn preset(dataset: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.dataset.eq_ignore_ascii_case(dataset))
}
