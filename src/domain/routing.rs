//! Which provider comes first, which countries go where, and who steps in for whom.

use super::ids::{ProviderId, ProviderNo};
use super::time::Timestamp;
use super::validate::Invalid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most rules for countries.
pub const MOST_RULES: usize = 1000;

/// How recipients are shared out among providers. A target's own provider comes before all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Routing {
    /// Providers in order; those that are not named come behind, in the order in which they were made.
    pub order: Vec<ProviderId>,
    /// Where text messages go by the beginning of the number: the longest that fits counts.
    pub prefixes: Vec<PrefixRule>,
    /// Which providers hand their recipients on when they cannot send.
    pub failover: BTreeMap<ProviderId, Failover>,
}

/// Text messages to numbers that begin so go through this provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrefixRule {
    /// `+` and the first digits of a number in E.164, such as `+49`.
    pub prefix: String,
    /// Through which provider.
    pub provider_id: ProviderId,
}

/// Whether a provider that is down or misconfigured hands its recipients to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Failover {
    /// Of messages to topics or to more than a hundred who are named. Never by itself when the service refuses us as a sender: the next
    /// service would soon do the same.
    pub bulk: Allowance,
    /// Of messages straight to a few users and targets.
    pub direct: Allowance,
}

/// Whether something is allowed, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Allowance {
    /// Whether it is.
    pub allowed: bool,
    /// Until when; absent: until somebody says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Allowance {
    /// Whether it is allowed now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.allowed && self.until.is_none_or(|until| now < until)
    }
}

impl Failover {
    /// What is allowed of bulk ([`Message::is_bulk`](super::message::Message::is_bulk)), or of the rest.
    pub fn of(&self, bulk: bool) -> &Allowance {
        if bulk { &self.bulk } else { &self.direct }
    }
}

/// Why somebody goes through another provider than planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MoveReason {
    /// The way to it failed again and again.
    Down,
    /// The service refuses our credentials.
    Misconfigured,
    /// The service refuses us as a sender.
    RefusesUs,
    /// It was switched off or deleted.
    Gone,
    /// An operator chose another.
    Operator,
}

impl MoveReason {
    /// For people, after the provider's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "was down",
            Self::Misconfigured => "refused our credentials",
            Self::RefusesUs => "refused us",
            Self::Gone => "was switched off",
            Self::Operator => "was passed over by an operator",
        }
    }
}

/// From where somebody was moved, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Moved {
    /// The provider that was planned.
    pub from: ProviderNo,
    /// Why it is not that one.
    pub why: MoveReason,
}

impl Routing {
    /// Where a provider stands in the order.
    pub fn place(&self, id: &ProviderId) -> usize {
        self.order.iter().position(|ordered| ordered == id).unwrap_or(self.order.len())
    }

    /// The rule for a number: the longest prefix that it begins with.
    pub fn rule(&self, number: &str) -> Option<&PrefixRule> {
        self.prefixes
            .iter()
            .filter(|rule| number.starts_with(&rule.prefix))
            .max_by_key(|rule| rule.prefix.len())
    }

    /// What a provider may hand on.
    pub fn failover(&self, id: &ProviderId) -> Failover {
        self.failover.get(id).copied().unwrap_or_default()
    }

    /// Checks the rules in themselves: E.164, each prefix once, not too many.
    ///
    /// # Errors
    /// What is wrong with which rule.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.prefixes.len() > MOST_RULES {
            return Err(Invalid::value("prefixes", format!("There may be {MOST_RULES} rules at most")));
        }
        let mut seen = BTreeSet::new();
        for PrefixRule { prefix, .. } in &self.prefixes {
            let digits = prefix.strip_prefix('+').unwrap_or_default();
            let good = (1..=15).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|digit| digit.is_ascii_digit());
            if !good {
                return Err(Invalid::value(
                    "prefixes",
                    format!("`{prefix}` is not `+` and the first digits of a number, such as +49"),
                ));
            }
            if !seen.insert(prefix) {
                return Err(Invalid::value("prefixes", format!("{prefix} stands twice")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(prefixes: &[&str]) -> Routing {
        let rule = |(n, prefix): (usize, &&str)| PrefixRule {
            prefix: (*prefix).into(),
            provider_id: ProviderId::new(format!("p{n}")).unwrap(),
        };
        Routing { prefixes: prefixes.iter().enumerate().map(rule).collect(), ..Routing::default() }
    }

    #[test]
    fn prefixes_are_those_of_numbers() {
        assert_eq!(rules(&["+49", "+491", "+1", "+358"]).check(), Ok(()));
        for bad in ["49", "+", "+0", "+49a", "", "+1234567890123456", "++4", "+٤٩"] {
            assert!(rules(&[bad]).check().is_err(), "{bad}");
        }
        assert!(rules(&["+49", "+49"]).check().is_err());
    }

    #[test]
    fn an_allowance_ends() {
        let until = Allowance { allowed: true, until: Some(Timestamp(10)) };
        assert!(until.holds(Timestamp(9)) && !until.holds(Timestamp(10)));
        assert!(!Allowance { allowed: false, until: None }.holds(Timestamp(0)));
        assert!(Allowance { allowed: true, until: None }.holds(Timestamp(i64::MAX)));
    }

    proptest! {
        #[test]
        fn the_longest_prefix_wins(
            prefixes in proptest::collection::btree_set("\\+[1-9][0-9]{0,3}", 0..12),
            number in "\\+[1-9][0-9]{6,12}",
        ) {
            let list: Vec<&str> = prefixes.iter().map(String::as_str).collect();
            let routing = rules(&list);
            let found = routing.rule(&number).map(|rule| rule.prefix.as_str());
            let expected = (1..=number.len()).rev().map(|end| &number[..end]).find(|part| list.contains(part));
            prop_assert_eq!(found, expected);
        }
    }
}
