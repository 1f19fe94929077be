//! Keys of the settings: `section.key` texts, unknown ones, and those that resemble them.

use toml::{Table, Value};

use super::{Settings, SettingsError, presets};

/// Keys that a file may lack because they came later, with what a run did before there was a choice.
const LATER: [(&str, &str); 29] = [
    ("train.recompute", "false"),
    ("train.window", "33554432"),
    ("train.parts", "1"),
    ("train.outer.round", "0"),
    ("train.outer.rate", "0.7"),
    ("train.outer.nesterov", "0.9"),
    ("train.precision", "f32"),
    ("data.entropy", "0.0"),
    ("model.timestep_embedding", "true"),
    ("model.value_mixing", "false"),
    ("model.embedding_shortcut", "false"),
    ("model.skips", "false"),
    ("model.head_gates", "false"),
    ("optimizer.scalar_lr", "0.02"),
    ("optimizer.decay_schedule", "constant"),
    ("optimizer.cautious_decay", "false"),
    ("optimizer.average", "0.0"),
    ("optimizer.muon.coefficients", "jordan"),
    ("diffusion.objective", "masked"),
    ("diffusion.block", "16"),
    ("diffusion.span_length", "3.0"),
    ("diffusion.times", "uniform"),
    ("diffusion.weighting", "mean"),
    ("diffusion.complementary", "0.0"),
    ("train.story_starts", "0.0"),
    ("train.dropout", "0.0"),
    ("diffusion.beta.a", "3.0"),
    ("diffusion.beta.b", "3.0"),
    ("diffusion.beta.uniform", "0.2"),
];

/// Settings of a TOML text, changed by `key=value` texts in order.
pub(super) fn settings(text: &str, changes: &[String]) -> Result<Settings, SettingsError> {
    let known = known();
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| syntax(text, &error))?;
    for key in flatten(&table) {
        if !known.contains(&key) {
            return Err(SettingsError::UnknownKey { near: near(&key, &known), key });
        }
    }
    for (key, value) in LATER {
        if !flatten(&table).iter().any(|present| present == key) {
            set(&mut table, key, parse(value));
        }
    }
    for change in changes {
        let (key, value) =
            change.split_once('=').ok_or_else(|| SettingsError::NoValue(change.clone()))?;
        set(&mut table, &resolve(key.trim(), &known)?, parse(value.trim()));
    }
    if let Some(missing) = known.iter().find(|key| !flatten(&table).contains(key)) {
        return Err(SettingsError::MissingKey(missing.clone()));
    }
    table.try_into().map_err(|error: toml::de::Error| {
        // The path stands on a line of its own.
        let text = error.to_string();
        SettingsError::Value(text.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// Where TOML's grammar was broken, on one line.
fn syntax(text: &str, error: &toml::de::Error) -> SettingsError {
    let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count()) + 1;
    SettingsError::Syntax { line, reason: error.message().trim().to_owned() }
}

/// Every key there is, as `section.key`.
fn known() -> Vec<String> {
    flatten(&presets::any().parse().expect("a preset is valid TOML"))
}

fn flatten(table: &Table) -> Vec<String> {
    flat(table).into_iter().map(|(key, _)| key).collect()
}

/// Every key of a table as `section.key`, with its value.
pub(super) fn flat(table: &Table) -> Vec<(String, Value)> {
    let nested = table.iter().flat_map(|(name, value)| match value {
        Value::Table(section) => {
            flat(section).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)).collect()
        }
        _ => vec![(name.clone(), value.clone())],
    });
    nested.collect()
}

/// The full key of `key`; its section may be left out where only one has such a key.
fn resolve(key: &str, known: &[String]) -> Result<String, SettingsError> {
    if known.iter().any(|full| full == key) {
        return Ok(key.to_owned());
    }
    let ending = format!(".{key}");
    let matches: Vec<_> = known.iter().filter(|full| full.ends_with(&ending)).collect();
    match matches[..] {
        [full] => Ok(full.clone()),
        [] => Err(SettingsError::UnknownKey { key: key.to_owned(), near: near(key, known) }),
        _ => Err(SettingsError::AmbiguousKey { key: key.to_owned(), near: near(key, known) }),
    }
}

/// Known keys that resemble `key`, as the end of a sentence.
fn near(key: &str, known: &[String]) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let most = 2.max(last(key).len() / 3);
    let mut ranked: Vec<_> = known
        .iter()
        .map(|full| {
            let whole = strsim::damerau_levenshtein(key, full);
            (whole.min(strsim::damerau_levenshtein(&last(key), &last(full))), full)
        })
        // A name of which nothing is left is no neighbour.
        .filter(|(distance, _)| *distance <= most && *distance < last(key).len())
        .collect();
    ranked.sort();
    let names: Vec<_> = ranked.iter().take(3).map(|(_, full)| format!("`{full}`")).collect();
    if !names.is_empty() {
        return format!("; did you mean {}?", names.join(" or "));
    }
    let section = key.split('.').next().unwrap_or_default();
    let mut there: Vec<_> =
        known.iter().filter(|full| full.split('.').next() == Some(section)).cloned().collect();
    if there.is_empty() {
        there = known.to_vec();
    }
    format!("; there are {}", there.join(", "))
}

/// A TOML value; anything else is text, so that names need no quotes.
fn parse(value: &str) -> Value {
    let table = format!("value = {value}").parse::<Table>();
    let parsed =
        table.ok().filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| Value::String(value.to_owned()))
}

fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((section, rest)) => {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = entry {
                set(section, rest, value);
            }
        }
        None => {
            table.insert(key.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(changes: &[&str]) -> Result<Settings, SettingsError> {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        settings(presets::any(), &changes)
    }

    fn error(changes: &[&str]) -> String {
        change(changes).expect_err("a bad change").to_string()
    }

    #[test]
    fn changes_are_applied_in_order() -> Result<(), SettingsError> {
        let settings = change(&[
            "train.steps=7",
            "train.steps = 9",
            "optimizer.lr=1",
            "diffusion.schedule=linear",
            "stratified=false",
        ])?;
        assert_eq!(settings.train.steps, 9);
        assert_eq!(settings.optimizer.lr, 1.0);
        assert_eq!(settings.diffusion.schedule, model::Schedule::Linear);
        assert!(!settings.diffusion.stratified);
        Ok(())
    }

    #[test]
    fn unknown_keys_name_their_neighbours() {
        assert_eq!(
            error(&["train.stesp=7"]),
            "unknown key `train.stesp`; did you mean `train.steps`?"
        );
        let all = error(&["learning_rate=7"]);
        assert!(all.starts_with("unknown key `learning_rate`; there are data."), "{all}");
        assert_eq!(all.matches(", ").count() + 1, known().len(), "{all}");
        let whole = error(&["schedule.zzzzzzzzz=7"]);
        assert_eq!(
            whole,
            "unknown key `schedule.zzzzzzzzz`; there are schedule.decay_share, schedule.floor, schedule.shape, schedule.warmup"
        );
        assert_eq!(
            error(&["lr=1"]),
            "the key `lr` is in more than one section; did you mean `optimizer.lr` or `optimizer.muon.lr`?"
        );
    }

    #[test]
    fn a_bad_file_gets_one_sentence() {
        let broken = presets::any().replace("n_layer = 2", "n_layer = = 2");
        let missing = presets::any().replace("n_layer = 2", "");
        let unknown = presets::any().replace("n_layer = 2", "n_layers = 2");
        let line = presets::any().lines().position(|line| line.starts_with("n_layer"));
        let line = line.expect("a key of every preset") + 1;
        let syntax = format!("line {line} is not valid TOML: ");
        for (text, sentence) in [
            (broken, syntax.as_str()),
            (missing, "the key `model.n_layer` is missing"),
            (unknown, "unknown key `model.n_layers`; did you mean `model.n_layer`"),
        ] {
            let error = settings(&text, &[]).expect_err("a broken file").to_string();
            assert!(error.contains(sentence), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn files_may_lack_later_keys() -> Result<(), SettingsError> {
        let whole = change(&[])?.to_toml();
        let lines = whole.lines().filter(|line| {
            let name = line.split(' ').next().unwrap_or_default();
            let mut later = LATER.iter().map(|(key, _)| key.rsplit('.').next().unwrap_or_default());
            !["[diffusion.beta]", "[train.outer]"].contains(line)
                && !later.any(|later| later == name)
        });
        let earlier: Vec<_> = lines.collect();
        assert_eq!(whole.lines().count(), earlier.len() + LATER.len() + 2);
        assert_eq!(settings(&earlier.join("\n"), &[])?, change(&[])?);
        Ok(())
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named() {
        for (text, key) in [
            ("train.steps=many", "train.steps"),
            ("train.steps=-4", "train.steps"),
            ("diffusion.schedule=square", "diffusion.schedule"),
            ("objective=hinted", "diffusion.objective"),
            ("objective=hinted", "unknown variant `hinted`, expected "),
            ("train.steps", "the change `train.steps` has no value"),
        ] {
            let error = error(&[text]);
            assert!(error.contains(key), "{error}");
        }
    }
}
