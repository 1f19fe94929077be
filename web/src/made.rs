//! What a person changed in a run, as a share link tells it.
//!
//! `12.5.31` puts token 31 at position 5 in the state after step 12; `12.5.e` erases there, `p` pins,
//! `r` lets go. Changes are joined by `_`, in the order in which they were made.

use writer::Edit;

/// Most changes that a link holds: a dozen characters each.
pub const MOST: usize = 64;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Step of the state that was changed.
    pub step: u32,
    /// Position of the token.
    pub position: usize,
    /// What was done to it.
    pub edit: Edit,
}

/// The changes as text.
pub fn write(all: &[Made]) -> String {
    let one = |Made { step, position, edit }: &Made| {
        let what = match edit {
            Edit::Erase => "e".to_owned(),
            Edit::Pin => "p".to_owned(),
            Edit::Release => "r".to_owned(),
            Edit::Replace(id) => id.to_string(),
        };
        format!("{step}.{position}.{what}")
    };
    all.iter().map(one).collect::<Vec<_>>().join("_")
}

/// The changes of a text from a stranger; none if one of them cannot be read, or there are too many:
/// the rest would lead to another text.
pub fn read(text: &str) -> Vec<Made> {
    let one = |text: &str| {
        let mut parts = text.split('.');
        let (step, position) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let edit = match parts.next()? {
            "e" => Edit::Erase,
            "p" => Edit::Pin,
            "r" => Edit::Release,
            id => Edit::Replace(id.parse().ok()?),
        };
        parts.next().is_none().then_some(Made { step, position, edit })
    };
    let all: Option<Vec<Made>> = text.split('_').take(MOST + 1).map(one).collect();
    all.filter(|all| all.len() <= MOST).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back() {
        let all = [
            Made { step: 12, position: 5, edit: Edit::Replace(31) },
            Made { step: 12, position: 6, edit: Edit::Erase },
            Made { step: 12, position: 7, edit: Edit::Pin },
            Made { step: 40, position: 7, edit: Edit::Release },
        ];
        assert_eq!(write(&all), "12.5.31_12.6.e_12.7.p_40.7.r");
        assert_eq!(read(&write(&all)), all);
    }

    #[test]
    fn strange_changes_are_none() {
        for text in ["", "12", "12.5", "12.5.x", "-1.5.e", "12.5.e.e", "12.5.e_", "1.2.99999999999"]
        {
            assert_eq!(read(text), [], "{text}");
        }
        assert_eq!(read(&vec!["1.2.e"; MOST].join("_")).len(), MOST);
        assert_eq!(read(&vec!["1.2.e"; MOST + 1].join("_")), []);
    }
}
