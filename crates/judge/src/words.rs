//! Text as words, punctuation and ends of paragraphs.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Token {
    /// Letters, digits, and apostrophes and hyphens between them.
    Word(String),
    /// A mark of punctuation; quotation marks of every kind are `"`.
    Mark(char),
    /// The end of a paragraph.
    Break,
}

/// The parts of a text, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    cased(&text.to_lowercase())
}

/// The same with upper and lower case.
pub(crate) fn cased(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside = !word.is_empty()
            && matches!(c, '\'' | '’' | '-')
            && rest.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        if inside {
            word.push(if c == '’' { '\'' } else { c });
            continue;
        }
        if !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(&mut word)));
        }
        match c {
            '\n' if !matches!(tokens.last(), None | Some(Token::Break)) => {
                tokens.push(Token::Break)
            }
            '“' | '”' => tokens.push(Token::Mark('"')),
            c if !c.is_whitespace() => tokens.push(Token::Mark(c)),
            _ => (),
        }
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    while tokens.last() == Some(&Token::Break) {
        tokens.pop();
    }
    tokens
}

/// Number of words.
pub(crate) fn count(text: &[Token]) -> usize {
    text.iter().filter(|token| matches!(token, Token::Word(_))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_words_marks_and_paragraphs() {
        let word = |text: &str| Token::Word(text.to_owned());
        let expected = [
            Token::Mark('"'),
            word("don't"),
            Token::Mark(','),
            Token::Mark('"'),
            word("he"),
            word("said"),
            Token::Mark('.'),
            Token::Break,
            word("ice-cream"),
            Token::Mark('!'),
        ];
        assert_eq!(tokens("“Don’t,” he said.\n\nIce-cream!\n"), expected);
        assert_eq!(count(&expected), 4);
        assert_eq!(tokens(" \n "), []);
    }
}
