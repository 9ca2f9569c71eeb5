//! Rows of NDJSON: the same columns as keys; `topics` may be an array.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::columns::ColumnMap;
use super::repair::{Country, Repairs};
use super::row::{Cells, build};
use super::synonyms::{fold, recognise};
use super::{Column, ImportRow, Reason};

/// Keys met so far and what they mean. Bounded: a file whose keys are all
/// different is not remembered.
pub(super) struct Keys {
    map: ColumnMap,
    known: HashMap<String, Option<(Column, usize)>>,
}

const MAX_KEYS: usize = 1_000;

/// What a key means, and its rank among keys that mean the same.
pub(super) fn column_of(key: &str, map: &ColumnMap) -> Option<(Column, usize)> {
    let folded = fold(key);
    let chosen = map
        .entries()
        .enumerate()
        .find(|(_, (_, wanted))| *wanted == key || (!folded.is_empty() && fold(wanted) == folded))
        .map(|(rank, (column, _))| (column, rank));
    chosen.or_else(|| {
        recognise(key).filter(|(column, _)| !map.names(*column)).map(|(column, rank)| (column, rank + 1_000))
    })
}

impl Keys {
    pub(super) fn new(map: ColumnMap) -> Self {
        Self { map, known: HashMap::new() }
    }

    fn column(&mut self, key: &str) -> Option<(Column, usize)> {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        let column = column_of(key, &self.map);
        if self.known.len() < MAX_KEYS {
            self.known.insert(key.to_owned(), column);
        }
        column
    }

    /// A line to a person.
    pub(super) fn row(
        &mut self,
        text: &str,
        country: Option<Country>,
        line: u64,
    ) -> Result<ImportRow, Reason> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| Reason::NotJson(error.to_string()))?;
        let mut found: Vec<(usize, Column, String)> = Vec::with_capacity(object.len());
        for (key, value) in object {
            if let Some((column, rank)) = self.column(&key) {
                collect(column, rank, value, &mut found)?;
            }
        }
        found.sort_by_key(|(rank, ..)| *rank);
        let mut cells = Cells::default();
        for (_, column, text) in &found {
            cells.put(*column, text);
        }
        build(&cells, country, Repairs::default(), line, 1)
    }
}

fn collect(
    column: Column,
    rank: usize,
    value: Value,
    found: &mut Vec<(usize, Column, String)>,
) -> Result<(), Reason> {
    match value {
        Value::Null => {}
        Value::String(text) => found.push((rank, column, text)),
        // A number with a fraction or an exponent has lost digits or was never an id.
        Value::Number(number) if number.is_f64() => {
            let cell = number.to_string();
            return Err(match column {
                Column::Phone => Reason::Scientific { column, cell },
                _ => Reason::NotText(column),
            });
        }
        Value::Number(number) => found.push((rank, column, number.to_string())),
        Value::Array(values) if column == Column::Topics => {
            for value in values {
                let Value::String(_) = value else { return Err(Reason::NotText(column)) };
                collect(column, rank, value, found)?;
            }
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(Reason::NotText(column)),
    }
    Ok(())
}
