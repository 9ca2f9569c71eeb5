//! *Refuses us, by numbers*: many permanent refusals in a row, of people at several
//! places, speak of us and not of them. Until a streak is judged, its outcomes are not
//! recorded: the people stay claimed, and can still be put back.

use std::collections::{BTreeSet, VecDeque};

/// Refusals in a row that nobody has judged yet. `T`: what is kept of each.
#[derive(Debug)]
pub struct Streak<T> {
    most: usize,
    places: usize,
    pending: VecDeque<T>,
    seen: BTreeSet<String>,
    /// Refusals in a row, also those that were let go.
    count: usize,
}

/// The place of an address, by which a streak is judged: the domain of a mail address,
/// else the address itself.
pub fn place(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

impl<T> Streak<T> {
    /// A streak is `most` refusals over `places` places.
    pub fn new(most: usize, places: usize) -> Self {
        Self { most: most.max(1), places, pending: VecDeque::new(), seen: BTreeSet::new(), count: 0 }
    }

    /// One more refusal. `Some`: they are too many, and these are the people to put back.
    pub fn refused(&mut self, place: &str, item: T) -> Option<Vec<T>> {
        self.count += 1;
        self.pending.push_back(item);
        if self.seen.len() < self.places && !self.seen.contains(place) {
            self.seen.insert(place.to_owned());
        }
        if self.count >= self.most && self.seen.len() >= self.places {
            // Whoever follows in the row is put back as well, until somebody is accepted.
            return Some(self.let_go());
        }
        None
    }

    /// Somebody was accepted: the refusals spoke of the recipients. Gives them back for the record.
    pub fn broken(&mut self) -> Vec<T> {
        self.seen.clear();
        self.count = 0;
        self.let_go()
    }

    /// Nothing more is coming to judge them by: gives them back for the record; the row goes on.
    pub fn let_go(&mut self) -> Vec<T> {
        std::mem::take(&mut self.pending).into()
    }

    /// The first that is kept back beyond the number of a streak: so many are enough to put back.
    pub fn beyond(&mut self) -> Option<T> {
        if self.pending.len() > self.most { self.pending.pop_front() } else { None }
    }

    /// At how many places there were refusals in this row; counted up to the number of a streak.
    pub fn places(&self) -> usize {
        self.seen.len()
    }

    /// How many are kept back.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether nobody is kept back.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_over_several_domains() {
        let mut streak = Streak::new(20, 3);
        for n in 0..19 {
            assert_eq!(streak.refused(place(&format!("a{n}@d{}.example", n % 3)), n), None);
        }
        let back = streak.refused("d0.example", 19).unwrap();
        assert_eq!(back, (0..20).collect::<Vec<_>>());
        assert!(streak.is_empty());
        assert_eq!(streak.refused("d1.example", 20), Some(vec![20]), "and who follows");
        streak.broken();
        assert_eq!(streak.refused("d1.example", 21), None);
    }

    #[test]
    fn one_domain_alone_says_nothing_of_us() {
        let mut streak = Streak::new(5, 3);
        for n in 0..100 {
            assert_eq!(streak.refused(place("x@gone.example"), n), None);
        }
        assert_eq!(std::iter::from_fn(|| streak.beyond()).count(), 95, "as many as a streak has are kept");
        assert_eq!((streak.broken().len(), streak.places()), (5, 0));
    }

    #[test]
    fn an_acceptance_breaks_it_and_letting_go_does_not() {
        let mut streak = Streak::new(4, 2);
        streak.refused("a", 1);
        streak.refused("b", 2);
        assert_eq!(streak.broken(), [1, 2]);
        for n in 0..3 {
            assert_eq!(streak.refused(if n == 0 { "a" } else { "b" }, n), None);
        }
        assert_eq!(streak.let_go(), [0, 1, 2]);
        assert_eq!(streak.refused("c", 3), Some(vec![3]));
    }
}
