//! Sequences of chords, and what they mean.

use super::chord::Chord;
use crate::tui::action::Action;

/// What a sequence means in one trie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// An action.
    Action(Action),
    /// The beginning of longer sequences.
    Branch(&'a Trie),
    /// Nothing.
    Nothing,
}

/// The bindings of one scope and mode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trie {
    action: Option<Action>,
    next: Vec<(Chord, Trie)>,
}

impl Trie {
    /// What a sequence means here.
    pub fn find(&self, sequence: &[Chord]) -> Found<'_> {
        let mut at = self;
        for chord in sequence {
            match at.next.iter().find(|(key, _)| key == chord) {
                Some((_, next)) => at = next,
                None => return Found::Nothing,
            }
        }
        match at.action {
            Some(action) => Found::Action(action),
            None if at.next.is_empty() => Found::Nothing,
            None => Found::Branch(at),
        }
    }

    /// Binds a sequence. Whatever was bound to its beginnings or continuations is
    /// forgotten: a sequence and its beginning cannot both be reached.
    pub fn bind(&mut self, sequence: &[Chord], action: Action) {
        let mut at = self;
        for chord in sequence {
            at.action = None;
            let index = at.next.iter().position(|(key, _)| key == chord).unwrap_or_else(|| {
                at.next.push((*chord, Self::default()));
                at.next.len() - 1
            });
            at = &mut at.next[index].1;
        }
        at.next.clear();
        at.action = Some(action);
    }

    /// Forgets a sequence and everything that begins with it.
    pub fn unbind(&mut self, sequence: &[Chord]) {
        let Some((first, rest)) = sequence.split_first() else { return };
        if let Some(index) = self.next.iter().position(|(key, _)| key == first) {
            if rest.is_empty() {
                self.next.remove(index);
            } else {
                let child = &mut self.next[index].1;
                child.unbind(rest);
                if child.next.is_empty() && child.action.is_none() {
                    self.next.remove(index);
                }
            }
        }
    }

    /// What can follow: the next chord, and its action if it ends there.
    pub fn next(&self) -> impl Iterator<Item = (Chord, Option<Action>)> + '_ {
        self.next.iter().map(|(chord, trie)| (*chord, trie.action))
    }

    /// Every sequence that is bound, in the order in which they were bound.
    pub fn bindings(&self) -> Vec<(Vec<Chord>, Action)> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, path: &mut Vec<Chord>, out: &mut Vec<(Vec<Chord>, Action)>) {
        if let Some(action) = self.action {
            out.push((path.clone(), action));
        }
        for (chord, next) in &self.next {
            path.push(*chord);
            next.collect(path, out);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chord::parse_sequence;
    use super::*;

    fn keys(text: &str) -> Vec<Chord> {
        parse_sequence(text).unwrap()
    }

    #[test]
    fn sequences_branch_and_end() {
        let mut trie = Trie::default();
        trie.bind(&keys("g g"), Action::Top);
        trie.bind(&keys("g m"), Action::GoMessages);
        assert!(matches!(trie.find(&keys("g")), Found::Branch(_)));
        assert_eq!(trie.find(&keys("g g")), Found::Action(Action::Top));
        assert_eq!(trie.find(&keys("x")), Found::Nothing);
        assert_eq!(trie.bindings().len(), 2);
    }

    #[test]
    fn a_later_binding_displaces_beginnings_and_continuations() {
        let mut trie = Trie::default();
        trie.bind(&keys("g g"), Action::Top);
        trie.bind(&keys("g"), Action::End);
        assert_eq!(trie.find(&keys("g")), Found::Action(Action::End));
        trie.bind(&keys("g g"), Action::Top);
        assert_eq!(trie.bindings(), [(keys("g g"), Action::Top)]);
    }

    #[test]
    fn unbinding_leaves_no_empty_branch() {
        let mut trie = Trie::default();
        trie.bind(&keys("g g"), Action::Top);
        trie.unbind(&keys("g g"));
        assert_eq!(trie, Trie::default());
        trie.unbind(&keys("q"));
    }
}
