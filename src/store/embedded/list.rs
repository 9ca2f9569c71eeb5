//! Pages of lists.

use super::fail::Attempt;
use super::table::{Table, View, beyond, number_at};
use crate::store::page::{Order, Page, PageRequest};

/// The most rows that are read at once.
const CHUNK: usize = 512;

/// A page of what `load` makes of rows. `next` gives rows after a number, in
/// the order of the request.
pub(super) fn page<V: View, T>(
    view: &mut V,
    request: &PageRequest<T>,
    total: Option<u64>,
    mut next: impl FnMut(&mut V, Option<u64>, usize) -> Attempt<Vec<(u64, Vec<u8>)>>,
    mut load: impl FnMut(&mut V, u64, &[u8]) -> Attempt<Option<T>>,
    matches: impl Fn(&T, &str) -> bool,
) -> Attempt<Page<T>> {
    let search = request.search.trim().to_lowercase();
    let plain = search.is_empty() && request.only.is_none();
    let mut page = Page { items: Vec::new(), total: total.filter(|_| plain), next: None, cut_short: false };
    if request.limit == 0 {
        return Ok(page);
    }
    let (mut after, mut last, mut passed, mut scanned) = (request.after, None, 0, 0);
    loop {
        let want = if plain {
            // A caller may ask for everything, or pass over more than there is.
            let left = (request.limit - page.items.len()).saturating_add(request.offset - passed);
            left.saturating_add(1).clamp(1, CHUNK)
        } else {
            request.limit.max(16).saturating_mul(4).min(CHUNK)
        };
        let rows = next(view, after, want)?;
        let end = rows.len() < want;
        for (no, bytes) in rows {
            if page.items.len() == request.limit {
                page.next = last;
                return Ok(page);
            }
            after = Some(no);
            scanned += 1;
            if plain && passed < request.offset {
                passed += 1;
                continue;
            }
            let Some(item) = load(view, no, &bytes)? else { continue };
            if !search.is_empty() && !matches(&item, &search) {
                continue;
            }
            if request.only.as_ref().is_some_and(|only| !only(&item)) {
                continue;
            }
            if passed < request.offset {
                passed += 1;
                continue;
            }
            page.items.push(item);
            last = Some(no);
        }
        if end {
            return Ok(page);
        }
        if !plain && scanned >= request.scan && page.items.len() < request.limit {
            page.cut_short = true;
            page.next = after;
            return Ok(page);
        }
    }
}

/// Rows by number.
pub(super) type Numbered = Vec<(u64, Vec<u8>)>;

/// Rows of a table whose keys are a prefix and a number.
pub(super) fn numbered<V: View>(
    table: Table,
    prefix: Vec<u8>,
    order: Order,
) -> impl FnMut(&mut V, Option<u64>, usize) -> Attempt<Numbered> {
    move |view, after, limit| {
        let rows = view.rows(table, beyond(&prefix, after, order), order, limit)?;
        Ok(rows.into_iter().map(|(key, value)| (number_at(&key, prefix.len()), value)).collect())
    }
}

/// Whether the texts have what is searched for (in lower case): the whole of it at the
/// beginning of a word, or each of its words at the beginning of one. In double quotes,
/// only the whole.
pub(super) fn has_word<'a>(texts: impl IntoIterator<Item = &'a str>, search: &str) -> bool {
    let texts: Vec<String> = texts.into_iter().map(str::to_lowercase).collect();
    let has = |wanted: &str| texts.iter().any(|text| begins_word(text, wanted));
    if let Some(phrase) = search.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return has(phrase);
    }
    let words = || search.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    has(search) || (words().next().is_some() && words().all(has))
}

fn begins_word(text: &str, wanted: &str) -> bool {
    text.starts_with(wanted)
        || text
            .match_indices(wanted)
            .any(|(at, _)| text[..at].chars().next_back().is_some_and(|before| !before.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order_or_a_phrase() {
        let texts = ["Weekly News", "ana@example.com"];
        for found in ["wee", "news", "news week", "ana@ex", "example ana", "\"weekly n\"", "week, news!"] {
            assert!(has_word(texts, found), "{found}");
        }
        for missing in ["eekly", "news month", "\"news weekly\"", "@@", "nothing"] {
            assert!(!has_word(texts, missing), "{missing}");
        }
    }
}
