//! Words for people and animals, as little stories have them.

/// What a word or a name says of the one that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gender {
    /// He.
    Male,
    /// She.
    Female,
    /// Either: animals are he, she or it as a story likes.
    Open,
}

const MALE: [&str; 30] = [
    "boy",
    "boys",
    "man",
    "men",
    "dad",
    "daddy",
    "father",
    "papa",
    "brother",
    "son",
    "grandpa",
    "grandfather",
    "grandson",
    "uncle",
    "king",
    "prince",
    "mr",
    "sir",
    "husband",
    "policeman",
    "fireman",
    "farmer",
    "wizard",
    "santa",
    "guy",
    "nephew",
    "knight",
    "pirate",
    "dads",
    "brothers",
];

const FEMALE: [&str; 30] = [
    "girl",
    "girls",
    "woman",
    "women",
    "mom",
    "mommy",
    "mother",
    "mama",
    "mum",
    "mummy",
    "sister",
    "daughter",
    "grandma",
    "grandmother",
    "granddaughter",
    "granny",
    "nana",
    "aunt",
    "auntie",
    "queen",
    "princess",
    "mrs",
    "ms",
    "miss",
    "lady",
    "wife",
    "witch",
    "fairy",
    "niece",
    "sisters",
];

const OPEN: [&str; 96] = [
    "friend",
    "friends",
    "child",
    "children",
    "kid",
    "kids",
    "baby",
    "babies",
    "teacher",
    "doctor",
    "nurse",
    "neighbor",
    "neighbour",
    "parents",
    "parent",
    "people",
    "person",
    "family",
    "animal",
    "animals",
    "dog",
    "puppy",
    "cat",
    "kitten",
    "kitty",
    "bird",
    "birds",
    "bear",
    "bunny",
    "rabbit",
    "mouse",
    "mice",
    "fish",
    "frog",
    "duck",
    "duckling",
    "pig",
    "cow",
    "horse",
    "pony",
    "sheep",
    "lamb",
    "goat",
    "hen",
    "chicken",
    "chick",
    "rooster",
    "fox",
    "wolf",
    "lion",
    "tiger",
    "elephant",
    "monkey",
    "giraffe",
    "zebra",
    "hippo",
    "crocodile",
    "snake",
    "turtle",
    "tortoise",
    "squirrel",
    "hedgehog",
    "owl",
    "eagle",
    "crow",
    "parrot",
    "penguin",
    "swan",
    "goose",
    "bee",
    "butterfly",
    "ant",
    "spider",
    "worm",
    "snail",
    "bug",
    "ladybug",
    "caterpillar",
    "whale",
    "dolphin",
    "shark",
    "octopus",
    "crab",
    "dinosaur",
    "dragon",
    "monster",
    "unicorn",
    "deer",
    "mole",
    "bat",
    "robot",
    "doll",
    "teddy",
    "toy",
    "clown",
    "twins",
];

const MALE_NAMES: [&str; 52] = [
    "adam", "andy", "ben", "bill", "billy", "bob", "bobby", "carl", "dan", "danny", "dave",
    "david", "fred", "george", "harry", "henry", "jack", "jake", "james", "jim", "jimmy", "joe",
    "joey", "john", "johnny", "josh", "leo", "luke", "mark", "matt", "max", "mike", "nick", "noah",
    "oliver", "oscar", "paul", "pete", "peter", "ray", "roy", "ryan", "sammy", "steve", "ted",
    "tim", "timmy", "toby", "tom", "tommy", "tony", "will",
];

const FEMALE_NAMES: [&str; 52] = [
    "abby", "alice", "amy", "anna", "anne", "bella", "beth", "betty", "chloe", "clara", "daisy",
    "ella", "ellie", "emily", "emma", "eva", "grace", "hannah", "jane", "jen", "jenny", "jill",
    "julie", "kate", "katie", "lila", "lily", "lisa", "lola", "lucy", "maria", "mary", "maya",
    "mia", "molly", "nina", "olivia", "penny", "polly", "rose", "ruby", "sally", "sara", "sarah",
    "sophie", "sue", "susie", "tina", "zara", "zoe", "mandy", "ann",
];

/// The gender of a word, in lower case, that stands for somebody.
pub(crate) fn of_noun(word: &str) -> Option<Gender> {
    let lists = [(&MALE[..], Gender::Male), (&FEMALE, Gender::Female), (&OPEN, Gender::Open)];
    find(&lists, word)
}

/// The gender of a common given name, in lower case.
pub(crate) fn of_name(word: &str) -> Option<Gender> {
    find(&[(&MALE_NAMES[..], Gender::Male), (&FEMALE_NAMES, Gender::Female)], word)
}

/// The gender of a personal pronoun, in lower case.
pub(crate) fn of_pronoun(word: &str) -> Option<Gender> {
    match word {
        "he" | "him" | "his" | "himself" | "he's" | "he'd" | "he'll" => Some(Gender::Male),
        "she" | "her" | "hers" | "herself" | "she's" | "she'd" | "she'll" => Some(Gender::Female),
        _ => None,
    }
}

fn find(lists: &[(&[&str], Gender)], word: &str) -> Option<Gender> {
    lists.iter().find(|(list, _)| list.contains(&word)).map(|&(_, gender)| gender)
}
