//! How the columns of a row become a text.

use std::str::Utf8Error;

/// A text with names of columns in braces, such as `Question: {query}`, in whose place the row's values
/// are put. Without braces it is the name of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    /// Names of columns, each with the text before it.
    parts: Vec<(String, String)>,
    /// The text behind the last one.
    end: String,
}

/// Why a row gives no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoText {
    /// A value is null, or nothing but white space.
    Empty,
    /// A value is not UTF-8.
    NotUtf8,
}

impl From<Utf8Error> for NoText {
    fn from(_: Utf8Error) -> Self {
        Self::NotUtf8
    }
}

impl Template {
    /// Reads a template; `None` where a brace stands alone or a name is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.contains(['{', '}']) {
            let parts = vec![(String::new(), text.to_owned())];
            return Some(Self { parts, end: String::new() });
        }
        let (mut parts, mut rest) = (vec![], text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            if before.contains('}') || name.is_empty() || name.contains('{') {
                return None;
            }
            parts.push((before.to_owned(), name.to_owned()));
            rest = behind;
        }
        (!rest.contains('}')).then(|| Self { parts, end: rest.to_owned() })
    }

    /// Names of the columns, in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|(_, name)| name.as_str())
    }

    /// The text of a row with these values.
    pub(super) fn fill<'a>(
        &self,
        values: impl IntoIterator<Item = Option<&'a [u8]>>,
    ) -> Result<String, NoText> {
        let mut text = String::new();
        for ((before, _), value) in self.parts.iter().zip(values) {
            let value = std::str::from_utf8(value.ok_or(NoText::Empty)?)?;
            if value.trim().is_empty() {
                return Err(NoText::Empty);
            }
            text.push_str(before);
            text.push_str(value);
        }
        text.push_str(&self.end);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_columns() {
        let template =
            Template::parse("Question: {query}\n\nAnswer: {answer}.").expect("a template");
        assert_eq!(template.columns().collect::<Vec<_>>(), ["query", "answer"]);
        let row = |query, answer| template.fill([query, answer]);
        let text = row(Some(b"why?"), Some(b"so"));
        assert_eq!(text.as_deref(), Ok("Question: why?\n\nAnswer: so."));
        assert_eq!(row(None, Some(b"so")), Err(NoText::Empty));
        assert_eq!(row(Some(b"why?"), Some(b" ")), Err(NoText::Empty));
        assert_eq!(row(Some(b"\xff"), Some(b"so")), Err(NoText::NotUtf8));
    }

    #[test]
    fn a_name_alone_is_a_column() {
        let template = Template::parse("text").expect("a template");
        assert_eq!(template.columns().collect::<Vec<_>>(), ["text"]);
        assert_eq!(template.fill([Some(&b" Tom "[..])]).as_deref(), Ok(" Tom "));
    }

    #[test]
    fn a_brace_alone_is_no_template() {
        for text in ["{", "}", "a {b", "a} {b}", "{b} c}", "{}", "{a{b}"] {
            assert_eq!(Template::parse(text), None, "{text}");
        }
    }
}
