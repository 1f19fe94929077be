//! Grammars from files: what they write, how likely it is, and which mistakes are refused.

use std::collections::HashMap;

use corpus::grammar::{Entropy, Grammar};

fn grammar(text: &str) -> Grammar {
    Grammar::parse(&[("toy.txt", text)]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Two ways lead to `red`: `re` and `d`, or `red` and nothing.
const TWO_WAYS: &str = "plot: colors\n- [re|red][d|]\n";

/// Has a bit of everything, and few enough stories to see them all.
const CAST: &str = "
list: girls
- Ada
- Ida
list: boys
- Adam
- Ben
list: animal names
- Pip
- Tuft
list: animals
fields: home | hand
- owl | a tree | wing
- fox | a den | paw
list: homes
- a house
list: elders
fields: pronoun
- Papa | he
- Mama | she
list: child friends
- {his} friend {f.name}
list: animal friends
- {f.name} the {f.kind}
";

const EVERYTHING: &str = "
# Seasons, traits, rows, articles, paragraphs.
plot: lost
seasons: spring | winter
traits: old | sad

@start

- {Day} a* {trait} {toy} met a* {toy2}. [The {toy.n} left.|¶ They stayed.|]
- {Day} the {toy.n} slept. It was {season}.

plot: found
@start
- In {h.home} {h} gave {e.him} {his} {h.hand}. {F} saw {him}. {f} left.

beat: start
- So. ¶
- ¶
- So.

list: day, spring
- in May
- now
list: day, summer
- now
list: day, autumn
- now
list: day, winter
- now
- in the snow

list: toy
fields: n
- red [ball|balloon] | ball
- owl | owl
- old ball | ball
";

#[test]
fn probabilities_of_all_stories_sum_to_one() {
    let all = format!("{EVERYTHING}{CAST}");
    for (text, samples) in [(TWO_WAYS, 100), (all.as_str(), 100_000)] {
        let grammar = grammar(text);
        let mut told = HashMap::new();
        for story in grammar.stories(0).take(samples) {
            *told.entry(story).or_insert(0.0) += 1.0;
        }
        let mut sum = 0.0;
        for (story, count) in &told {
            let p = (-grammar.bits(story).expect("it was told")).exp2();
            let expected = p * samples as f64;
            assert!((count - expected).abs() < 6.0 * expected.sqrt().max(1.0), "{count}: {story}");
            sum += p;
        }
        assert!((sum - 1.0).abs() < 1e-9, "{sum} of {} stories", told.len());
    }
}

#[test]
fn a_text_told_in_two_ways_counts_both() {
    let grammar = grammar(TWO_WAYS);
    for (text, bits) in [("re", Some(2.0)), ("red", Some(1.0)), ("redd", Some(2.0)), ("r", None)] {
        assert_eq!(grammar.bits(text), bits, "{text}");
    }
    let entropy = Entropy::sample(&grammar, 3, 4_000, || ());
    let near = |estimate: corpus::grammar::Estimate, truth: f64| {
        assert!((estimate.mean - truth).abs() < 4.0 * estimate.error, "{estimate:?}, not {truth}");
    };
    near(entropy.bits, 1.5);
    near(entropy.bytes, 3.0);
    near(entropy.bits_per_byte, 0.5);
    near(entropy.ambiguity, 0.5);
    assert!((0.005..0.02).contains(&entropy.bits.error), "{entropy:?}");
    // Half of the stories are `red`.
    assert!((1_800..2_200).contains(&entropy.ambiguous), "{entropy:?}");
    assert_eq!(entropy, Entropy::sample(&grammar, 3, 4_000, || ()));
    assert_ne!(entropy, Entropy::sample(&grammar, 4, 4_000, || ()));
}

#[test]
fn alternatives_that_are_alike_are_one_with_more_weight() {
    let grammar = grammar("plot: colors\n- [red|red|red|blue]\n- [red|red|red|blue]\n");
    assert_eq!(grammar.bits("blue"), Some(2.0));
    let entropy = Entropy::sample(&grammar, 0, 100, || ());
    assert_eq!((entropy.ambiguous, entropy.ambiguity.mean), (0, 0.0));
}

#[test]
fn the_grammar_knows_its_own_stories_and_no_others() {
    let grammar = Grammar::embedded();
    for story in grammar.stories(5).take(20) {
        let bits = grammar.bits(&story).expect("its own");
        assert!((20.0..200.0).contains(&bits), "{bits}");
        for changed in [story.replacen('.', "!", 1), format!("{story} "), story[1..].to_owned()] {
            assert_eq!(grammar.bits(&changed), None, "{changed}");
        }
    }
}

#[test]
fn distinct_stories_end_when_all_are_told() {
    let grammar = grammar(TWO_WAYS);
    let mut distinct = grammar.stories(0).distinct();
    let mut all: Vec<String> = distinct.by_ref().collect();
    all.sort();
    assert_eq!(all, ["re", "red", "redd"]);
    assert!(distinct.repeats() >= 10_000);
}

#[test]
fn a_story_depends_on_seed_and_number_alone() {
    let grammar = Grammar::embedded();
    let stories: Vec<String> = grammar.stories(5).take(20).collect();
    assert_eq!(stories[7], grammar.stories(5).nth(7).expect("endless"));
    assert_ne!(stories[0], grammar.stories(6).next().expect("endless"));
}

#[test]
fn every_mistake_gets_one_sentence_with_its_line() {
    let plot = "plot: a\n- A story.\n";
    for (text, message) in [
        ("", "line 1: there is no plot; write one that starts with `plot:`"),
        ("- A story.", "line 1: `- A story.` is none of: `plot:`, `list:`, "),
        ("plot: a\nA story.", "line 2: `A story.` is none of: `plot:`, "),
        ("plot: a\n\nplot: b\n- b", "line 1: the plot `a` is empty: write lines that start"),
        ("plot: B2\n- b", "line 1: `B2` is no name: use small letters and spaces"),
        ("plot: a\n- [one|two", "line 2: the bracket `[` has no partner"),
        ("plot: a\n- one]", "line 2: the bracket `]` has no partner"),
        ("plot: a\n- {h]", "line 2: the bracket `]` has no partner"),
        ("plot: a\n- one | two", "line 2: `|` parts alternatives between `[` and `]` only"),
        ("plot: a\n- one [] two", "line 2: there is nothing between the brackets `[]`"),
        ("plot: a\n- one {} two", "line 2: there is nothing between the brackets `{}`"),
        ("plot: a\n- A {toy}.", "line 2: nothing fills the slot `{toy}`"),
        ("plot: a\n- A {h.nose}.", "line 2: nothing fills the slot `{h.nose}`"),
        ("plot: a\n- {H} ran.", "line 2: this speaks of a character, but there is no list `girls`"),
        ("plot: a\n@end", "line 2: there is no beat `end`"),
        ("plot: a\nfields: b\n- c", "line 2: `fields:` does not belong into a plot"),
        ("beat: a\n@b", "line 2: `@` does not belong into a beat"),
        (
            "plot: a\nseasons: fall\n- c",
            "line 2: `fall` is none of: spring, summer, autumn, winter",
        ),
        ("plot: a\nhero: robot\n- c", "line 2: `robot` is none of: child, animal"),
        (
            "plot: a\n- A {trait} day.",
            "line 1: this plot uses `{trait}`, but has no line `traits:`",
        ),
    ] {
        let error = Grammar::parse(&[("toy.txt", text)]).expect_err(text).to_string();
        assert!(error.starts_with(&format!("toy.txt, {message}")), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    for (text, message) in [
        ("plot: a\n- b", "line 3: there is a plot `a` already, in toy.txt, line 1"),
        ("list: c\n- d\nlist: c\n- e", "line 5: there is a list `c` already, in toy.txt, line 3"),
        (
            "list: c\n- d\nlist: c, spring\n- e",
            "line 5: there is a list `c` already, in toy.txt, line 3",
        ),
        ("list: c\nfields: n\n- d", "line 5: this row has 1 fields, the list `c` has 2; `|` parts"),
        ("list: c\nfields: n\n- d | ", "line 5: a field of this row is empty"),
        ("list: c\n- d {c2}", "line 3: the slot `{c}` is filled with itself"),
        ("list: c\n- {d}\nlist: d\n- {c}", "line 3: the slot `{c}` is filled with itself"),
        ("list: c, spring\n- d", "line 3: the list `c` has no rows for summer"),
        ("plot: b\n- {c} {c2}\nlist: c\n- d", "line 3: the list `c` has 1 rows, too few for 2"),
        ("plot: b\n- {c.x}\nlist: c\n- d", "line 4: the list `c` has no field `x`"),
        ("list: animals\n- fox", "line 3: the list `animals` needs the line `fields: home | hand`"),
        ("list: c, spring\n- d\nlist: c, summer\nfields: n\n- d | e", "line 5: the list `c` has "),
    ] {
        let whole = format!("{plot}{text}");
        let error = Grammar::parse(&[("toy.txt", &whole)]).expect_err(text).to_string();
        assert!(error.starts_with(&format!("toy.txt, {message}")), "{error}");
    }
    let they = CAST.replace("Papa | he", "Papa | they");
    let error = Grammar::parse(&[("a.txt", plot), ("b.txt", &they)]).expect_err("they");
    assert_eq!(
        error.to_string(),
        "b.txt, line 17: the field `pronoun` of an elder is `he` or `she`"
    );
}
