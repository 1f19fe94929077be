//! The configurations that the program carries.

const PRESETS: [(&str, &str); 3] = [
    ("tiny", include_str!("../../../../configs/tiny.toml")),
    ("small", include_str!("../../../../configs/small.toml")),
    ("seed", include_str!("../../../../configs/seed.toml")),
];

/// The text of the preset `name`.
pub(super) fn find(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// Their names, to be read by people.
pub(super) fn names() -> String {
    PRESETS.map(|(name, _)| name).join(", ")
}

/// A complete configuration: its keys are all that there are.
pub(super) fn any() -> &'static str {
    PRESETS[0].1
}
