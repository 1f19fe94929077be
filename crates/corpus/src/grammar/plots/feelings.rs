//! Fear, guilt, greed and impatience, and what became of them.

use super::{ANY, BREAK, GOOD_NIGHT, INTRO, Plot, SKY};

pub(super) const AFRAID: Plot = Plot {
    seasons: ANY,
    traits: &["timid", "shy", "gentle", "quiet", "small", "nervous"],
    beats: &[
        INTRO,
        &[
            "{He} was not afraid of spiders, and {he} was not afraid of [heights|dogs]. But {he} was terribly afraid of {fear}.",
            "There was only one thing that made {him} tremble, and that was {fear}.",
            "Nobody knew {his} secret: {he} was afraid of {fear}.",
        ],
        &["{Day}, {fear.event}.", "Then, {day}, {fear.event}."],
        &[
            "{h} hid {nook} and [covered {his} ears|shut {his} eyes].",
            "{h} began to shake. {He} ran and hid {nook}.",
        ],
        BREAK,
        &[
            "{He} tried [humming a tune|counting to ten], but that did not help. {He} tried pulling a blanket over {his} head, but that only made it worse.",
            "\"I am not scared, I am not scared,\" {he} [muttered|repeated]. But {his} knees did not believe {him}.",
        ],
        &[
            "There {e} found {him}. \"[May I tell you something|Shall I tell you a secret]?\" {e} asked softly. \"{fear.truth}.\"",
            "{E} sat down beside {him} and did not laugh at all. \"I know something about {fear},\" {e} said. \"{fear.truth}.\"",
        ],
        &[
            "\"Really?\" asked {h}, and one eye peeped out.",
            "{h} thought about that for a while. \"[Are you sure|Is that true]?\" {he} asked. \"Quite sure,\" said {e}.",
        ],
        BREAK,
        &[
            "{E} held out a hand. Together they {fear.did}.",
            "\"Come, we will do it together,\" said {e}. And so, very slowly, they {fear.did}.",
        ],
        &[
            "The first time, {h} held {his} breath. The second time, {he} giggled. The third time, {he} asked to do it again.",
            "{h} waited for something awful to happen. Nothing did. In fact, it was almost [beautiful|fun].",
        ],
        &[
            "Being brave does not mean that you are never afraid. It means that you [try anyway|take one more step].",
            "A few days later {f} was scared of {fear}, too. \"Give me your {f.hand},\" said {h}. \"I will tell you a secret.\"",
            "From that day on, {fear} was only {fear}, and nothing more.",
        ],
        GOOD_NIGHT,
    ],
};

pub(super) const BROKEN_AND_HIDDEN: Plot = Plot {
    seasons: ANY,
    traits: &["wild", "clumsy", "noisy", "quick", "lively", "careless"],
    beats: &[
        INTRO,
        &[
            "{Day}, {he} was [playing with|throwing] {his} {toy} in the kitchen, although {e} had said not to.",
            "{Day}, {he} was [racing|hopping] from room to room, faster and faster.",
        ],
        &[
            "Crash! {E}'s {vase} lay on the floor in [three|five|seven] pieces.",
            "There was a bump and a crash, and {e}'s {vase} was broken.",
        ],
        &[
            "Nobody had seen it. Quickly {h} [swept|pushed] the pieces {nook} and sat down with a book, which was upside down.",
            "{h} looked left and right. Then {he} hid the pieces {nook} and pretended to be asleep.",
        ],
        BREAK,
        &[
            "\"Have you seen my {vase.n}?\" {e} asked. \"No,\" said {h}, and the word [tasted bitter|felt like a stone] in {his} mouth.",
            "\"How strange,\" {e} said at supper. \"My {vase.n} is gone.\" \"Perhaps a* {thief} took it,\" {h} [mumbled|said] and turned red.",
        ],
        &[
            "That night {he} could not sleep. The moon looked in at the window as if it knew everything.",
            "The lie grew and grew inside {him}, until there was hardly any room for {his} pudding.",
            "{He} told {f} about it. \"You will feel better if you tell the truth,\" {f} said. \"But {e} will be angry!\" {h} whispered. \"Angry is over soon,\" said {f}. \"A lie stays.\"",
        ],
        &[
            "In the morning {h} fetched the pieces and stood in front of {e}. \"It was me,\" {he} [said|sobbed]. \"I broke it, and I lied, and I am sorry.\"",
            "At last {h} could bear it no longer. {He} ran to {e} and told {e.him} the whole story, from beginning to end.",
        ],
        BREAK,
        &[
            "{E} was silent for a moment. \"I am sad about the {vase.n},\" {e} said, \"but I am glad that you told me.\"",
            "\"I knew it,\" {e} said gently. \"I was only waiting for you. It takes [courage|strength] to say such a thing.\"",
        ],
        &[
            "Together they glued it, piece by piece. It had [cracks|a crooked edge] now, but to {h} it was [lovelier|more precious] than before.",
            "To make up for it, {h} offered to {job} for a whole week, and {he} kept {his} word.",
            "They made a [mosaic|picture] out of the pieces and hung it above the table, where it [sparkled|glowed] in the sun.",
        ],
        &[
            "And {h}'s heart was light again.",
            "Things can be mended, and so can trust, if you begin with the truth.",
            "From then on, {he} [ran and jumped|played] outside.",
        ],
    ],
};

pub(super) const SHARING: Plot = Plot {
    seasons: ANY,
    traits: &["proud", "selfish", "spoiled", "plump", "clever", "stubborn"],
    beats: &[
        INTRO,
        &[
            "{Day}, {e} gave {him} a* {treat}. \"There is enough for everyone,\" {e} said.",
            "{Day}, {he} won a* {treat} at the fair.",
            "{Day}, {he} opened the door, and there stood a* {treat} with {his} name on it.",
        ],
        SKY,
        &[
            "But {h} did not want to share. \"Mine, all mine,\" {he} said and carried {treat.it} to {place}.",
            "\"If I give some away, there will be less for me,\" {h} thought. So {he} hid {treat.it} {hide}.",
        ],
        BREAK,
        &[
            "{F} came by. \"That smells [wonderful|delicious],\" {f} said. \"May I have [a taste|a little]?\" \"No,\" said {h}.",
            "\"What have you got there?\" asked {f}. \"Nothing,\" {h} [growled|snapped] and turned away.",
        ],
        &[
            "Then a* [old peddler|tired postman|hungry traveler] came along and asked politely. \"Not a crumb,\" said {h}.",
            "Soon others came, two, three, four of them. {h} shook {his} head each time, until nobody came any more.",
        ],
        &[
            "{h} ate and ate. But the {treat.n} {treat.was} not half as good as {he} had hoped, and {his} stomach began to ache.",
            "At first the {treat.n} {treat.was} tasty. Then {h} heard the others laughing far away, and suddenly {he} was not hungry at all.",
        ],
        BREAK,
        &[
            "It was very quiet. \"What good is it,\" {he} wondered, \"if there is nobody to say 'yum' with?\"",
            "\"I have a full plate and an empty table,\" {he} [sighed|thought]. \"I got it the wrong way round.\"",
        ],
        &[
            "So {he} picked up what was left and ran after {f}. \"I was mean,\" {he} said. \"[Please take half|Come and share with me].\"",
            "{He} rang the big bell in the yard until everyone came running. \"There is a bite for each of you,\" {h} [called|announced], \"and I am sorry I was so greedy.\"",
        ],
        &[
            "{F} smiled, sat down, and pulled a [bottle of lemonade|wedge of cheese|handful of raisins] out of a bag. Now they had a real feast.",
            "They ate together [on the steps|around the stove], and the last piece was the sweetest of all.",
        ],
        &[
            "The more {he} gave away, the happier {he} became.",
            "{h} learned that a thing is [twice as good|bigger] when you cut it in two.",
            "And do you know what? The next day {f} came back with a* {treat2}, for both of them.",
        ],
    ],
};

pub(super) const WAITING_FOR_A_SEED: Plot = Plot {
    seasons: &[0],
    traits: &["impatient", "eager", "hasty", "curious", "hopeful"],
    beats: &[
        INTRO,
        &[
            "{Day}, {e} gave {him} a* [black|wrinkled|striped|round] seed, no bigger than a [flea|crumb|button].",
            "{Day}, {he} bought a* [strange|speckled] seed from a peddler for [two pennies|a blue button].",
        ],
        &[
            "\"What will it be?\" {he} asked. \"[Wait and see|Something good],\" {e} [said|answered] with a smile.",
            "\"Put it in the earth, give it water, and have patience,\" said {e}.",
        ],
        &[
            "{h} dug a hole behind the {shed}, dropped the seed in, and sat down beside it to watch.",
            "{h} planted it in a [cracked|clay] pot and watered it [three|five] times before noon.",
        ],
        SKY,
        BREAK,
        &[
            "Nothing happened. [{He} waited for an hour|{He} waited until supper|{He} waited all day]. Still nothing.",
            "One day passed, then two, then a whole week. The earth stayed bare and brown.",
        ],
        &[
            "\"Grow!\" {he} shouted at it. {He} sang to it. {He} even read it a story.",
            "{He} wanted to dig it up and look, but {f} stopped {him}. \"You would break it,\" {f} [warned|said].",
            "\"It is a lazy seed,\" {h} [grumbled|complained] to {f}. \"Maybe it is doing its work where we cannot see it,\" {f} answered.",
        ],
        &[
            "So {h} looked for something else to do. {He} helped {e} to {job}, and {he} almost forgot the seed.",
            "To pass the time, {he} and {f} built a scarecrow out of [straw and rags|sticks and an old coat].",
        ],
        BREAK,
        &[
            "Then, after a night of warm rain, there was a green tip, as thin as a thread. \"{E}! It woke up!\" {h} [cried|yelled].",
            "And one morning two small leaves looked out of the ground, folded like tiny hands. {h} did not dare to breathe.",
        ],
        &[
            "By summer it was a [sunflower|hollyhock] as high as the roof, and {h} had to lean back to see its face.",
            "By autumn it was a pumpkin so big that {h}, {f} and the cat could all sit on it.",
            "In the end it was a small apple tree. \"In three years we will bake a pie,\" said {e}, and this time {h} did not mind waiting.",
            "It turned into a vine with [peas|beans] as sweet as sugar, enough for the whole street.",
        ],
        &[
            "Good things often grow in the dark, before anybody can see them.",
            "{h} kept one of its seeds in a matchbox, for the next spring.",
            "\"You see,\" said {e}, \"you cannot pull a plant out of the ground by its hair.\"",
        ],
    ],
};
