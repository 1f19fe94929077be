//! Learning, making, giving, and days that go wrong and turn out right.

use super::{ANY, BREAK, GOOD_NIGHT, INTRO, NOT_WINTER, Plot, SKY};

pub(super) const NEW_SKILL: Plot = Plot {
    seasons: ANY,
    traits: &["eager", "determined", "young", "hopeful", "clumsy", "spirited"],
    beats: &[
        INTRO,
        &[
            "There was one thing {he} wanted to learn more than anything else: to {skill}.",
            "{E} could {skill}, and so could {f}. Only {h} could not.",
            "\"When I am big,\" {h} used to say, \"I will {skill}.\" Then {he} thought, \"Why not now?\"",
        ],
        &["{Day}, {he} tried for the first time.", "{Day}, {he} made up {his} mind and began."],
        &[
            "It did not go well: {skill.fail}.",
            "Alas, {skill.fail}. [A passing goose laughed|Somebody laughed behind the fence].",
        ],
        &[
            "{He} tried again, and again {skill.fail}.",
            "The second try was no better, and the third was [worse|a disaster].",
        ],
        BREAK,
        &[
            "\"I will never learn it!\" {h} [wailed|cried] and kicked a [bucket|turnip].",
            "{h} threw {himself} on the ground. \"It is hopeless,\" {he} [groaned|muttered].",
        ],
        &[
            "{F} had been watching. \"I needed [forty|a hundred] tries,\" {f.he} said. \"[Here is the trick|Do it like this]. {skill.tip}.\"",
            "\"May I give you some advice?\" asked {e}. \"{skill.tip}.\"",
            "{E} dried {his} tears. \"Everyone falls before they fly,\" {e} said. \"{skill.tip}.\"",
        ],
        &[
            "{h} nodded and [practiced all week|tried once more, and then ten times more|went on until supper].",
            "So {he} practiced in the morning, and {he} practiced in the evening, and a little bit in between.",
        ],
        SKY,
        BREAK,
        &[
            "And then, on [Sunday|the seventh day], it happened: {skill.done}!",
            "At last, when {he} had almost stopped hoping, {skill.done}.",
        ],
        &[
            "\"Look! Look!\" {he} [shouted|squealed]. \"I can {skill}!\"",
            "\"Bravo!\" [cheered|called] {f}, and {e} clapped until {e.his} hands were sore.",
            "{h} stood quite still, because {he} could hardly believe it.",
        ],
        &[
            "The next day a little [sister|neighbor|cousin] came and asked, \"Can you teach me?\" And {h} said, \"[Of course|With pleasure]. {skill.tip}.\"",
            "Those who keep trying are only slow, never beaten.",
            "{h} felt {feel}.",
        ],
        GOOD_NIGHT,
    ],
};

pub(super) const RAINED_OUT: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["merry", "impatient", "sunny", "lively", "cheerful", "grumpy"],
    beats: &[
        INTRO,
        &[
            "All week {he} had looked forward to the picnic at {place}. {E} had packed a* {treat}.",
            "On Saturday {he} and {f} were going to sail to the island, with a* {treat} for lunch.",
            "{He} had been promised a trip to {place} and a* {treat}, and {he} had not slept a wink.",
        ],
        &[
            "But right after breakfast a black cloud rolled over the hill. Plip, plop, and then it poured.",
            "{h} was just putting on {his} shoes when thunder rumbled and the rain came down like a curtain.",
        ],
        &[
            "\"It is not fair!\" {h} [cried|complained] and pressed {his} nose against the window.",
            "{h} scowled at the sky. \"[Stop it|Go away], you stupid rain!\" {he} shouted. The rain did not listen.",
        ],
        BREAK,
        &[
            "{F} [shrugged|grinned]. \"If we cannot go out, the fun must come in to us,\" {f} said.",
            "\"Who says that a trip has to be outside?\" asked {e}. \"This house is full of places where you have never been.\"",
        ],
        &[
            "They spread a blanket in the [attic|hallway|hayloft]. The coat stand became a palm tree, and an old rug became the sea.",
            "They turned the table upside down, and it was a ship. A bedsheet was the sail, and the broom was the mast.",
            "Out of chairs and quilts they built a cave, with a candle in a glass for the [moon|campfire].",
        ],
        &[
            "\"[Whale|Land|Storm] ahead!\" [called|roared] {f}. {h} grabbed the rudder, which was a wooden spoon, and steered.",
            "They met a [hungry crocodile|terrible pirate|polite bear], who was really {e} with a cushion, and they only got away by singing.",
        ],
        &[
            "When they were hungry, they ate the {treat.n} on the floor. [Even the crumbs were delicious|It tasted of adventure].",
            "Later {e} told a story about a* [giant|mermaid|tailor] who could not [stop sneezing|find his shadow], and they laughed until their sides hurt.",
        ],
        BREAK,
        &[
            "Nobody noticed that the rain had stopped. A rainbow stood over {place}, but {h} only said, \"Just a minute, we have not found the treasure yet.\"",
            "In the evening the clouds parted, and they splashed barefoot through every puddle in the street.",
        ],
        &[
            "\"I hope it rains tomorrow,\" {he} [murmured|said] in bed.",
            "A day is never spoiled as long as there is somebody to spend it with.",
            "It had been the best trip of all, and they had not gone anywhere.",
        ],
    ],
};

pub(super) const PRESENT: Plot = Plot {
    seasons: ANY,
    traits: &["loving", "generous", "busy", "thoughtful", "penniless", "clever"],
    beats: &[
        INTRO,
        &[
            "Tomorrow was {e}'s birthday, and {h} had no present and no money, only [two buttons|a bent nail] and a piece of string.",
            "{E} was going to be [fifty|sixty|forty] years old, and {h} wanted to give {e.him} something special.",
        ],
        &[
            "{h} sat on the steps and thought. \"What would make {e.him} happy?\" {he} asked {f}.",
            "{He} went to {f} for advice. \"What do you give to somebody who has everything?\" {he} asked.",
        ],
        &[
            "\"Something that you have made yourself,\" said {f}.",
            "\"My mother says the best things have no price,\" {f} answered.",
        ],
        BREAK,
        &[
            "First {he} tried to {present1}, but {present1.fail}.",
            "At first {he} wanted to {present1}. It took all morning, and in the end {present1.fail}.",
        ],
        &["Then {he} began to {present2}, but {present2.fail}.", ""],
        &[
            "\"[This is hopeless|I am no good at anything]!\" {h} [sighed|said] and laid {his} head on the table.",
            "The evening came, and {h} still had nothing. {He} [blinked away a tear|chewed on the string].",
        ],
        &[
            "Then {his} eye fell on {gift}, and suddenly {he} knew what to do. {He} worked by candlelight until {his} eyes would not stay open.",
            "In the corner {he} saw {gift}. \"Of course!\" {he} whispered, and {he} set to work in secret.",
        ],
        BREAK,
        &[
            "In the morning {he} stood at {e}'s bed and hid something behind {his} back. \"It is only {gift.what},\" {h} said shyly.",
            "\"Happy birthday!\" {h} called and put a crooked parcel on {e}'s plate. Inside was {gift.what}.",
        ],
        &[
            "{E} looked at it for a long time and had to blow {e.his} nose. \"Nobody ever gave me anything so [fine|beautiful],\" {e} said.",
            "{E}'s eyes began to shine. \"You made this for me?\" {e} asked and would not put it down, not even for the cake.",
        ],
        &[
            "It still has the best place in the house, right above the stove.",
            "And that was a better present than all the gold in the king's cellar.",
            "{h} felt {feel}.",
        ],
    ],
};

pub(super) const MACHINE: Plot = Plot {
    seasons: ANY,
    traits: &["inventive", "clever", "lazy", "busy", "brilliant", "dreamy"],
    beats: &[
        INTRO,
        &[
            "Every day {he} had to {job}, and every day {he} found it [dull|tiresome].",
            "\"Your turn to {job},\" {e} said each morning. {h} would rather have done a hundred other things.",
        ],
        &[
            "{Day}, {he} had an idea. \"I will build a machine that does it for me!\"",
            "{Day}, {he} drew a plan on the back of a* [envelope|flour bag]. It showed a wonderful machine.",
        ],
        &[
            "{He} gathered wheels, springs, a* [bicycle|old] bell, a* [umbrella|teapot], and [eleven|nineteen] meters of rope.",
            "{F} brought a hammer, and together they nailed, glued and screwed until nobody could see the floor.",
        ],
        BREAK,
        &[
            "{h} pulled the lever. The machine [coughed|rattled], shook itself, and threw a* [egg|boot] at the ceiling.",
            "\"Three, two, one!\" counted {f}. There was a bang, a puff of green smoke, and the cat ran up the curtain.",
        ],
        &[
            "\"A small mistake,\" {h} [said|explained]. {He} turned a screw and tried again. This time the machine went backward, out of the door and into the [pond|rosebush].",
            "They changed this and they changed that. The second time it [sprayed soup|blew bubbles|played a waltz], but it did not {job}.",
        ],
        &[
            "\"Too much rope,\" said {f}. \"Too little oil,\" said {h}. They worked until the moon rose.",
            "\"Why does it always do the wrong thing?\" {h} [asked|wondered]. \"Because we never asked it nicely,\" {f} [joked|giggled].",
        ],
        BREAK,
        &[
            "At last it ran like a clock. There was only one trouble: it took three people to wind it up, and they needed two hours.",
            "In the end it really worked, once, for half a minute. Then the last spring flew out of the window and was never seen again.",
        ],
        &[
            "{E} looked at it and laughed. \"While you were building that, I finished {job.ing},\" {e} said. \"But can it also [toast bread|tickle feet|rock a cradle]?\" It could.",
            "So {h} had to {job} after all. But {he} did it with a smile, because {his} head was full of new plans.",
        ],
        &[
            "An inventor is someone who fails with [a good mood|joy], and then begins again.",
            "\"Tomorrow,\" {h} said, yawning, \"we will build one that flies.\"",
            "The bell of the machine hangs over the door now, and it rings whenever a friend comes in.",
        ],
    ],
};

pub(super) const SWAPS: Plot = Plot {
    seasons: ANY,
    traits: &["trusting", "cheerful", "simple", "friendly", "carefree", "good-natured"],
    beats: &[
        INTRO,
        &[
            "{Day}, {e} gave {him} a* {toy} to sell at the market. \"Bring home something useful,\" {e} said.",
            "{Day}, {he} set out for the market with a* {toy} under {his} arm. \"I will trade it for something better,\" {he} told {e}.",
        ],
        SKY,
        &[
            "At the first corner {he} met a [shepherd|miller] who was crying. \"My little daughter has lost her {toy.n}.\" {h} felt sorry for him and gave him the {toy.n}. In return {he} got a* {treat}.",
            "On the way {he} met a [sailor|fiddler]. \"What a fine {toy.n}!\" said the man. \"I will give you a* {treat} for it.\" And so the trade was made.",
        ],
        BREAK,
        &[
            "A little later {he} met {f}, who had not eaten since yesterday. \"Take the {treat.n},\" said {h}. {F} did, and gave {him} a* {toy2} for {treat.it}.",
            "Near {place} sat a hungry family with six thin children. {h} gave them the {treat.n}. All they had to offer was a* {toy2}.",
        ],
        &[
            "Then an old woman came along, shivering. \"I could sell that {toy2.n} for firewood,\" she sighed. {h} gave it to her, and she pressed a single bean into {his} {h.hand}.",
            "But at the bridge the {toy2.n} slipped and fell into the river. A boatman fished it out and kept it, and he left {h} an old bucket without a bottom.",
        ],
        BREAK,
        &[
            "\"What did you bring?\" asked {e} at the gate. {h} told {e.him} everything, and with each word {his} voice grew smaller.",
            "{h} came home with hardly anything. \"Are you angry?\" {he} asked when {he} had told {his} story.",
        ],
        &[
            "{E} scratched {e.his} head. \"So you made three people happy with one {toy.n},\" {e} said. \"I call that a good bargain.\"",
            "{E} began to laugh. \"One {toy.n} turned into a supper, a smile and a story,\" {e} said. \"That is not bad for one morning.\"",
        ],
        &[
            "And the next day all the people {he} had met stood at the door with [flour|eggs], [plums|wood] and [wool|candles], and there was a party.",
            "They hung up what was left above the door, and it has brought good luck to the house ever since.",
            "You can count what you have, or you can count whom you have helped.",
        ],
        GOOD_NIGHT,
    ],
};
