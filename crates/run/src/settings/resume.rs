//! What may change when a run goes on.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::{Settings, SettingsError, keys};

/// Sections and keys with the reason why a run cannot change them; `None` where it can. The longest
/// entry that a key begins with decides.
const RESUME: [(&str, Option<&str>); 22] = [
    ("model", Some("its weights have these sizes")),
    ("data", Some("its tokenizer and its held-out stories come from it")),
    ("data.entropy", None),
    ("diffusion", Some("the network has learned what its timesteps mean")),
    ("diffusion.objective", Some("the network has learned to predict what it asks for")),
    ("diffusion.block", Some("the network has learned to write blocks of this length")),
    ("diffusion.span_length", None),
    ("diffusion.stratified", None),
    ("diffusion.times", None),
    ("diffusion.beta", None),
    ("diffusion.weighting", None),
    ("diffusion.complementary", None),
    ("optimizer", None),
    ("optimizer.average", Some("its average began with the first step")),
    ("optimizer.name", Some("its moments are those of this optimizer")),
    ("schedule", None),
    ("train", None),
    ("train.outer.round", Some("the momentum of its rounds belongs to it")),
    ("train.precision", Some("its products are rounded as they were")),
    ("train.seed", Some("its batches and masks follow from it")),
    ("train.window", Some("its batches follow from it")),
    ("train.eval_batches", Some("its losses could not be compared any more")),
];

impl Settings {
    /// What changes from these settings, which a run has, to `asked`, with which it is to go on: one
    /// text for each key.
    ///
    /// # Errors
    /// [`SettingsError::Fixed`] for a key that cannot change in a run.
    pub fn resume(&self, asked: &Self) -> Result<Vec<String>, SettingsError> {
        let [kept, asked] = [self, asked].map(|settings| {
            let table = Table::try_from(settings).expect("settings have a TOML form");
            keys::flat(&table).into_iter().collect::<BTreeMap<String, Value>>()
        });
        let keys: BTreeSet<_> = kept.keys().chain(asked.keys()).collect();
        let differ = keys.into_iter().filter(|&key| kept.get(key) != asked.get(key));
        let shown = |value: Option<&Value>| value.map_or("unset".to_owned(), Value::to_string);
        let changes = differ.map(|key| {
            let (kept, asked) = (shown(kept.get(key)), shown(asked.get(key)));
            match reason(key) {
                Some(reason) => Err(SettingsError::Fixed { key: key.clone(), kept, asked, reason }),
                None => Ok(format!("{key} from {kept} to {asked}")),
            }
        });
        changes.collect()
    }
}

/// Why a run cannot change a key.
fn reason(key: &str) -> Option<&'static str> {
    let covers = |entry: &str| key == entry || key.starts_with(&format!("{entry}."));
    let entries = RESUME.iter().filter(|(entry, _)| covers(entry));
    entries.max_by_key(|(entry, _)| entry.len()).expect("every section is in the table").1
}

#[cfg(test)]
mod tests {
    use super::super::preset;
    use super::*;

    fn tiny(changes: &[&str]) -> Settings {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        Settings::parse(preset("tiny").expect("a preset"), &changes).expect("settings")
    }

    #[test]
    fn what_may_change_is_said() {
        let kept = tiny(&[]);
        assert_eq!(kept.resume(&kept), Ok(Vec::new()));
        let asked = tiny(&["train.steps=7", "optimizer.muon.lr=0.5", "stratified=false"]);
        let changes = kept.resume(&asked).expect("changes that are allowed");
        let keys: Vec<_> = changes.iter().filter_map(|change| change.split(' ').next()).collect();
        assert_eq!(keys, ["diffusion.stratified", "optimizer.muon.lr", "train.steps"]);
        assert!(changes[2].ends_with(" to 7"), "{changes:?}");
    }

    #[test]
    fn what_may_not_change_is_named() {
        for (change, key) in [
            ("n_embd=64", "model.n_embd"),
            ("validation_share=0.3", "data.validation_share"),
            ("diffusion.schedule=linear", "diffusion.schedule"),
            ("objective=span", "diffusion.objective"),
            ("diffusion.block=8", "diffusion.block"),
            ("optimizer.average=0.1", "optimizer.average"),
            ("train.seed=99", "train.seed"),
            ("eval_batches=1", "train.eval_batches"),
        ] {
            let error = tiny(&[]).resume(&tiny(&[change])).expect_err(change).to_string();
            assert!(error.starts_with(&format!("`{key}` is ")), "{error}");
            assert!(error.contains("cannot change"), "{error}");
        }
    }

    #[test]
    fn the_table_is_about_keys_that_exist() {
        let table = Table::try_from(tiny(&[])).expect("a table");
        let keys = keys::flat(&table);
        for (key, _) in &keys {
            reason(key);
        }
        for (entry, _) in RESUME {
            let found = |key: &str| key == entry || key.starts_with(&format!("{entry}."));
            assert!(keys.iter().any(|(key, _): &(String, Value)| found(key)), "{entry}");
        }
    }
}
