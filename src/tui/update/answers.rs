//! Where answers go.

use crate::tui::message::{Answer, Fault, Slot};
use crate::tui::runtime::Request;
use crate::tui::screens;
use crate::tui::state::{Overlay, PACE, State, timer};
use crate::tui::watch;

/// Takes an answer in.
pub(super) fn take(state: &mut State, slot: Slot, answer: Answer) {
    match (slot, answer) {
        (_, Answer::Overview(overview)) => {
            if overview.rate > 0.0 {
                state.request(Request::Timer { id: timer::PACE, after: PACE });
            }
            screens::overview::take(state, overview);
            state.welcome_back();
        }
        (Slot::Sending, Answer::Messages(_, list)) => screens::overview::take_sending(state, list),
        (_, Answer::Messages(page, list)) => screens::messages::take_list(state, &page, list),
        (_, Answer::Message(detail)) => screens::messages::take_detail(state, detail),
        (Slot::Deliveries, Answer::Deliveries(request, page)) => {
            screens::messages::take_deliveries(state, &request, page);
        }
        (Slot::Failure, Answer::Deliveries(request, page)) => {
            screens::messages::take_failure(state, &request, &page);
        }
        (Slot::Address, Answer::Deliveries(request, page)) => {
            screens::targets::take_lookup(state, &request, page);
        }
        (Slot::LeftOut, Answer::Deliveries(request, page)) => {
            screens::messages::take_left_out(state, &request, &page);
        }
        (_, Answer::Errors(id, errors)) => screens::messages::take_errors(state, &id, errors),
        (_, Answer::Drafts(drafts)) => screens::compose::take_drafts(state, drafts),
        (Slot::History, Answer::Deliveries(request, page)) => {
            screens::targets::take_history(state, &request, page);
        }
        (Slot::Older, Answer::Deliveries(_, page)) => screens::live::take_older(state, page),
        (_, Answer::Deliveries(request, page)) => screens::live::take(state, &request, page),
        (Slot::Before, Answer::Audit(resource, page)) => {
            screens::overview::take_before(state, &resource, page);
        }
        (_, Answer::Audit(resource, page)) => screens::messages::take_audit(state, &resource, page),
        (Slot::ChoiceTopics, Answer::Topics(_, list)) => screens::choices::take_topics(state, list),
        (Slot::ChoiceTargets, Answer::Targets(_, list)) => screens::choices::take_targets(state, list),
        (_, Answer::Users(list)) => screens::choices::take_users(state, list),
        (_, Answer::Topics(page, list)) => screens::topics::take_list(state, &page, list),
        (_, Answer::Subscribers(topic, page, list)) => {
            screens::topics::take_subscribers(state, &topic, &page, list);
        }
        (_, Answer::Targets(page, list)) => screens::targets::take_list(state, &page, list),
        (_, Answer::Outcomes(targets)) => screens::targets::take_outcomes(state, &targets),
        (_, Answer::User(user)) => screens::targets::take_user(state, user),
        (_, Answer::Providers(list)) => screens::providers::take(state, list),
        (_, Answer::Provider(provider)) => {
            screens::form::open(state, screens::form::Purpose::EditProvider(provider));
        }
        (_, Answer::Routing(routing)) => {
            screens::form::open(state, screens::form::Purpose::Countries(routing));
        }
        (_, Answer::Preview(id, preview)) => screens::review::take_preview(state, &id, preview),
        (Slot::Suppressed, Answer::Suppressions(asked, list)) => {
            screens::targets::take_suppressed(state, &asked, list);
        }
        (_, Answer::Suppressions(asked, list)) => screens::pick::open_suppressions(state, &asked, list),
        (_, Answer::Undoable(asked, found)) => screens::review::take_undo(state, asked, &found),
        (_, Answer::Operation(operation)) => screens::review::take_operation(state, &operation),
        (_, Answer::Folder(folder)) => screens::take_folder(state, &folder),
        (_, Answer::File(file)) => screens::compose::take_file(state, file),
        (_, Answer::Settings(settings)) => screens::compose::take_settings(state, &settings),
        (_, Answer::Watched(all)) => watch::take(state, &all),
        (_, Answer::Retry(id, preview)) => screens::review::take_retry(state, &id, &preview),
    }
}

/// Takes note that a question was not answered.
pub(super) fn fail(state: &mut State, slot: Slot, fault: Fault) {
    match slot {
        // What is gone is not shown any more; the list says so by itself.
        Slot::Detail | Slot::Deliveries | Slot::Causes | Slot::LeftOut | Slot::Audit if fault.missing => {
            state.messages.forget_detail();
        }
        Slot::Subscribers | Slot::Person | Slot::History | Slot::File if fault.missing => {}
        // What is kept here is enough to go on with; a dialog stays as it is, and what it
        // asks for is refused where it does not fit; a list asks again when it changes.
        Slot::Drafts | Slot::Watched | Slot::Outcomes if !fault.unreachable => {}
        // Whoever may not look at the list sees the rest all the same.
        Slot::Suppressed => {}
        // A page that continues after a row that is gone begins anew.
        Slot::Messages if fault.missing => screens::messages::begin_anew(state),
        Slot::Targets if fault.missing => screens::targets::begin_anew(state),
        Slot::Topics if fault.missing => screens::topics::begin_anew(state),
        // The list that was there, and why it cannot stand in that order.
        Slot::Messages | Slot::Topics | Slot::Targets if fault.too_many && screens::pick::unsort(state) => {
            state.complain(
                "This order needs a filter that leaves at most 5,000 rows; the newest stand first again.",
            );
        }
        Slot::Review => match state.overlays.last_mut() {
            Some(Overlay::Review(review)) => review.fail(fault.text),
            _ => state.fault(fault),
        },
        _ => state.fault(fault),
    }
}
