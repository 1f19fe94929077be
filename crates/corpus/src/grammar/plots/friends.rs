//! Helpers, newcomers, races and quarrels.

use super::{BREAK, GOOD_NIGHT, INTRO, NOT_WINTER, Plot, SKY};

pub(super) const SMALL_RESCUE: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["kind", "gentle", "helpful", "thoughtful", "quiet", "patient"],
    beats: &[
        INTRO,
        &[
            "{Day}, {h} was on the way to {place} when {he} heard a faint [{cry} sound|{cry} noise].",
            "{Day}, while {he} was {job.ing}, {he} heard something {cry} nearby.",
        ],
        &[
            "It was a* {small}, {small.stuck}. \"Help me,\" it [begged|pleaded] in a thin voice.",
            "{He} looked around and saw a* {small}, {small.stuck}. \"Please, please help,\" it said.",
        ],
        &[
            "\"Do not be afraid,\" said {h}. \"I will be very careful.\"",
            "\"Poor little {small.n}!\" {h} [cried|whispered]. \"Hold still.\"",
        ],
        BREAK,
        &[
            "{He} looked at it from the left, and {he} looked at it from the right. Then {he} sat down and thought.",
            "{He} called for {f}, but {f} was far away. {He} had to do it alone.",
            "It looked difficult, and it was getting late. {E} was waiting with dinner. But {h} could not just walk away.",
        ],
        &[
            "In the end {he} {small.free}, and the {small.n} was free.",
            "Slowly and gently {he} {small.free}. At last it worked!",
        ],
        &[
            "\"I will not forget this,\" said the {small.n}. {h} smiled, for what could such a little creature do?",
            "\"[One day I will pay you back|I am small, but I remember],\" it promised and was gone.",
            "\"Thank you, giant!\" said the {small.n}. Nobody had ever called {h} a giant before.",
        ],
        BREAK,
        &[
            "But it kept its word. All that {season}, it came back to see {him}, and one day it {small.back}.",
            "Some weeks later, when {h} least expected it, the {small.n} {small.back}.",
            "And indeed, before the {season} was over, the {small.n} {small.back}.",
        ],
        &[
            "\"How did you do that?\" {f} asked in amazement. \"I have a friend,\" {h} said proudly.",
            "Now it was {h} who said thank you.",
            "",
        ],
        &[
            "No kindness is too small, and no friend is, either.",
            "Help comes back, often from where you never looked for it.",
            "{h} felt {feel}.",
        ],
    ],
};

pub(super) const NEWCOMER: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["friendly", "cheerful", "curious", "talkative", "lonely", "merry"],
    beats: &[
        INTRO,
        &[
            "{Day}, a cart full of furniture rolled past, and on top of it sat {f.name}, a* {f.kind} with a serious face.",
            "{Day}, somebody new came to the village. It was a* {f.kind} named {f.name}, who had come from across the [sea|mountains].",
        ],
        SKY,
        &[
            "{F} did not say a word. When the others played [tag|leapfrog|hide-and-seek], {f.he} stood by the wall and looked at the ground.",
            "At first {f} kept away from everybody and ate {f.his} lunch alone under a tree.",
        ],
        &[
            "\"How stuck-up,\" the others [said|muttered]. But {h} was not so sure.",
            "\"Leave {f.him} alone,\" somebody said. \"{F} is odd.\" {h} did not think so.",
        ],
        BREAK,
        &[
            "{h} went over and said hello. {F} turned red and ran away. The next day {h} tried again, with a* {treat}. {F} only shook {f.his} head.",
            "{h} told {f.him} a joke. {F} did not laugh. {h} stood on {his} head. {F} looked at the clouds.",
        ],
        &[
            "\"Maybe {f.he} is just shy,\" {e} suggested. \"Do not ask {f.him} to come to you. Sit down and do something nice nearby.\"",
            "\"What did you like when you felt strange?\" asked {e}. {h} thought of it for a long time.",
        ],
        &[
            "So {h} sat down under the tree with {his} {toy} and played all by {himself}. Slowly {f} came closer, first one step, then another.",
            "So {h} drew a hopscotch in the dust and left a stone beside it. When {he} looked again, {f} was hopping.",
            "So {h} began to whistle a tune. After a while somebody hummed the second part. It was {f}!",
        ],
        BREAK,
        &[
            "\"I have one like that at home,\" {f} said. \"I mean, where home was.\" And then {f.he} could not stop talking.",
            "\"In my country we do it this way,\" said {f} and showed {him}. It was [clever|marvelous], and {h} wanted to learn it at once.",
        ],
        &[
            "Soon the others came too, and {f} taught them a [song|dance|game] that none of them had ever [heard|known].",
            "By evening they knew each other's favorite [color|number|soup] and had a secret [sign|handshake|password].",
        ],
        &[
            "Now there are two at the wall, and it has become the best place in the village.",
            "A stranger is a friend who has not told you {f.his} name yet.",
            "\"I was afraid that nobody wanted me,\" {f} told {him} much later. \"And I was afraid that you did not like me,\" said {h}, and they both laughed.",
        ],
    ],
};

pub(super) const RACE: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["quick", "nimble", "ambitious", "swift", "proud", "sporty"],
    beats: &[
        INTRO,
        &[
            "Every year there was a great race from {place} to the [lighthouse|village oak|stone cross], and the winner got a* {treat}.",
            "{Day}, a poster hung on the gate: \"Big [sack|egg-and-spoon|running|cart] race! First prize: one {toy}.\"",
        ],
        &[
            "\"This time I will win,\" {h} [declared|announced]. \"Not if I am faster,\" laughed {f}.",
            "{h} practiced every morning, up the hill and down again. {F} practiced, too.",
        ],
        SKY,
        BREAK,
        &[
            "\"Ready, steady, go!\" {e} [shouted|called] and dropped a handkerchief. Off they went in a cloud of dust.",
            "A trumpet sounded, and they were off. All the people clapped and cheered.",
        ],
        &[
            "{h} took the lead. {He} flew past the well, past the baker, past the [startled geese|barking dogs].",
            "At the first bend {f} was ahead. At the second bend {h} had caught up. Then {h} was in front, all alone.",
        ],
        &[
            "Then {he} heard a cry. {F} had [slipped|stumbled] on the wet stones and was holding {f.his} ankle.",
            "Behind {him} there was a splash. {F} had fallen into the [ditch|brook]!",
        ],
        &[
            "{h} could see the finish already. It was [so close|only thirty steps away]. {He} looked ahead, and {he} looked back.",
            "\"Keep going!\" someone yelled. For one moment {h} did not know what to do.",
        ],
        BREAK,
        &[
            "Then {he} turned around. \"Put your weight on me,\" {he} said, and the two of them limped on together.",
            "\"A prize is only a prize,\" {h} thought, and {he} ran back to pull {f} up.",
        ],
        &[
            "[A tortoise|Somebody's grandmother|A very small pig] won the race that year. {h} and {f} came last, side by side, and the crowd cheered louder than for anyone else.",
            "They crossed the line at exactly the same time, long after all the others. \"Third prize for courage!\" cried {e}, and gave each of them half a [ribbon|bun].",
        ],
        &[
            "\"You would have won,\" {f} said quietly. \"I did win,\" {h} answered. \"[I have still got you|You are still my friend].\"",
            "\"Next year we will run as a team,\" said {f}, and so they did.",
            "Nobody remembers who was first. But everyone remembers the two who came last.",
        ],
    ],
};

pub(super) const QUARREL: Plot = Plot {
    seasons: NOT_WINTER,
    traits: &["stubborn", "lively", "clever", "hot-headed", "bold", "loyal"],
    beats: &[
        INTRO,
        &[
            "{His} best friend was {f.name}, and they did everything together.",
            "{He} and {f.name} had been friends for as long as either of them could remember.",
        ],
        &[
            "{Day}, they found a* {toy} in {place2}. \"I saw it first!\" {h} [shouted|cried]. \"But I picked it up!\" [yelled|cried] {f}.",
            "{Day}, they were building a [dam|raft|hut of branches]. \"The roof must be flat,\" said {h}. \"No, it must be [pointed|round],\" said {f}.",
            "{Day}, they could not agree on what to play. \"Pirates,\" said {h}. \"[Circus|Doctors|Explorers],\" said {f}.",
        ],
        &[
            "One word led to another, and the last word was \"[Blockhead|Nitwit|Potato]!\" Then each of them stamped off in a different direction.",
            "They pulled and pushed until both of them sat in the mud. \"I will never speak to you again!\" {f} [said|snapped]. \"Good!\" said {h}.",
        ],
        BREAK,
        &[
            "{h} played alone, but it was [dull|boring]. It took two to [be pirates|seesaw|play catch|build anything].",
            "At home {h} slammed the door and waited to feel better. {He} did not feel better.",
        ],
        SKY,
        &[
            "\"Where is {f} today?\" {e} asked. \"I do not care,\" {h} muttered. But {he} had set two cups on the table.",
            "\"What was it about?\" {e} wanted to know. {h} opened {his} mouth and shut it again. {He} could not remember exactly.",
        ],
        BREAK,
        &[
            "After supper {he} put on {his} boots. \"I am going to say sorry,\" {he} told {e}, \"before it gets [dark|too late].\"",
            "\"Somebody has to go first,\" said {e}. {h} sighed, took a deep breath, and went.",
        ],
        &[
            "Halfway, at the [crossroads|stile|pump], {he} bumped into somebody. It was {f}, who was on the way to {him}!",
            "{He} had hardly knocked when the door flew open. There stood {f} with {f.his} coat on. \"I was just coming to you,\" {f.he} said.",
        ],
        &[
            "\"I am sorry,\" both of them said at the same time, and then they had to [laugh|grin].",
            "\"You were right,\" said {h}. \"No, you were,\" said {f}, and they almost began to quarrel again.",
        ],
        &[
            "They made peace and shared a [bun|pear|ginger cookie], half and half to the last crumb.",
            "From then on they took turns: one day it went {h}'s way and the next day {f}'s.",
            "A good friendship is like a good pot. It can boil over, and it is still a good pot.",
        ],
        GOOD_NIGHT,
    ],
};
