//! The keys of settings with their values and reasons, as their TOML text has them.

/// A section of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, for instance `optimizer.muon`.
    pub name: String,
    /// What it holds.
    pub keys: Vec<Key>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// With its section, for instance `train.steps`.
    pub key: String,
    /// The name in its section.
    pub name: String,
    /// Its value as TOML writes it.
    pub value: String,
    /// Why it has this value, where the text says so.
    pub reason: String,
}

/// The sections of a TOML text of settings. No value of theirs contains a `#`.
pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            sections.push(Section { name: name.to_owned(), keys: vec![] });
        } else if let Some((name, rest)) = line.split_once('=').filter(|_| !line.starts_with('#'))
            && let Some(section) = sections.last_mut()
        {
            let (value, reason) = rest.split_once('#').unwrap_or((rest, ""));
            let [name, value, reason] = [name, value, reason].map(|part| part.trim().to_owned());
            let key = format!("{}.{name}", section.name);
            section.keys.push(Key { key, name, value, reason });
        }
    }
    sections
}

/// The value of a key; nothing if there is none.
pub fn value(sections: &[Section], key: &str) -> String {
    let mut keys = sections.iter().flat_map(|section| &section.keys);
    keys.find(|known| known.key == key).map(|known| known.value.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use run::Settings;
    use run::settings::PRESETS;

    #[test]
    fn every_key_of_every_preset_is_found_and_can_be_set() {
        for (name, text) in PRESETS {
            let sections = sections(text);
            let keys: Vec<&Key> = sections.iter().flat_map(|section| &section.keys).collect();
            assert!(keys.len() > 40, "{name}: {} keys", keys.len());
            assert!(keys.iter().all(|key| !key.reason.is_empty()), "{name}");
            let changes: Vec<String> =
                keys.iter().map(|key| format!("{}={}", key.key, key.value)).collect();
            let settings = Settings::parse(text, &[]).expect("a preset");
            assert_eq!(Settings::parse(text, &changes).ok().as_ref(), Some(&settings), "{name}");
            // A run's settings have the same ones.
            let of_run = super::sections(&settings.to_toml());
            for Key { key, .. } in keys {
                assert!(!value(&of_run, key).is_empty(), "{name}: {key}");
            }
        }
    }
}
