//! Our columns, and the operator's choices for them.

use std::fmt;

use super::synonyms::fold;

/// What a column of the file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The person's id.
    UserId,
    /// The whole name.
    Name,
    /// The first name; joined with the last when there is no whole name.
    FirstName,
    /// The last name.
    LastName,
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A device token.
    Push,
    /// The provider of the device token.
    PushProvider,
    /// Topics by id, `;` between.
    Topics,
}

impl Column {
    /// Every column, in the order of the documentation.
    pub const ALL: [Column; 9] = [
        Column::UserId,
        Column::Name,
        Column::FirstName,
        Column::LastName,
        Column::Email,
        Column::Phone,
        Column::Push,
        Column::PushProvider,
        Column::Topics,
    ];

    /// Its name in our own files and in `--map`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Column::UserId => "userId",
            Column::Name => "name",
            Column::FirstName => "firstName",
            Column::LastName => "lastName",
            Column::Email => "email",
            Column::Phone => "phone",
            Column::Push => "push",
            Column::PushProvider => "pushProvider",
            Column::Topics => "topics",
        }
    }

    /// Whether it is a way to reach somebody.
    #[must_use]
    pub fn is_address(self) -> bool {
        matches!(self, Column::Email | Column::Phone | Column::Push)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `--map email='E-Mail Adresse'`: columns named by the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    entries: Vec<(Column, String)>,
}

/// Why a `--map` was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnMapError {
    /// There is no `=`.
    #[error("`{0}`: expected column=header, such as email='E-Mail Adresse'")]
    NoEquals(String),
    /// Not a column of ours.
    #[error(
        "`{0}` is not a column; there are userId, name, firstName, lastName, email, phone, push, pushProvider and topics"
    )]
    UnknownColumn(String),
}

impl ColumnMap {
    /// Adds one `column=header`. The header is compared whatever its case,
    /// accents and punctuation; `column=2` is the second column of the file
    /// when none has that name; `column=` leaves the column out.
    pub fn add(&mut self, entry: &str) -> Result<(), ColumnMapError> {
        let (name, header) =
            entry.split_once('=').ok_or_else(|| ColumnMapError::NoEquals(entry.to_owned()))?;
        let name = name.trim();
        let column = Column::ALL
            .into_iter()
            .find(|column| column.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| ColumnMapError::UnknownColumn(name.to_owned()))?;
        self.entries.push((column, header.trim().to_owned()));
        Ok(())
    }

    /// The operator's choices, in order: a column and the header wanted for it.
    pub fn entries(&self) -> impl Iterator<Item = (Column, &str)> {
        self.entries.iter().map(|(column, header)| (*column, header.as_str()))
    }

    /// Whether the operator said anything of `column`.
    #[must_use]
    pub fn names(&self, column: Column) -> bool {
        self.entries.iter().any(|(mapped, _)| *mapped == column)
    }

    /// The place of the header that `wanted` means.
    pub(super) fn locate(wanted: &str, headers: &[String]) -> Option<usize> {
        let folded = fold(wanted);
        headers
            .iter()
            .position(|header| header.trim() == wanted)
            .or_else(|| {
                let alike = |header: &String| !folded.is_empty() && fold(header) == folded;
                headers.iter().position(alike)
            })
            .or_else(|| {
                let number: usize = wanted.parse().ok()?;
                (1..=headers.len()).contains(&number).then(|| number - 1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        let mut map = ColumnMap::default();
        map.add("email=E-Mail Adresse").unwrap();
        map.add("NAME = x").unwrap();
        assert!(map.names(Column::Email) && map.names(Column::Name) && !map.names(Column::Phone));
        assert!(matches!(map.add("email"), Err(ColumnMapError::NoEquals(_))));
        assert!(matches!(map.add("e=mail"), Err(ColumnMapError::UnknownColumn(_))));
        let headers = ["Id", "e-mail adresse"].map(String::from);
        assert_eq!(ColumnMap::locate("E-Mail Adresse", &headers), Some(1));
        assert_eq!(ColumnMap::locate("2", &headers), Some(1));
        assert_eq!(ColumnMap::locate("3", &headers), None);
        assert_eq!(ColumnMap::locate("", &headers), None);
    }
}
