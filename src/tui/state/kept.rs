//! What a console keeps between its starts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{State, Tab};
use crate::domain::time::Timestamp;
use crate::tui::message::{Effect, Sort};
use crate::tui::screens::compose::{self, Compose};
use crate::tui::show;
use crate::wire::overview::StateCounts;

/// What is kept: where one was and what is half done. Never a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kept {
    /// The tab, by the name of its scope.
    pub tab: String,
    /// The theme that was chosen.
    pub theme: Option<String>,
    /// Filters, by the tab's scope.
    pub filters: BTreeMap<String, String>,
    /// Orders, by the tab's scope.
    pub sorts: BTreeMap<String, Sort>,
    /// Columns that are hidden, by the tab's scope.
    pub hidden: BTreeMap<String, BTreeSet<String>>,
    /// Filters that have a name, by the tab's scope.
    pub views: BTreeMap<String, BTreeMap<String, String>>,
    /// Addresses of one's own, for copies, by type.
    pub own: BTreeMap<String, String>,
    /// What is being written.
    pub draft: Option<compose::Kept>,
    /// How things stood at the end.
    pub left: Option<Left>,
}

/// How things stood when the console ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Left {
    /// When.
    pub at: Timestamp,
    /// Messages by state.
    pub states: StateCounts,
    /// What needed somebody.
    pub needs: usize,
}

impl State {
    /// What is to be kept now.
    pub fn kept(&self) -> Kept {
        let filters = [
            (Tab::Messages, &self.messages.filter),
            (Tab::Topics, &self.topics.filter),
            (Tab::Targets, &self.targets.filter),
            (Tab::Live, &self.live.filter),
        ];
        let set = filters.into_iter().filter(|(_, filter)| !filter.is_empty());
        let left = self.overview.as_ref().map(|overview| Left {
            at: Timestamp::from_utc(self.now),
            states: overview.states,
            needs: overview.needs_you.len(),
        });
        Kept {
            tab: self.tab.scope().name().to_owned(),
            theme: self.chosen_theme.clone(),
            filters: set.map(|(tab, filter)| (tab.scope().name().to_owned(), filter.clone())).collect(),
            sorts: [
                (Tab::Messages, &self.messages.sort),
                (Tab::Topics, &self.topics.sort),
                (Tab::Targets, &self.targets.sort),
            ]
            .into_iter()
            .filter_map(|(tab, sort)| Some((tab.scope().name().to_owned(), sort.clone()?)))
            .collect(),
            hidden: self.hidden.clone(),
            views: self.views.clone(),
            own: self.own.clone(),
            draft: self.compose.as_ref().filter(|one| !one.is_blank()).map(Compose::kept),
            left: left.or(self.left),
        }
    }

    /// Wants what is worth it kept.
    pub fn keep(&mut self) {
        let kept = self.kept();
        self.out.push(Effect::Keep(Box::new(kept)));
    }

    /// Goes on where a console ended.
    pub fn restore(&mut self, kept: Kept) {
        let tab = Tab::ALL.into_iter().find(|tab| tab.scope().name() == kept.tab);
        self.tab = tab.unwrap_or(self.tab);
        if let Some(theme) = &kept.theme {
            self.show_theme(theme);
        }
        let filter = |tab: Tab| kept.filters.get(tab.scope().name()).cloned().unwrap_or_default();
        self.messages.filter = filter(Tab::Messages);
        self.topics.filter = filter(Tab::Topics);
        self.targets.filter = filter(Tab::Targets);
        self.live.filter = filter(Tab::Live);
        let sort = |tab: Tab| kept.sorts.get(tab.scope().name()).cloned();
        self.messages.sort = sort(Tab::Messages);
        self.topics.sort = sort(Tab::Topics);
        self.targets.sort = sort(Tab::Targets);
        self.hidden = kept.hidden;
        self.views = kept.views;
        self.own = kept.own;
        self.compose = kept.draft.map(Compose::from_kept);
        self.left = kept.left;
        self.away = kept.left;
    }

    /// One line on what changed since a console ended here, once.
    pub fn welcome_back(&mut self) {
        let (Some(left), Some(overview)) = (self.away.take(), &self.overview) else { return };
        let now = overview.states;
        let more = |now: u64, then: u64, word: &str| {
            let n = now.saturating_sub(then);
            (n > 0).then(|| format!("{} {word}", show::count(n)))
        };
        let parts: Vec<String> = [
            more(now.sent, left.states.sent, "sent"),
            more(now.failed, left.states.failed, "failed"),
            more(now.held, left.states.held, "held"),
            more(now.scheduled, left.states.scheduled, "more scheduled"),
            more(overview.needs_you.len() as u64, left.needs as u64, "more that needs you"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let ago = show::age(left.at, self.now);
        let draft = if self.compose.is_some() { " · a draft waits, c opens it" } else { "" };
        if !parts.is_empty() {
            self.say(format!("Since you left, {ago} ago: {}{draft}", parts.join(" · ")));
        } else if !draft.is_empty() {
            self.say(format!("Nothing ended since you left, {ago} ago{draft}"));
        }
    }
}
