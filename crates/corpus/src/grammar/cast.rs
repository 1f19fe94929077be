//! Who the story is about: hero, friend, an elder of the family.

use super::rng::Rng;

/// Somebody with a name and a pronoun.
#[derive(Clone, Debug)]
pub(super) struct Character {
    pub(super) name: &'static str,
    pub(super) female: bool,
    /// `girl`, `boy`, or the animal.
    pub(super) kind: &'static str,
    /// Template of the home, to follow `lived in`.
    pub(super) home: &'static str,
    /// What the character holds things with.
    pub(super) hand: &'static str,
}

impl Character {
    pub(super) fn is_animal(&self) -> bool {
        self.hand != "hand"
    }

    /// A form of the pronoun, asked for by its masculine.
    pub(super) fn pronoun(&self, form: &str) -> Option<&'static str> {
        Some(match (form, self.female) {
            ("he", false) => "he",
            ("he", true) => "she",
            ("him", false) => "him",
            ("him", true) => "her",
            ("his", false) => "his",
            ("his", true) => "her",
            ("himself", false) => "himself",
            ("himself", true) => "herself",
            _ => return None,
        })
    }

    /// A child, or an animal that talks; never one that is called like `not`.
    pub(super) fn draw(rng: &mut Rng, animal: bool, not: &str) -> Self {
        loop {
            let female = rng.below(2) == 0;
            let (kind, home, hand) = match (animal, female) {
                (true, _) => *rng.pick(ANIMALS),
                (false, true) => ("girl", *rng.pick(HOUSES), "hand"),
                (false, false) => ("boy", *rng.pick(HOUSES), "hand"),
            };
            let names = match (animal, female) {
                (true, _) => ANIMAL_NAMES,
                (false, true) => GIRLS,
                (false, false) => BOYS,
            };
            let name = *rng.pick(names);
            if name != not {
                return Self { name, female, kind, home, hand };
            }
        }
    }

    /// An elder of the family, called by that.
    pub(super) fn elder(rng: &mut Rng) -> Self {
        let &(name, female) = rng.pick(ELDERS);
        Self { name, female, kind: "", home: "", hand: "hand" }
    }
}

/// Every name that a story may use (elders apart).
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GIRLS.iter().chain(BOYS).chain(ANIMAL_NAMES).copied()
}

const GIRLS: &[&str] = &[
    "Ada", "Alma", "Amina", "Clara", "Dora", "Edith", "Elsie", "Frida", "Greta", "Hanna", "Ivy",
    "Juno", "Leila", "Lotte", "Maya", "Mila", "Nora", "Olive", "Pearl", "Sanna", "Tilda", "Vera",
    "Yuki", "Zoe",
];

const BOYS: &[&str] = &[
    "Anton", "Arlo", "Bruno", "Caleb", "Emil", "Felix", "Finn", "Henry", "Hugo", "Ivan", "Jonah",
    "Kofi", "Leo", "Milo", "Noel", "Oskar", "Otto", "Pavel", "Ravi", "Sami", "Tariq", "Theo",
    "Walter", "Yusuf",
];

const ANIMAL_NAMES: &[&str] = &[
    "Acorn", "Barley", "Biscuit", "Bramble", "Clover", "Cricket", "Dumpling", "Fern", "Ginger",
    "Hazel", "Juniper", "Maple", "Marigold", "Nutmeg", "Pebble", "Pepper", "Pip", "Poppy", "Rusty",
    "Sorrel", "Tansy", "Thistle", "Toffee", "Tuft", "Twig", "Willow",
];

const ELDERS: &[(&str, bool)] = &[
    ("Mama", true),
    ("Papa", false),
    ("Grandma", true),
    ("Grandpa", false),
    ("Aunt Bea", true),
    ("Aunt Marta", true),
    ("Uncle Karl", false),
    ("Uncle Sol", false),
];

const HOUSES: &[&str] = &[
    "a [small|narrow|yellow|crooked|white] house [by the sea|at the edge of the village|near the forest]",
    "a [stone|wooden|little blue] cottage [beside the mill|on a green hill|at the end of a long lane]",
    "a lighthouse where the gulls cried all day",
    "a boathouse by the [wide|slow] river",
    "an old windmill [above the fields|outside the town]",
    "a flat above the [bakery|toy shop|post office]",
    "a farmhouse with [a red roof|seven windows|a squeaky gate]",
    "a [tall|thin] brick house next to the [school|library|railway station]",
];

const ANIMALS: &[(&str, &str, &str)] = &[
    ("fox", "a den under a [hollow|fallen] oak", "paw"),
    ("rabbit", "a burrow beneath the [blackberry|thorn] hedge", "paw"),
    ("hedgehog", "a nest of dry leaves behind the barn", "paw"),
    ("mouse", "a tiny hole [behind the stove|under the barn floor]", "paw"),
    ("squirrel", "a nest high in a [chestnut|beech] tree", "paw"),
    ("bear cub", "a warm cave [above the valley|behind the waterfall]", "paw"),
    ("duckling", "a nest of reeds [beside the pond|near the mill]", "wing"),
    ("frog", "a mossy hollow close to the pond", "foot"),
    ("otter", "a snug home in the riverbank", "paw"),
    ("mole", "a tidy tunnel below the meadow", "paw"),
    ("badger", "a deep old burrow under the hill", "paw"),
    ("beaver", "a lodge of sticks in the slow river", "paw"),
    ("kitten", "a basket beside the kitchen stove", "paw"),
    ("puppy", "a green kennel [in the yard|under the apple tree]", "paw"),
    ("lamb", "a pen next to the farmhouse", "hoof"),
    ("owl", "a hole in the [church|clock] tower", "wing"),
    ("sparrow", "a nest under the [school|station] roof", "wing"),
    ("tortoise", "a sunny corner of the walled garden", "foot"),
    ("goat", "a stable on the mountain", "hoof"),
    ("donkey", "a stable at the edge of the village", "hoof"),
    ("raccoon", "an empty barrel behind the inn", "paw"),
    ("pony", "a stable that smelled of hay", "hoof"),
];
