//! The rule that stops a provider's bulk when too much comes back.

use crate::domain::guard::GuardRule;
use clap::Args;

/// Parts of the rule; what is not given stays.
#[derive(Debug, Clone, Default, Args)]
pub struct Guard {
    /// Stop its bulk when too much comes back, or never: on or off
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
    pub guard: Option<String>,
    /// So many hard bounces of a hundred deliveries are too many
    #[arg(long, value_name = "PERCENT")]
    pub guard_bounces: Option<f64>,
    /// So many complaints of a hundred deliveries are too many
    #[arg(long, value_name = "PERCENT")]
    pub guard_complaints: Option<f64>,
    /// Counted over so many of the latest deliveries, 100 to 100000
    #[arg(long, value_name = "COUNT")]
    pub guard_window: Option<u64>,
    /// Fewer deliveries say nothing
    #[arg(long, value_name = "COUNT")]
    pub guard_least: Option<u64>,
}

impl Guard {
    /// The rule with what was given; nothing: nothing was.
    pub fn over(&self, now: GuardRule) -> Option<GuardRule> {
        let rule = GuardRule {
            enabled: self.guard.as_deref().map_or(now.enabled, |word| word == "on"),
            bounce_percent: self.guard_bounces.unwrap_or(now.bounce_percent),
            complaint_percent: self.guard_complaints.unwrap_or(now.complaint_percent),
            window: self.guard_window.unwrap_or(now.window),
            least: self.guard_least.unwrap_or(now.least),
        };
        (rule != now).then_some(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays() {
        let now = GuardRule::default();
        assert_eq!(Guard::default().over(now), None);
        let given = Guard { guard_bounces: Some(2.5), ..Guard::default() };
        assert_eq!(given.over(now), Some(GuardRule { bounce_percent: 2.5, ..now }));
    }
}
