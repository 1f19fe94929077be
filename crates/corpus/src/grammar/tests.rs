//! What the stories promise: language, length, variety.

use std::collections::{HashMap, HashSet};

use super::teller::starts_with_vowel_sound;
use super::{Stories, WORDS, cast, plots};

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

#[test]
fn ten_thousand_stories_and_no_two_alike() {
    let names: HashSet<&str> = cast::names().collect();
    let mut seen = HashSet::new();
    let mut vocabulary = HashSet::new();
    let mut paragraphs = HashMap::new();
    for story in Stories::new(0).take(10_000) {
        // Not even when everybody is called the same.
        let nameless: Vec<&str> =
            words(&story).map(|w| if names.contains(w) { "NAME" } else { w }).collect();
        assert!(seen.insert(nameless.join(" ")), "told before:\n{story}");
        assert!(WORDS.contains(&story.split_whitespace().count()), "{story}");
        vocabulary.extend(words(&story).map(str::to_lowercase));
        *paragraphs.entry(story.split("\n\n").count()).or_insert(0) += 1;
    }
    assert!(vocabulary.len() >= 1800, "only {} words", vocabulary.len());
    assert!((1..=3).all(|n| paragraphs[&n] >= 500), "{paragraphs:?}");
    assert_eq!(paragraphs.len(), 3);
}

#[test]
fn two_hundred_stories_have_many_words() {
    let stories: Vec<String> = Stories::new(0).take(200).collect();
    let vocabulary: HashSet<String> =
        stories.iter().flat_map(|story| words(story)).map(str::to_lowercase).collect();
    assert!(vocabulary.len() >= 1200, "only {} words", vocabulary.len());
}

#[test]
fn articles_capitals_quotes_and_marks_are_right() {
    for story in Stories::new(1).take(3_000) {
        assert!(!story.contains(['[', ']', '{', '}', '|', '*', '¶']), "{story}");
        assert!(!story.contains("  ") && story.trim() == story, "{story}");
        for wrong in [" .", " ,", "..", ",,", ".,", "!.", "?.", "!,", "\"\""] {
            assert!(!story.contains(wrong), "`{wrong}` in:\n{story}");
        }
        for paragraph in story.split("\n\n") {
            assert!(paragraph.starts_with(|c: char| c.is_uppercase() || c == '"'), "{story}");
            assert!(paragraph.ends_with(['.', '!', '?', '"']), "{story}");
            assert_eq!(paragraph.matches('"').count() % 2, 0, "open quote:\n{story}");
        }
        let all: Vec<&str> = story.split_whitespace().collect();
        for pair in all.windows(2) {
            let article = pair[0].trim_start_matches('"').to_lowercase();
            if article == "a" || article == "an" {
                let vowel = starts_with_vowel_sound(pair[1]);
                assert_eq!(article == "an", vowel, "`{} {}` in:\n{story}", pair[0], pair[1]);
            }
            // A sentence that ends is followed by a capital, unless somebody was speaking.
            if pair[0].ends_with(['.', '!', '?']) {
                let next = pair[1].trim_start_matches('"');
                assert!(
                    next.starts_with(char::is_uppercase),
                    "`{} {}`:\n{story}",
                    pair[0],
                    pair[1]
                );
            }
            // As in `tap, tap, tap`.
            let twice = pair[0] == pair[1] && !pair[0].ends_with(',');
            assert!(!twice, "`{}` twice in:\n{story}", pair[0]);
        }
    }
}

/// Outside of speech everything is told in the past, but for the moral at the end.
#[test]
fn told_in_the_past() {
    let present = ["is", "are", "has", "says", "goes", "am", "asks", "runs", "sees", "knows"];
    for plot in plots::PLOTS {
        let (told, _moral) = plot.beats.split_at(plot.beats.len() - 2);
        for template in told.iter().flat_map(|beat| beat.iter()) {
            assert_eq!(template.matches('"').count() % 2, 0, "open quote: {template}");
            if template.starts_with("This is the story of") {
                continue;
            }
            let told: String = template.split('"').step_by(2).collect();
            let wrong = words(&told).find(|word| present.contains(word));
            assert_eq!(wrong, None, "{template}");
        }
    }
}

#[test]
fn a_story_depends_on_seed_and_number_alone() {
    let stories: Vec<String> = Stories::new(5).take(20).collect();
    assert_eq!(stories, Stories::new(5).take(20).collect::<Vec<_>>());
    assert_eq!(stories[7], Stories::new(5).nth(7).unwrap());
    let other: HashSet<String> = Stories::new(6).take(20).collect();
    assert!(stories.iter().all(|story| !other.contains(story)));
}
