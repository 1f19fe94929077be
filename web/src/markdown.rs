//! A parser for the subset of Markdown that learning.md uses. Raw HTML is not supported and stays
//! text.

/// A block element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Level, anchor, text.
    Heading(usize, String, Vec<Span>),
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// A code block.
    Code(String),
    /// A list, numbered or not.
    List {
        /// Its items have numbers.
        numbered: bool,
        /// The items.
        items: Vec<Vec<Span>>,
    },
    /// Rows of cells; the first row is the head.
    Table(Vec<Vec<Vec<Span>>>),
    /// A block quote.
    Quote(Vec<Block>),
}

/// An inline element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Plain text.
    Text(String),
    /// Inline code.
    Code(String),
    /// `**bold**`.
    Strong(Vec<Span>),
    /// `*italic*`.
    Emphasis(Vec<Span>),
    /// Label and target.
    Link(Vec<Span>, String),
    /// What a picture shows, and its file.
    Picture(String, String),
}

/// The blocks of a document.
pub fn read(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    blocks(&lines)
}

fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut out = Vec::new();
    let mut at = 0;
    // How many lines from `at` on belong together.
    let run = |at: usize, belongs: &dyn Fn(&str) -> bool| {
        lines[at..].iter().take_while(|line| belongs(line)).count()
    };
    while at < lines.len() {
        let line = lines[at];
        if line.trim().is_empty() || line.starts_with("---") {
            at += 1;
        } else if line.starts_with("```") {
            let count = run(at + 1, &|line| !line.starts_with("```"));
            out.push(Block::Code(lines[at + 1..at + 1 + count].join("\n")));
            at += count + 2;
        } else if let Some(title) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
        {
            let level = line.len() - title.len() - 1;
            out.push(Block::Heading(level, anchor(title), spans(title)));
            at += 1;
        } else if line.starts_with('|') {
            let count = run(at, &|line| line.starts_with('|'));
            let rows = lines[at..at + count].iter().enumerate().filter(|(i, _)| *i != 1);
            out.push(Block::Table(rows.map(|(_, row)| cells(row)).collect()));
            at += count;
        } else if line.starts_with('>') {
            let count = run(at, &|line| line.starts_with('>'));
            let inner: Vec<&str> = lines[at..at + count]
                .iter()
                .map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..]))
                .collect();
            out.push(Block::Quote(blocks(&inner)));
            at += count;
        } else if item(line).is_some() {
            let count = run(at, &|line| item(line).is_some() || line.starts_with("  "));
            let numbered = !line.starts_with('-');
            let mut items: Vec<String> = Vec::new();
            for line in &lines[at..at + count] {
                match (item(line), items.last_mut()) {
                    (Some(text), _) => items.push(text.to_owned()),
                    (None, Some(last)) => *last += &format!(" {}", line.trim()),
                    (None, None) => {}
                }
            }
            let items = items.iter().map(|item| spans(item)).collect();
            out.push(Block::List { numbered, items });
            at += count;
        } else {
            let text = |line: &str| {
                !line.trim().is_empty()
                    && !line.starts_with(['#', '|', '>'])
                    && !line.starts_with("```")
                    && item(line).is_none()
            };
            // A line that only looks like another block is a paragraph.
            let count = run(at, &text).max(1);
            out.push(Block::Paragraph(spans(&lines[at..at + count].join(" "))));
            at += count;
        }
    }
    out
}

/// Text of a list item after its bullet or number.
fn item(line: &str) -> Option<&str> {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.strip_prefix("- ")
        .or_else(|| numbered.strip_prefix(". ").filter(|_| numbered.len() < line.len()))
}

fn cells(row: &str) -> Vec<Vec<Span>> {
    row.trim().trim_matches('|').split('|').map(|cell| spans(cell.trim())).collect()
}

/// The anchor of a heading, as GitHub generates it.
fn anchor(title: &str) -> String {
    let kept = |c: char| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    title.chars().filter_map(kept).collect()
}

fn spans(text: &str) -> Vec<Span> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((span, after)) = marked(rest) {
            if !plain.is_empty() {
                out.push(Span::Text(std::mem::take(&mut plain)));
            }
            out.push(span);
            rest = after;
        } else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    if !plain.is_empty() {
        out.push(Span::Text(plain));
    }
    out
}

/// The markup at the start of `text`, if any, and the rest.
fn marked(text: &str) -> Option<(Span, &str)> {
    if let Some(rest) = text.strip_prefix('`') {
        let (code, after) = rest.split_once('`')?;
        return Some((Span::Code(code.to_owned()), after));
    }
    if let Some(rest) = text.strip_prefix("**") {
        let (strong, after) = rest.split_once("**")?;
        return Some((Span::Strong(spans(strong)), after));
    }
    if let Some(rest) = text.strip_prefix('*') {
        // An asterisk with spaces around it is a multiplication.
        let (stressed, after) = rest.split_once('*').filter(|_| !rest.starts_with(' '))?;
        return Some((Span::Emphasis(spans(stressed)), after));
    }
    let picture = text.strip_prefix('!');
    let (label, rest) = picture.unwrap_or(text).strip_prefix('[')?.split_once("](")?;
    let (to, after) = rest.split_once(')').filter(|_| !label.contains(']'))?;
    let to = to.to_owned();
    let span = match picture {
        Some(_) => Span::Picture(label.to_owned(), to),
        None => Span::Link(spans(label), to),
    };
    Some((span, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{CHAPTERS, TRAINING_CHAPTERS};

    fn text(text: &str) -> Span {
        Span::Text(text.into())
    }

    #[test]
    fn spans_of_a_line() {
        let code = |text: &str| Span::Code(text.into());
        assert_eq!(
            spans("A `[MASK]` is *one* [file `a.rs`](src/a.rs), **not** 2 * 3 <b>"),
            [
                text("A "),
                code("[MASK]"),
                text(" is "),
                Span::Emphasis(vec![text("one")]),
                text(" "),
                Span::Link(vec![text("file "), code("a.rs")], "src/a.rs".into()),
                text(", "),
                Span::Strong(vec![text("not")]),
                text(" 2 * 3 <b>"),
            ]
        );
        assert_eq!(spans("[MASK] and `open"), [text("[MASK] and `open")]);
        let picture = Span::Picture("Loss".into(), "loss.svg".into());
        assert_eq!(spans("Look! ![Loss](loss.svg)"), [text("Look! "), picture]);
    }

    #[test]
    fn blocks_of_a_document() {
        let document = "# Title\n\nTwo\nlines.\n\n```sh\na | b\n```\n- one\n  more\n- two\n\n\
            | a | b |\n|---|---|\n| 1 | 2 |\n\n> **Exercise.** Why?\n";
        let blocks = read(document);
        assert_eq!(blocks[0], Block::Heading(1, "title".into(), vec![text("Title")]));
        assert_eq!(blocks[1], Block::Paragraph(vec![text("Two lines.")]));
        assert_eq!(blocks[2], Block::Code("a | b".into()));
        let items = vec![vec![text("one more")], vec![text("two")]];
        assert_eq!(blocks[3], Block::List { numbered: false, items });
        let row = |a: &str, b: &str| vec![vec![text(a)], vec![text(b)]];
        assert_eq!(blocks[4], Block::Table(vec![row("a", "b"), row("1", "2")]));
        assert!(matches!(&blocks[5], Block::Quote(inner) if inner.len() == 1));
        assert_eq!(blocks.len(), 6);
    }

    #[test]
    fn links_of_the_course_lead_somewhere() {
        let course = include_str!("../../learning.md");
        let anchors: Vec<String> = read(course)
            .into_iter()
            .filter_map(|block| match block {
                Block::Heading(_, anchor, _) => Some(anchor),
                _ => None,
            })
            .collect();
        let inside: Vec<&str> =
            course.split("](#").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect();
        assert!(inside.len() > 12);
        let chapters = [&CHAPTERS[..], &TRAINING_CHAPTERS].concat();
        for link in inside.into_iter().chain(chapters.into_iter().map(|(_, to)| to)) {
            assert!(anchors.iter().any(|anchor| anchor == link), "#{link} leads nowhere");
        }
    }
}
