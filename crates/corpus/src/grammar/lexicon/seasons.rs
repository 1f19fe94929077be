//! Days and weather of the four seasons.

/// What a day is like.
pub(in super::super) struct Season {
    pub(in super::super) name: &'static str,
    /// Begins a sentence.
    pub(in super::super) day: &'static [&'static str],
    /// Whole sentences.
    pub(in super::super) sky: &'static [&'static str],
}

/// By number: spring 0, summer 1, autumn 2, winter 3.
pub(in super::super) const SEASONS: &[Season] = &[
    Season {
        name: "spring",
        day: &[
            "one [bright|mild|fresh] spring morning",
            "on a [soft|rainy|windy] day in April",
            "on the first warm day of the year",
            "one morning in May",
        ],
        sky: &[
            "The [air|wind] smelled of wet grass.",
            "Blossoms floated down like snow.",
            "A cuckoo called from the wood.",
            "Raindrops [glittered|shone] on every leaf.",
            "The swallows had just come back.",
        ],
    },
    Season {
        name: "summer",
        day: &[
            "one [hot|golden|lazy] summer day",
            "on a [sunny|cloudless] morning in July",
            "one long summer afternoon",
            "on the warmest day of August",
        ],
        sky: &[
            "The sun [blazed|shone] high above the roofs.",
            "Bees hummed in the clover.",
            "There was not a cloud in the sky.",
            "The grass was warm and full of crickets.",
            "A warm wind [rustled|played with] the leaves.",
        ],
    },
    Season {
        name: "autumn",
        day: &[
            "one [windy|misty|golden] autumn morning",
            "on a [gray|cool|foggy] day in October",
            "one afternoon when the leaves were falling",
            "on the day of the harvest fair",
        ],
        sky: &[
            "Red and yellow leaves danced through the air.",
            "Mist lay over the fields like milk.",
            "The wind [whistled|sang] in the chimneys.",
            "Geese flew south in a long line.",
            "It smelled of apples and smoke.",
        ],
    },
    Season {
        name: "winter",
        day: &[
            "one [frosty|snowy|still] winter morning",
            "on a [cold|clear|white] day in January",
            "on the shortest day of the year",
            "one morning after the first snow had fallen",
        ],
        sky: &[
            "Icicles hung from every roof.",
            "The snow [creaked|crunched] under every step.",
            "Frost had painted flowers on the windows.",
            "Soft flakes drifted down from a silver sky.",
            "The pond was frozen and shone like glass.",
        ],
    },
];
