//! The plan of a message: who gets it, through which provider, written down in packed runs.

use super::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, RunNo, TargetNo, WaitNo, WindowNo};
use super::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One recipient of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Planned {
    /// The target.
    pub target: TargetNo,
    /// Named as a target, through its user or in a copy: leaving the topics does
    /// not take it out.
    pub direct: bool,
}

/// The stand-in provider of recipients for whom no enabled provider exists yet.
pub const NO_PROVIDER: ProviderNo = ProviderNo(0);

/// The most recipients of one run.
pub const RUN_LEN: usize = 4096;

/// A packed run: recipients in ascending order of targets, as differences.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackedRun {
    /// How many recipients.
    pub len: u32,
    bytes: Vec<u8>,
}

impl PackedRun {
    /// Packs recipients, which must ascend by target.
    pub fn pack(recipients: &[Planned]) -> Self {
        debug_assert!(recipients.is_sorted_by(|a, b| a.target < b.target), "a run ascends");
        let mut bytes = Vec::with_capacity(recipients.len() * 2);
        let mut last = 0;
        for recipient in recipients {
            let delta = recipient.target.0.wrapping_sub(last);
            last = recipient.target.0;
            let mut rest = (u128::from(delta) << 1) | u128::from(recipient.direct);
            while rest >= 0x80 {
                bytes.push((rest as u8) | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        Self { len: recipients.len() as u32, bytes }
    }

    /// The recipients, in order. A damaged run ends early.
    pub fn iter(&self) -> impl Iterator<Item = Planned> + '_ {
        let mut bytes = self.bytes.iter().copied();
        let mut last = 0u64;
        std::iter::from_fn(move || {
            let (mut value, mut shift) = (0u128, 0);
            loop {
                let byte = bytes.next()?;
                value |= u128::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
                if shift > 70 {
                    return None;
                }
            }
            last = last.wrapping_add((value >> 1) as u64);
            Some(Planned { target: TargetNo(last), direct: value & 1 == 1 })
        })
    }
}

/// How far planning has come. Planning resumes from here after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCursor {
    /// Everything up to and with this target is planned; `None`: nothing yet.
    pub after: Option<TargetNo>,
    /// Everybody is planned.
    pub done: bool,
}

/// Which people of an ended run are tried again, and through whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Again {
    /// Through this provider; `None`: through those that a new plan chooses.
    pub provider: Option<ProviderNo>,
    /// Also those of whom nobody knows whether they were sent to: they may get a second copy.
    pub uncertain: bool,
}

/// How far planning has come in a run that tries people again. It resumes from here after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RetryCursor {
    /// Who is tried again.
    pub again: Again,
    /// The last row of the log that was looked at; `None`: none yet.
    pub row: Option<LogSeq>,
}

/// A lane: one provider's share of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaneKey {
    /// The message.
    pub message: MessageNo,
    /// The provider, or [`NO_PROVIDER`].
    pub provider: ProviderNo,
}

/// Where a lane's claims stand: the next unclaimed recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaneCursor {
    /// The run.
    pub run: RunNo,
    /// The place in the run.
    pub offset: u32,
}

/// Which recipients a window claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowSource {
    /// `len` recipients of a run of the plan, from `offset`.
    Plan {
        /// The run.
        run: RunNo,
        /// The first recipient's place in it.
        offset: u32,
        /// How many.
        len: u32,
    },
    /// Recipients that waited, taken out of waiting by the claim.
    Waiting(Vec<Waiting>),
}

impl WindowSource {
    /// How many recipients.
    pub fn len(&self) -> usize {
        match self {
            Self::Plan { len, .. } => *len as usize,
            Self::Waiting(list) => list.len(),
        }
    }

    /// Whether it claims nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A row of the journal: recipients that may be sent to from now on, and of whom
/// the outcome is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The journal's number; ascending.
    pub no: WindowNo,
    /// Whose recipients.
    pub lane: LaneKey,
    /// The message's run.
    pub run: u16,
    /// Which recipients.
    pub source: WindowSource,
    /// When it was claimed.
    pub claimed: Timestamp,
    /// One bit per recipient: the outcome is recorded. Shorter than the window: the rest is not.
    pub done: Vec<u8>,
}

impl Window {
    /// Whether the outcome of the recipient at this place is recorded.
    pub fn is_done(&self, index: usize) -> bool {
        self.done.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    /// Notes that the outcome of the recipient at this place is recorded. False if it was already.
    pub fn mark_done(&mut self, index: usize) -> bool {
        if self.done.len() <= index / 8 {
            self.done.resize(index / 8 + 1, 0);
        }
        let byte = &mut self.done[index / 8];
        let fresh = *byte >> (index % 8) & 1 == 0;
        *byte |= 1 << (index % 8);
        fresh
    }

    /// How many outcomes are recorded.
    pub fn done_count(&self) -> usize {
        self.done.iter().map(|byte| byte.count_ones() as usize).sum()
    }
}

/// A recipient that waits: for another attempt, for a release, or for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The store's number.
    pub no: WaitNo,
    /// The target.
    pub target: TargetNo,
    /// The identifier that earlier attempts went to; 0 before the first.
    pub identifier: IdentifierNo,
    /// See [`Planned::direct`].
    pub direct: bool,
    /// Attempts so far.
    pub attempts: u16,
    /// An earlier attempt was in doubt.
    pub possibly_twice: bool,
    /// Why it waits.
    pub why: WaitReason,
    /// Resent as one batch under this idempotency key, with exactly the members
    /// that carry it.
    pub batch: Option<BatchKey>,
}

/// An idempotency key that has been used once, and may be used again with the
/// same members and the same bytes while the service remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchKey {
    /// The window that first used it.
    pub window: WindowNo,
    /// The batch's place in the window.
    pub batch: u32,
    /// When it was first used.
    pub used: Timestamp,
}

/// Why a recipient waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// For another attempt after a transient refusal.
    Retry,
    /// For another attempt after a crash; policy *resend*.
    InDoubt,
    /// For an operator's decision; policy *hold*.
    Uncertain,
    /// The provider refuses us; released when it is well again.
    ProviderRefuses,
    /// An operator holds it; released by one.
    Held,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_round_trip(mut targets in proptest::collection::vec((any::<u64>(), any::<bool>()), 0..300)) {
            targets.sort_unstable();
            targets.dedup_by_key(|(target, _)| *target);
            let planned: Vec<_> =
                targets.into_iter().map(|(n, direct)| Planned { target: TargetNo(n), direct }).collect();
            let run = PackedRun::pack(&planned);
            prop_assert_eq!(run.len as usize, planned.len());
            prop_assert_eq!(run.iter().collect::<Vec<_>>(), planned);
        }

        #[test]
        fn a_window_counts_each_outcome_once(marks in proptest::collection::vec(0usize..300, 0..600)) {
            let mut window = Window {
                no: WindowNo(1),
                lane: LaneKey { message: MessageNo(1), provider: ProviderNo(1) },
                run: 1,
                source: WindowSource::Waiting(vec![]),
                claimed: Timestamp(0),
                done: vec![],
            };
            let mut seen = std::collections::BTreeSet::new();
            for mark in marks {
                prop_assert_eq!(window.mark_done(mark), seen.insert(mark));
                prop_assert!(window.is_done(mark));
            }
            prop_assert_eq!(window.done_count(), seen.len());
        }
    }

    #[test]
    fn dense_runs_cost_a_byte_each() {
        let planned: Vec<_> = (1000..5096).map(|n| Planned { target: TargetNo(n), direct: false }).collect();
        assert!(PackedRun::pack(&planned).bytes.len() < 4100);
    }
}
