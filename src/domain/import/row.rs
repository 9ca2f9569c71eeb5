//! The cells of a record to a person.

use super::repair::{Country, Repair, Repairs, clean, clean_address, email, phone};
use super::{Column, ImportRow, Reason, shortened};
use crate::domain::hex::hex;
use crate::domain::ids::{ProviderId, TopicId, UserId};
use crate::domain::validate;

/// The longest name, in characters (facts: users).
const MAX_NAME: usize = 128;

/// The cells of one record by what they mean; empty where there is none.
#[derive(Debug, Default)]
pub(super) struct Cells<'a> {
    pub user_id: &'a str,
    pub name: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub email: &'a str,
    pub phone: &'a str,
    pub push: &'a str,
    pub push_provider: &'a str,
    /// Lists of ids; one for each cell that holds some.
    pub topics: Vec<&'a str>,
}

impl<'a> Cells<'a> {
    /// Puts a cell where it belongs, unless something stands there already.
    pub(super) fn put(&mut self, column: Column, cell: &'a str) {
        if cell.trim().is_empty() {
            return;
        }
        let place = match column {
            Column::UserId => &mut self.user_id,
            Column::Name => &mut self.name,
            Column::FirstName => &mut self.first_name,
            Column::LastName => &mut self.last_name,
            Column::Email => &mut self.email,
            Column::Phone => &mut self.phone,
            Column::Push => &mut self.push,
            Column::PushProvider => &mut self.push_provider,
            Column::Topics => {
                self.topics.push(cell);
                return;
            }
        };
        if place.is_empty() {
            *place = cell;
        }
    }
}

/// Repairs and checks the cells. `line` and `lines` go into the row as they are.
pub(super) fn build(
    cells: &Cells<'_>,
    country: Option<Country>,
    mut repairs: Repairs,
    line: u64,
    lines: u64,
) -> Result<ImportRow, Reason> {
    let found_email = email(cells.email, &mut repairs)?;
    let phone = phone(cells.phone, country, &mut repairs)?;
    let push = push(cells.push, &mut repairs)?;
    let name = name(cells, found_email.as_ref().and_then(|(_, name)| name.as_deref()), &mut repairs)?;
    let email = found_email.map(|(address, _)| address);
    let given = id_cell(Column::UserId, cells.user_id, &mut repairs, |text| UserId::new(text).ok())?;
    let push_provider =
        id_cell(Column::PushProvider, cells.push_provider, &mut repairs, |text| ProviderId::new(text).ok())?;
    let topics = topics(&cells.topics, &mut repairs)?;
    let derived = match (&email, &phone, &push) {
        (Some(address), _, _) => derived_user_id(Column::Email, address),
        (None, Some(number), _) => derived_user_id(Column::Phone, number),
        (None, None, Some(token)) => derived_user_id(Column::Push, token),
        (None, None, None) => return Err(Reason::NoAddress),
    };
    let derived_id = given.is_none();
    Ok(ImportRow {
        line,
        lines,
        user_id: given.unwrap_or(derived),
        derived_id,
        name,
        email,
        phone,
        push,
        push_provider,
        topics,
        repairs,
    })
}

/// The id of a person of whom only an address is known: the first 20 hex digits
/// of SHA-256 over `herald:user:`, the kind of address (`email`, `phone` or
/// `push`), `:` and the address as it is stored (mail in lower case, numbers in
/// E.164). The mail address decides where there is one, then the number, then
/// the token. Never changes, so that a file imported again means the same people.
#[must_use]
pub fn derived_user_id(kind: Column, address: &str) -> UserId {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for part in ["herald:user:", kind.name(), ":", address] {
        context.update(part.as_bytes());
    }
    let id = hex(&context.finish().as_ref()[..10]);
    UserId::new(id).expect("hex digits are an id")
}

fn push(cell: &str, repairs: &mut Repairs) -> Result<Option<String>, Reason> {
    let cell = clean_address(cell, repairs);
    if cell.is_empty() {
        Ok(None)
    } else if validate::device_token(&cell) {
        Ok(Some(cell.into_owned()))
    } else {
        Err(Reason::InvalidPush(shortened(&cell)))
    }
}

/// The whole name, else first and last joined, else the one that stood before the address.
fn name(
    cells: &Cells<'_>,
    before_address: Option<&str>,
    repairs: &mut Repairs,
) -> Result<Option<String>, Reason> {
    let whole = clean(cells.name, repairs);
    let name = if whole.is_empty() {
        let first = clean(cells.first_name, repairs);
        let last = clean(cells.last_name, repairs);
        match (first.is_empty(), last.is_empty()) {
            (false, false) => format!("{first} {last}"),
            (false, true) => first.into_owned(),
            (true, false) => last.into_owned(),
            (true, true) => before_address.unwrap_or_default().to_owned(),
        }
    } else {
        whole.into_owned()
    };
    if name.chars().count() > MAX_NAME {
        return Err(Reason::NameTooLong);
    }
    Ok((!name.is_empty()).then_some(name))
}

fn id_cell<T>(
    column: Column,
    cell: &str,
    repairs: &mut Repairs,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Reason> {
    let text = clean_address(cell, repairs);
    if text.is_empty() {
        return Ok(None);
    }
    parse(&text).map(Some).ok_or_else(|| Reason::InvalidId { column, cell: shortened(&text) })
}

fn topics(cells: &[&str], repairs: &mut Repairs) -> Result<Vec<TopicId>, Reason> {
    let mut topics: Vec<TopicId> = Vec::new();
    for cell in cells {
        let text = clean(cell, repairs);
        if text.contains([',', '|']) {
            repairs.add(Repair::TopicList);
        }
        for part in text.split([';', ',', '|']).map(str::trim).filter(|part| !part.is_empty()) {
            let topic = TopicId::new(part)
                .map_err(|_| Reason::InvalidId { column: Column::Topics, cell: shortened(part) })?;
            if topics.contains(&topic) {
                repairs.add(Repair::TopicList);
            } else {
                topics.push(topic);
            }
        }
    }
    Ok(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &Cells<'_>) -> Result<ImportRow, Reason> {
        build(cells, None, Repairs::default(), 1, 1)
    }

    #[test]
    fn the_derived_id_never_changes() {
        // Values of the documented rule, computed apart from this code.
        assert_eq!(derived_user_id(Column::Email, "ana@example.com").as_str(), EMAIL_ID);
        assert_eq!(derived_user_id(Column::Phone, "+4915112345678").as_str(), PHONE_ID);
        let lower = row(&Cells { email: "ana@example.com", ..Cells::default() }).unwrap();
        let upper =
            row(&Cells { email: " ANA@EXAMPLE.COM", phone: "+4915112345678", ..Cells::default() }).unwrap();
        assert!(lower.derived_id);
        assert_eq!(lower.user_id, upper.user_id);
    }

    const EMAIL_ID: &str = "a9f54a112402353bc34b";
    const PHONE_ID: &str = "276874c6558ad57f0ba4";

    #[test]
    fn names() {
        let named = |name, first_name, last_name, email| {
            row(&Cells { name, first_name, last_name, email, ..Cells::default() }).unwrap().name
        };
        assert_eq!(named("Ana B.", "x", "y", "a@example.com").as_deref(), Some("Ana B."));
        assert_eq!(named("", "Ana", "B.", "a@example.com").as_deref(), Some("Ana B."));
        assert_eq!(named("", "", "B.", "a@example.com").as_deref(), Some("B."));
        assert_eq!(named("", "", "", "Ana <a@example.com>").as_deref(), Some("Ana"));
        assert_eq!(named("Bo", "", "", "Ana <a@example.com>").as_deref(), Some("Bo"));
        assert_eq!(named("", "", "", "a@example.com"), None);
        assert_eq!(named("Ana\nB.", "", "", "a@example.com").as_deref(), Some("Ana B."));
        let long = "x".repeat(129);
        let cells = Cells { name: &long, email: "a@example.com", ..Cells::default() };
        assert_eq!(row(&cells), Err(Reason::NameTooLong));
    }

    #[test]
    fn topics_and_ids() {
        let cells = Cells {
            email: "a@example.com",
            user_id: "u1",
            topics: vec!["news; beta;;news"],
            push: "tok",
            push_provider: "fcm",
            ..Cells::default()
        };
        let row_found = row(&cells).unwrap();
        let ids: Vec<&str> = row_found.topics.iter().map(TopicId::as_str).collect();
        assert_eq!(ids, ["news", "beta"]);
        assert_eq!(row_found.user_id.as_str(), "u1");
        assert!(!row_found.derived_id && row_found.repairs.has(Repair::TopicList));
        for bad in [
            Cells { email: "a@example.com", user_id: "u 1", ..Cells::default() },
            Cells { email: "a@example.com", topics: vec!["neue Kunden"], ..Cells::default() },
            Cells { push: "tok", push_provider: "_x", ..Cells::default() },
        ] {
            assert!(matches!(row(&bad), Err(Reason::InvalidId { .. })));
        }
        assert_eq!(row(&Cells { name: "Ana", email: "NULL", ..Cells::default() }), Err(Reason::NoAddress));
    }
}
