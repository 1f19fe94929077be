//! Where a story goes: onto an empty page, or along a text that is there already.

/// Takes what templates give, piece by piece. Spaces are joined and dropped at the ends, `¶` parts
/// paragraphs with an empty line, and `a*` becomes the article that fits the word after it.
pub(super) trait Pen {
    /// Whether the story may go on like this.
    fn write(&mut self, text: &str) -> bool;

    /// The next letter is a capital.
    fn capital(&mut self);
}

/// What is between the last letter and the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    Nothing,
    Space,
    Paragraph,
}

impl Gap {
    fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Space => " ",
            Self::Paragraph => "\n\n",
        }
    }

    /// What `char` adds to a gap; none if it is no white space.
    fn of(char: char) -> Option<Self> {
        match char {
            ' ' => Some(Self::Space),
            '¶' => Some(Self::Paragraph),
            _ => None,
        }
    }
}

/// Writes a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    text: String,
    gap: Gap,
    capital: bool,
}

impl Writer {
    /// The text, with its articles.
    pub(super) fn finish(self) -> String {
        articles(&self.text)
    }
}

impl Pen for Writer {
    fn write(&mut self, text: &str) -> bool {
        for char in text.chars() {
            if let Some(gap) = Gap::of(char) {
                self.gap = self.gap.max(gap);
                continue;
            }
            let gap = std::mem::take(&mut self.gap);
            if !self.text.is_empty() {
                self.text.push_str(gap.text());
            }
            if std::mem::take(&mut self.capital) {
                self.text.extend(char.to_uppercase());
            } else {
                self.text.push(char);
            }
        }
        true
    }

    fn capital(&mut self) {
        self.capital = true;
    }
}

/// Follows a text and refuses what is not in it.
#[derive(Clone, Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    at: usize,
    gap: Gap,
    capital: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, gap: Gap::Nothing, capital: false }
    }

    /// Whether all of the text was followed.
    pub(super) fn finished(&self) -> bool {
        self.at == self.text.len()
    }

    fn follow(&mut self, text: &str) -> bool {
        let follows = self.text[self.at..].starts_with(text);
        self.at += if follows { text.len() } else { 0 };
        follows
    }

    /// The `*` after the letter `a`.
    fn article(&mut self) -> bool {
        let vowel = match self.text[self.at..].strip_prefix("n ") {
            Some(rest) => starts_with_vowel_sound(rest).then_some(1),
            None => (!starts_with_vowel_sound(self.text[self.at..].trim_start())).then_some(0),
        };
        self.at += vowel.unwrap_or_default();
        vowel.is_some()
    }
}

impl Pen for Reader<'_> {
    fn write(&mut self, text: &str) -> bool {
        let mut buffer = [0; 4];
        for char in text.chars() {
            if let Some(gap) = Gap::of(char) {
                self.gap = self.gap.max(gap);
                continue;
            }
            let gap = std::mem::take(&mut self.gap);
            let follows = match char {
                '*' => self.article(),
                _ => {
                    (self.at == 0 || self.follow(gap.text()))
                        && if std::mem::take(&mut self.capital) {
                            char.to_uppercase().all(|c| self.follow(c.encode_utf8(&mut buffer)))
                        } else {
                            self.follow(char.encode_utf8(&mut buffer))
                        }
                }
            };
            if !follows {
                return false;
            }
        }
        true
    }

    fn capital(&mut self) {
        self.capital = true;
    }
}

/// Puts `a` or `an` where `a*` stands, by the sound of the word after it.
fn articles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(star) = rest.find('*') {
        out.push_str(&rest[..star]);
        rest = &rest[star + 1..];
        if starts_with_vowel_sound(rest.trim_start()) {
            out.push('n');
        }
    }
    out.push_str(rest);
    out
}

/// Whether `an` goes before it. Knows the exceptions that the lists have.
pub(super) fn starts_with_vowel_sound(text: &str) -> bool {
    let word: String = text.chars().take(6).flat_map(char::to_lowercase).collect();
    if ["hour", "honest"].iter().any(|start| word.starts_with(start)) {
        return true;
    }
    if ["one", "uni", "use"].iter().any(|start| word.starts_with(start)) {
        return false;
    }
    word.starts_with(['a', 'e', 'i', 'o', 'u'])
}
