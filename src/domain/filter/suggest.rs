//! “Did you mean”: the known name that is nearest to what was typed.

/// The candidate nearest to `typed`, if one is near enough to be a slip of the
/// hand: at most a third of its letters differ, and not the first unless it is the only one;
/// or it begins with what was typed.
#[must_use]
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = edits(&typed, &lower);
            let allowed = (lower.chars().count().max(typed.chars().count()) / 3).max(1);
            let same_start = distance <= 1 || typed.chars().next() == lower.chars().next();
            let begins = typed.chars().count() >= 2 && lower.starts_with(&typed);
            (distance <= allowed && same_start || begins)
                .then_some((if begins { 0 } else { distance }, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, substitutions and swaps of neighbours between two
/// words (optimal string alignment distance).
fn edits(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let width = b.len() + 1;
    let mut table = vec![0usize; (a.len() + 1) * width];
    for (j, cell) in table[..width].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        table[i * width] = i;
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (table[(i - 1) * width + j] + 1)
                .min(table[i * width + j - 1] + 1)
                .min(table[(i - 1) * width + j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(table[(i - 2) * width + j - 2] + 1);
            }
            table[i * width + j] = best;
        }
    }
    table[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = ["status", "since", "provider", "to"];
        assert_eq!(closest("statsu", names), Some("status"));
        assert_eq!(closest("Stauts", names), Some("status"));
        assert_eq!(closest("prov", names), Some("provider"));
        assert_eq!(closest("sinc", names), Some("since"));
        assert_eq!(closest("colour", names), None);
        assert_eq!(closest("x", names), None);
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(edits("ab", "ba"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
