//! The presets: `configs/*.toml`.

/// Name and text of every preset.
pub const PRESETS: [(&str, &str); 6] = [
    ("tiny", include_str!("../../../../configs/tiny.toml")),
    ("pocket", include_str!("../../../../configs/pocket.toml")),
    ("small", include_str!("../../../../configs/small.toml")),
    ("best", include_str!("../../../../configs/best.toml")),
    ("large", include_str!("../../../../configs/large.toml")),
    ("seed", include_str!("../../../../configs/seed.toml")),
];

/// The text of the preset `name`.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| *text)
}

/// A complete configuration: its keys are all that there are.
pub(super) fn any() -> &'static str {
    PRESETS[0].1
}
