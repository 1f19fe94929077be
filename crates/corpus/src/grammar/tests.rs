//! What the project's own stories promise: language, length, variety.

use std::collections::{BTreeMap, HashSet};

use super::pen::starts_with_vowel_sound;
use super::{ENTROPY, Entropy, Estimate, FILES, FIRST_ENTROPY, Grammar, sections};

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// Names of children and animals: the rows of these lists.
fn names() -> BTreeMap<String, &'static str> {
    let mut names = BTreeMap::new();
    for section in sections::sections(&FILES).expect("files") {
        let list = ["girls", "boys", "animal names"].into_iter().find(|name| *name == section.name);
        for (_, line) in section.groups.iter().flatten() {
            if let (Some(list), sections::Line::Template(name)) = (list, line) {
                let other = names.insert(name.clone(), list);
                assert_eq!(other, None, "{name} twice");
            }
        }
    }
    names
}

/// What is wrong with a story, in words.
fn faults(story: &str, names: &BTreeMap<String, &'static str>) -> Vec<String> {
    let mut faults = Vec::new();
    if story.contains(['[', ']', '{', '}', '|', '*', '¶']) {
        faults.push("template".to_owned());
    }
    if story.contains("  ") || story.trim() != story {
        faults.push("spaces".into());
    }
    let marks = [" .", " ,", "..", ",,", ".,", "!.", "?.", "!,", "?!", "!?", "!!", "??", "\"\""];
    for wrong in marks {
        if story.replace("...", "…").contains(wrong) {
            faults.push(format!("`{wrong}`"));
        }
    }
    for paragraph in story.split("\n\n") {
        if !paragraph.starts_with(|c: char| c.is_uppercase() || c == '"') {
            faults.push("start of a paragraph".into());
        }
        if !paragraph.ends_with(['.', '!', '?', '"']) {
            faults.push("end of a paragraph".into());
        }
        if paragraph.matches('"').count() % 2 != 0 {
            faults.push("open quote".into());
        }
        for (at, said) in paragraph.split('"').enumerate() {
            // Speech starts with a capital after a space, and its end is not followed by a letter.
            let outside = at % 2 == 0 && !said.is_empty();
            if outside && at > 0 && said.starts_with(char::is_alphanumeric) {
                faults.push(format!("quote closes before `{said}`"));
            }
            if at % 2 == 1 && (said.starts_with(' ') || said.ends_with(' ')) {
                faults.push(format!("quote around `{said}`"));
            }
        }
    }
    let all: Vec<&str> = story.split_whitespace().collect();
    for pair in all.windows(2) {
        let article = pair[0].trim_start_matches('"').to_lowercase();
        if article == "a" || article == "an" {
            let vowel = starts_with_vowel_sound(pair[1]);
            if (article == "an") != vowel {
                faults.push(format!("`{} {}`", pair[0], pair[1]));
            }
        }
        // A sentence that ends is followed by a capital, unless somebody was speaking.
        if pair[0].ends_with(['.', '!', '?']) && !pair[0].ends_with("...") {
            let next = pair[1].trim_start_matches('"');
            if !next.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()) {
                faults.push(format!("`{} {}`", pair[0], pair[1]));
            }
        }
        // As in `tap, tap, tap`.
        if pair[0].eq_ignore_ascii_case(pair[1].trim_end_matches(['.', ',', '!', '?', '"'])) {
            faults.push(format!("`{}` twice", pair[0]));
        }
    }
    let mut sentences = HashSet::new();
    for sentence in story.split_inclusive(['.', '!', '?']).map(str::trim) {
        if sentence.len() > 24 && !sentences.insert(sentence) {
            faults.push(format!("`{sentence}` twice"));
        }
    }
    faults.extend(strangers(story, names));
    faults
}

/// Words before and after a name that say who it is.
const INTRODUCE: [&str; 14] = [
    "friend", "named", "called", "name was", "name is", "I am", "was", "know", "him", "her",
    "about", "story of", "knew", "lived",
];
const INTRODUCED: [&str; 3] = ["the ", "from next door", "lived with"];

/// Names that appear without saying who that is.
fn strangers(story: &str, names: &BTreeMap<String, &'static str>) -> Vec<String> {
    let mut known = HashSet::new();
    let mut strangers = Vec::new();
    let all: Vec<&str> = story.split_whitespace().collect();
    for (at, word) in all.iter().enumerate() {
        let plain = word.trim_matches(|c: char| !c.is_alphabetic());
        let name = plain.strip_suffix("'s").unwrap_or(plain);
        if !names.contains_key(name) || !known.insert(name) {
            continue;
        }
        let before = all[at.saturating_sub(2)..at].join(" ");
        let after = all[at + 1..].iter().take(3).copied().collect::<Vec<_>>().join(" ");
        let introduced = at == 0
            || INTRODUCE.iter().any(|words| before.ends_with(words))
            || INTRODUCED.iter().any(|words| after.starts_with(words))
            // As in `Tim, a boy`.
            || word.ends_with(',') && after.starts_with('a');
        if !introduced {
            strangers.push(format!("who is {name}? `{before} {word} {after}`"));
        }
    }
    strangers
}

#[test]
fn two_thousand_stories_without_a_fault() {
    let (grammar, names) = (Grammar::embedded(), names());
    for (number, story) in grammar.stories(1).take(2_000).enumerate() {
        let faults = faults(&story, &names);
        assert!(faults.is_empty(), "story {number}: {}\n{story}", faults.join(", "));
        let words = story.split_whitespace().count();
        assert!((90..=260).contains(&words), "{words} words:\n{story}");
    }
}

#[test]
fn faults_are_found() {
    let names = names();
    let good = "Tim was a boy. \"Look,\" he said. His friend Ada ran. He saw an owl.";
    assert_eq!(faults(good, &names), Vec::<String>::new());
    for (from, to, fault) in [
        ("an owl", "a owl", "`a owl.`"),
        ("Look,\"", "Look,", "open quote"),
        ("friend Ada", "Ada", "who is Ada?"),
        ("ran. He", "ran ran. He", "`ran` twice"),
        ("boy.", "boy..", "`..`"),
        ("boy.", "{kind}.", "template"),
        ("He saw an owl.", "he saw an owl.", "`ran. he`"),
        ("His friend Ada ran.", "Tim was a very small boy. Tim was a very small boy.", "twice"),
    ] {
        let story = good.replace(from, to);
        let found = faults(&story, &names);
        assert!(found.iter().any(|f| f.contains(fault)), "{story}: {found:?}, not {fault}");
    }
}

#[test]
fn ten_thousand_stories_and_no_two_alike() {
    let (grammar, names) = (Grammar::embedded(), names());
    let mut seen = HashSet::new();
    let mut vocabulary = HashSet::new();
    let mut paragraphs = BTreeMap::new();
    for story in grammar.stories(0).take(10_000) {
        // Not even when everybody is called the same.
        let nameless: Vec<&str> =
            words(&story).map(|w| if names.contains_key(w) { "NAME" } else { w }).collect();
        assert!(seen.insert(nameless.join(" ")), "told before:\n{story}");
        vocabulary.extend(words(&story).map(str::to_lowercase));
        *paragraphs.entry(story.split("\n\n").count()).or_insert(0) += 1;
    }
    assert!(vocabulary.len() >= 2_300, "only {} words", vocabulary.len());
    assert!((1..=3).all(|n| paragraphs[&n] >= 500), "{paragraphs:?}");
}

/// The lists and plots are as many as the documentation says.
#[test]
fn many_plots_and_many_names() {
    assert!(Grammar::embedded().plots().len() >= 40);
    assert!(names().len() >= 100);
}

/// Outside of speech everything is told in the past, but for the moral at the end.
#[test]
fn told_in_the_past() {
    let present = ["is", "are", "has", "says", "goes", "am", "asks", "runs", "sees", "knows"];
    let sections = sections::sections(&FILES).expect("files");
    for section in sections.iter().filter(|section| section.kind == sections::Kind::Plot) {
        let (told, _moral) = section.groups.split_at(section.groups.len() - 3);
        for (place, line) in told.iter().flatten() {
            let sections::Line::Template(template) = line else {
                continue;
            };
            assert_eq!(template.matches('"').count() % 2, 0, "open quote: {place:?}");
            let told: String = template.split('"').step_by(2).collect();
            let wrong = words(&told).find(|word| present.contains(word));
            assert_eq!(wrong, None, "{place:?}: {template}");
        }
    }
}

#[test]
fn first_stories_are_of_a_hundred_words() {
    let grammar = Grammar::first();
    let corpus = grammar.corpus(1, 2_000);
    assert_eq!(corpus.matches("<|endoftext|>").count(), 2_000);
    let words: HashSet<String> = words(&corpus).map(str::to_lowercase).collect();
    assert!((80..=110).contains(&words.len()), "{} words", words.len());
}

#[test]
fn the_entropies_are_those_of_the_grammars() {
    for (grammar, known) in [(Grammar::embedded(), ENTROPY), (Grammar::first(), FIRST_ENTROPY)] {
        let Estimate { mean, error } = Entropy::sample(&grammar, 1, 200, || ()).bits_per_byte;
        assert!((mean - known).abs() < 4.0 * error, "{mean} +- {error} is not {known}");
    }
}
