//! Things lost, places strange, wishes that come true.

use super::{ANY, BREAK, GOOD_NIGHT, INTRO, NOT_WINTER, Plot, SKY};

pub(super) const LOST_TOY: Plot = Plot {
    seasons: ANY,
    traits: &["merry", "forgetful", "lively", "young", "dreamy", "busy", "little"],
    beats: &[
        INTRO,
        &[
            "{His} favorite thing in the world was a* {toy} that {e} had [given {him}|found at the market|bought at the fair].",
            "More than anything, {he} loved {his} {toy}.",
            "Wherever {he} went, {he} took {his} {toy} along.",
            "{He} owned a* {toy}, and {he} would not have traded it for a palace.",
        ],
        BREAK,
        &[
            "{Day}, the {toy.n} was gone.",
            "But {day}, {he} could not find the {toy.n} anywhere.",
            "{Day}, {he} reached for the {toy.n}, and {his} {h.hand} found nothing.",
        ],
        SKY,
        &[
            "{h} looked {look}. {He} looked {look2}. [Nothing at all!|It was not there either.|All {he} found was dust.]",
            "First {he} searched {look}, then {look2}, and at last {look3}. [It was no use.|The {toy.n} had vanished.]",
        ],
        &[
            "\"[Have you seen|Did you see] my {toy.n}?\" {h} asked {f}. \"No,\" {f} [said|answered], \"but [I will help you look|four eyes see more than two|we can search together].\"",
            "{F} saw {his} sad face. \"[What is the matter|What happened]?\" {f} asked. \"I lost my {toy.n},\" {h} [sighed|whispered|sobbed]. \"Then let us find it,\" said {f}.",
        ],
        &[
            "They hunted {place.in} until [their feet were sore|the shadows grew long|the church bell rang six].",
            "Side by side they [searched|walked] {place.in}, calling for the {toy.n} as if it had ears.",
        ],
        BREAK,
        &[
            "Suddenly {f} noticed something {hide}. \"{h}, come quickly!\" {f.he} [called|shouted].",
            "Then {h} stumbled, fell, and looked straight at a spot {hide}. \"There!\" {he} [cried|gasped].",
        ],
        &[
            "There lay the {toy.n}, [a little dusty|rather wet|safe and sound]. A* {thief} had carried it off {thief.why}.",
            "It was the {toy.n}! A* {thief} had taken it there {thief.why}.",
        ],
        &[
            "{h} hugged {f} so hard that both of them [fell over|could hardly breathe]. \"Thank you!\" {he} said. \"[Without you I would have given up|You are the best finder in the land].\"",
            "They laughed until their [bellies hurt|eyes watered], and {f} was allowed to keep the {toy.n} for the rest of the day.",
        ],
        &[
            "After that, {h} always put the {toy.n} [back on its shelf|away in its box] at night.",
            "A friend who helps you look is worth more than anything you can lose.",
            "And what do you think? The very next week {f} lost a mitten, and {h} was the first to help.",
        ],
    ],
};

pub(super) const LOST_IN_THE_WOOD: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["curious", "adventurous", "daring", "restless", "cheerful"],
    beats: &[
        INTRO,
        &[
            "\"Stay on the path,\" {e} [always said|told {him} every morning], and most of the time {he} did.",
            "{He} had promised {e} never to leave the path in the wood.",
        ],
        &[
            "{Day}, {h} followed a* [blue|copper|snow-white] butterfly, over a stream, around a rock, and down into a valley {he} did not know.",
            "{Day}, {h} went to gather [mushrooms|pine cones|hazelnuts|wildflowers], and each one {he} saw was a little farther away than the last.",
            "{Day}, {h} ran after an echo. \"Hello!\" {he} called, and \"Hello!\" it called, farther and farther off.",
        ],
        SKY,
        BREAK,
        &[
            "When {he} looked up, the path had disappeared. All the trees [looked alike|seemed to be strangers].",
            "Then {he} stopped. Where was the path? On every side there was nothing but [bark and shadow|ferns and silence].",
        ],
        &[
            "{h} tried going left and came to a [swamp|wall of nettles]. {He} tried going right and came back to where {he} had begun.",
            "{He} climbed a stump to look around, but the stump was too low. {He} shouted, but only [a woodpecker|a jay] answered.",
        ],
        &[
            "{He} wanted to cry. \"No,\" {he} told {himself}. \"First I will think, and then I will cry.\"",
            "{His} heart [thumped|beat] like a drum. \"Sit down and think,\" {he} [murmured|whispered]. That was what {e} would have said.",
        ],
        BREAK,
        &[
            "So {he} listened. Far away there was the sound of water. \"Our stream runs past [the mill|home],\" {h} remembered, and {he} followed it, bend after bend.",
            "It was getting dark, and one bright star came out above the trees. \"That star stands over our chimney every evening,\" said {h}, and {he} walked toward it.",
            "Then {he} saw {his} own footprints in the soft ground. One by one, {he} followed them back the way {he} had come.",
            "A wise old [toad|raven|deer] was watching {him}. \"Moss grows on the north side,\" it said. \"And home is to the south.\" {h} thanked it and looked closely at every trunk.",
        ],
        &[
            "At last {he} saw a [light|lantern] swinging between the trees. It was {e}! \"I am here!\" {h} [cried|called] and ran.",
            "Soon the trees grew thinner, and there stood {e}, calling {his} name. {h} had never heard a sweeter sound.",
        ],
        &[
            "{E} did not scold. {E} only held {him} tight and said, \"[You kept your head, and your head brought you home|A good thinker is never lost for long].\"",
            "\"I left the path,\" {h} said in a small voice. \"But you found it again,\" {e} answered and wiped {his} muddy nose.",
        ],
        GOOD_NIGHT,
    ],
};

pub(super) const STRANGE_SOUND: Plot = Plot {
    seasons: ANY,
    traits: &["curious", "clever", "sleepless", "careful", "fearless"],
    beats: &[
        INTRO,
        &[
            "Long before breakfast, {h} woke up. Something went [tap, tap, tap|scritch, scratch|clink, clank|thump, bump] [in the attic|below the floor|outside the window].",
            "One night {he} heard a noise. It went [tap, tap, tap|scritch, scratch|clink, clank|thump, bump], then it was quiet, and then it began again.",
        ],
        &[
            "\"It must be a [ghost|dragon]!\" [said|whispered] {f}, who was staying for the night.",
            "\"Perhaps it is a burglar,\" {f} [whispered|breathed] from the other bed.",
        ],
        &[
            "\"Whoever it is knocks very politely,\" {h} [answered|replied]. \"Let us go and see.\"",
            "{h} swallowed hard. \"If we do not look, we will never know,\" {he} said and [lit a candle|took the lamp].",
        ],
        BREAK,
        &[
            "They tiptoed down the hall. The boards [groaned|creaked]. A shadow jumped, but it was only [a coat on a hook|a broom].",
            "Step by step they crept closer. First they looked {nook}, but there was only a [moth|sock]. Then they looked {nook2}.",
        ],
        &[
            "The noise grew [louder|clearer]. {F} held on to {h}'s {h.hand}.",
            "\"Stop,\" {f} [hissed|whispered]. \"It is right in front of us!\"",
        ],
        &[
            "{h} lifted the lamp, and two round eyes blinked back. It was a baby [owl|badger|goat] with its head stuck in a jam jar!",
            "There, in the moonlight, sat an old woodpecker, hammering at the weathercock. \"I ordered a beetle an hour ago,\" it grumbled.",
            "It was a loose shutter, swinging in the wind, and on it sat a tiny dormouse who was having the ride of its life.",
            "And there stood {e} in a nightgown, trying to crack walnuts as quietly as possible. \"I was hungry,\" {e} admitted and turned red.",
            "It was nothing but a lost balloon, knocking against the wall with its wooden tag. \"Please write to me,\" said the tag, \"I am lonely.\"",
        ],
        &[
            "They laughed so loudly that the whole house woke up.",
            "\"And we were afraid of that!\" said {f}, and both of them giggled until they had to sit down.",
            "{h} let out a long breath. Being afraid together was not so bad at all.",
        ],
        &[
            "Then everyone had warm milk [with cinnamon|and toast] in the kitchen, although it was the middle of the night.",
            "They put things right, said good night, and crawled back under the covers.",
        ],
        &[
            "Ever after, when something rattled in the dark, {h} said, \"[Let us go and see|I wonder who it is this time].\"",
            "Most monsters become small when you hold a light up to them.",
            "The next day they wrote it all down, so that nobody would ever forget it.",
        ],
    ],
};

pub(super) const MAGIC_WISH: Plot = Plot {
    seasons: ANY,
    traits: &["poor", "hopeful", "greedy", "dreamy", "hungry", "bored"],
    beats: &[
        INTRO,
        &[
            "{Day}, {he} found a* [dented|dusty] [teapot|lamp|copper kettle] {hide}. {He} rubbed it clean, and out came a* [tiny|yawning|bright green] [genie|fairy].",
            "{Day}, {he} fished a golden [carp|trout] out of the [river|lake]. \"Let me go,\" it begged, \"and I will grant your wishes.\"",
            "{Day}, {he} shared {his} last crust with a beggar woman. The beggar threw off her rags, and there stood a* [smiling|silver-haired] witch.",
        ],
        &[
            "\"Three wishes,\" said the strange creature, \"and not one more.\"",
            "\"Wish wisely,\" {he} was told. \"You have three wishes, and they cannot be taken back.\"",
        ],
        BREAK,
        &[
            "{h} did not think for long. \"I wish for a mountain of {treat.n}!\" {he} [cried|shouted]. At once there was so much of {treat.it} that {he} could not open the door.",
            "\"I wish to be as [big|tall] as a tree!\" said {h}. In a blink {he} was, but no bed, no chair and no [hat|door] would fit {him} any more.",
            "\"I wish that everything I touch turns to gold!\" {h} said. Then {his} pillow grew hard, and even {his} supper went clink.",
            "\"I wish I could fly!\" {h} said, and up {he} went. But {he} had forgotten to ask how to come down again, and the clouds were wet and cold.",
        ],
        &[
            "\"[Oh dear|Oh no],\" {h} [moaned|groaned]. {F} came running, looked, and could not say a word.",
            "It was fun for as long as it takes to sneeze. \"What have you done?\" asked {f} and stared at {him}.",
        ],
        &[
            "\"I wish it were all gone!\" {h} [shouted|wailed], and that was the second wish. Everything was as before.",
            "So the second wish had to be used to undo the first one. Whoosh! Everything was as it had been.",
        ],
        BREAK,
        &[
            "Only one wish was left. This time {h} thought for [an hour|a whole day|a week]. Then {he} smiled and said, \"I wish that {f} would [come to tea|always be my friend].\"",
            "For the last wish {h} asked {e} what to do. \"What do you need most?\" said {e}. {h} looked around. \"Nothing,\" {he} said in surprise. \"Then give it away,\" said {e}. So {h} gave it to {f}, who wished for a [red wagon|garden full of tulips|new roof].",
            "With the third wish, {h} wished a good [harvest|year] for the whole village, and the bells began to ring by themselves.",
        ],
        &[
            "And that was the best wish of all.",
            "It is easy to wish for much and hard to wish for enough.",
            "{h} never [missed|needed] magic again.",
            "The magic was used up, but the joy stayed.",
        ],
    ],
};

pub(super) const SNOWMAN: Plot = Plot {
    seasons: &[3],
    traits: &["cheerful", "eager", "jolly", "stubborn", "tiny", "bright"],
    beats: &[
        INTRO,
        &["{Day}, {he} looked out and shouted for joy. Everything was white!"],
        SKY,
        &[
            "\"Today,\" {he} told {f}, \"we will build the [biggest|finest|funniest] snowman in the world.\"",
            "{He} ran to fetch {f}. \"Help me build a snowman!\" {he} [called|begged].",
        ],
        BREAK,
        &[
            "They rolled one ball, then another, until their noses tingled with cold.",
            "They pushed and rolled, puffed and panted. The first ball [broke in half|rolled down the hill without them]. Patiently, they began again.",
        ],
        &[
            "But there was a problem. The snowman had no [nose|face], for every carrot was already in the soup.",
            "But the head would not stay on. It slid off [once, twice, three times|again and again].",
        ],
        &[
            "They tried an icicle, but it [dropped off|melted]. They tried a twig, but it looked [silly|cross].",
            "\"Let us ask {e},\" said {f}. {E} only winked and pointed to the [cellar|shed].",
        ],
        &[
            "Then {h} had an idea. {He} ran inside and came back with a* [old trumpet|ice skate|wooden spoon|purple turnip], and it was just what they needed.",
            "At last {f} brought a* [orange pepper|empty bottle|crooked candle] and a bit of [rope|wool]. It worked!",
        ],
        BREAK,
        &[
            "The snowman stood there with coal eyes and {e}'s oldest hat, and he almost seemed to [grin|bow].",
            "It was a fine snowman. Even the [crows|dogs] stopped to look at him.",
        ],
        &[
            "In the night it grew colder still. {h} worried, crept out, and gave the snowman {his} own scarf.",
            "\"Will he be lonely?\" {f} asked. So they built him a [wife|dog|snow cat], and then he was not.",
            "They danced around him and sang until the moon came up.",
        ],
        &[
            "When the thaw came, only the hat was left. \"He has gone to the sea,\" said {e}. \"Next winter he will be back.\"",
            "{h} waved to him every morning, until the spring came and took him away.",
            "And when the wind blew, it looked as if he waved.",
        ],
    ],
};
