//! The table of actions.

use super::{Danger, Row, Scope};

const fn first(both: Option<(&'static str, &'static str)>) -> Option<&'static str> {
    match both {
        Some((line, _)) => Some(line),
        None => None,
    }
}

const fn second(both: Option<(&'static str, &'static str)>) -> Option<&'static str> {
    match both {
        // Only the help of the program itself asks nothing of the API.
        Some((_, request)) if !request.is_empty() => Some(request),
        _ => None,
    }
}

/// Makes the enum and the table from one list, so that they cannot differ.
macro_rules! actions {
    ($($action:ident $id:literal $title:literal [$($scope:ident)+] $danger:ident $selection:ident $command:expr, $help:literal;)+) => {
        /// Something that a person can do in the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $(#[doc = $help] $action,)+
        }

        /// Every action, in the order in which help lists them.
        pub const TABLE: &[Row] = &[$(Row {
            action: Action::$action,
            id: $id,
            title: $title,
            help: $help,
            scopes: &[$(Scope::$scope),+],
            danger: Danger::$danger,
            needs_selection: actions!(@selection $selection),
            command: first($command),
            request: second($command),
        },)+];
    };
    (@selection any) => { false };
    (@selection one) => { true };
}

actions! {
    // Tabs.
    GoOverview "go.overview" "Overview" [Global] None any Some(("herald queue show", "GET /v1/herald/overview")), "Shows the overview: whether things are well, and what needs you.";
    GoMessages "go.messages" "Messages" [Global] None any Some(("herald message list", "GET /v1/messaging/messages")), "Shows the messages.";
    GoTopics "go.topics" "Topics" [Global] None any Some(("herald topic list", "GET /v1/messaging/topics")), "Shows the topics.";
    GoTargets "go.targets" "Targets" [Global] None any Some(("herald target list", "GET /v1/herald/targets")), "Shows the targets and their users.";
    GoProviders "go.providers" "Providers" [Global] None any Some(("herald provider list", "GET /v1/herald/providers")), "Shows the providers.";
    GoLive "go.live" "Live" [Global] None any Some(("herald log -f", "GET /v1/herald/deliveries")), "Shows the delivery log as it grows.";
    GoNextTab "go.next-tab" "Next tab" [Global] None any None, "Shows the next tab.";
    GoPreviousTab "go.previous-tab" "Previous tab" [Global] None any None, "Shows the tab before.";

    // The console itself.
    Help "app.help" "All keys" [Global] None any Some(("herald help", "")), "Lists every key that works here, and what it does.";
    Palette "app.palette" "Command" [Global] None any None, "Opens the palette: any action, by its name.";
    Refresh "app.refresh" "Refresh" [Global] None any None, "Asks again for everything on the screen and redraws it.";
    Theme "app.theme" "Theme" [Global] None any None, "Opens the themes, each shown while it is selected.";
    Suspend "app.suspend" "Suspend" [Global] None any None, "Puts the console into the background of the shell; fg brings it back.";
    Quit "app.quit" "Quit" [Global] None any None, "Leaves the console. Sending goes on.";
    StopSending "sending.stop" "Stop sending…" [Global] Reviewed any Some(("herald stop-sending", "POST /v1/herald/sending/stop")), "Opens the review that stops all sending at once, until it is lifted.";
    ResumeSending "sending.resume" "Resume sending…" [Global] Reviewed any Some(("herald resume-sending", "POST /v1/herald/sending/resume")), "Opens the review that lets sending go on after a stop.";

    UndoSend "message.undo" "Take back" [Global] Reversible any Some(("herald message unschedule {id}", "POST /v1/herald/messages/{id}/undo")), "Takes the last send back, while its undo window lasts.";

    // Moving about.
    Back "nav.back" "Back" [Global] None any None, "Goes one level out. Nothing is lost.";
    Open "nav.open" "Open" [Overview List Help Palette Pick] None one None, "Opens what is selected.";
    MoveDown "move.down" "Down" [List Detail Help Palette Pick] None any None, "Selects the next row.";
    MoveUp "move.up" "Up" [List Detail Help Palette Pick] None any None, "Selects the row before.";
    PageDown "move.page-down" "Page down" [List Detail Help Palette Pick] None any None, "Goes one page down.";
    PageUp "move.page-up" "Page up" [List Detail Help Palette Pick] None any None, "Goes one page up.";
    Top "move.top" "Top" [List Detail Help Palette Pick] None any None, "Goes to the first row.";
    End "move.end" "End" [List Detail Help Palette Pick Live] None any None, "Goes to the last row; on Live, follows again.";
    MoveLeft "move.left" "Left" [List Detail Help Pick] None any None, "Scrolls to the left.";
    MoveRight "move.right" "Right" [List Detail Help Pick] None any None, "Scrolls to the right.";
    NextPane "pane.next" "Next pane" [Global] None any None, "Shows the next pane of the detail.";
    PreviousPane "pane.previous" "Previous pane" [Global] None any None, "Shows the pane before.";

    // Lists.
    Filter "list.filter" "Filter" [List Overview Live] None any None, "Opens the filter line.";
    ClearFilter "list.clear-filter" "Clear filter" [List Live] None any None, "Shows everything again.";
    Mark "list.mark" "Mark" [List Detail] None any None, "Marks the row, or takes its mark away; actions then mean all that are marked.";
    MarkAll "list.mark-all" "Mark all" [List Detail] None any None, "Marks every row that is loaded; again, none.";
    Sort "list.sort" "Sort" [List] None any None, "Chooses the order of the list.";
    Columns "list.columns" "Columns" [List] None any None, "Chooses the columns that are shown.";
    Views "list.views" "Views" [List Live] None any None, "Opens the filters that have a name here.";
    SaveView "list.save-view" "Save view" [List Live] None any None, "Gives the filter of this list a name.";
    Jobs "app.jobs" "Jobs" [Global] None any None, "Shows what became of each, the last time that something was done to many.";
    StopJob "job.stop" "Stop it" [Pick] None any None, "Ends the job that is under way; what it has done stays done.";
    RetryFailed "job.retry" "Retry the failed" [Pick] None any None, "Does it again to those of the job that failed.";
    Find "go.find" "Find address" [Global] None any Some(("herald find {address}", "GET /v1/herald/find?words={address}")), "Goes to Targets and asks for an address, to see what arrived.";
    Import "people.import" "Import a file" [Topics Targets] None any Some(("herald import {file}", "POST /v1/herald/imports")), "Opens the form that imports people from CSV or NDJSON.";
    Copy "list.copy" "Copy" [List Detail Overview Pick] None one None, "Copies what is selected to your clipboard: its id, or the sentence for support.";
    CopyCommand "list.copy-command" "Copy command" [List Detail Overview Review] None any None, "Copies the command line that does the same.";
    CopyRequest "list.copy-request" "Copy request" [Review] None any None, "Copies the HTTP request that does the same.";
    Why "item.why" "Why" [Messages Targets Overview Live] None one Some(("herald why {id}", "GET /v1/herald/why/{id}")), "Says in one sentence why it stands where it stands.";

    // Messages.
    Compose "message.compose" "Compose" [Overview Messages Topics Targets Providers Live] None any Some(("herald send email --topic {topic} --subject {subject} --body-file {file} --draft", "POST /v1/messaging/messages/email")), "Starts a new message as a draft.";
    EditMessage "message.edit" "Edit" [Messages] None one None, "Opens a draft for editing; a scheduled message is held while you do.";
    SendMessage "message.send" "Send…" [Messages Compose] Reviewed one Some(("herald message send {id}", "PATCH /v1/messaging/messages/email/{id}")), "Opens the review that sends the message.";
    ScheduleMessage "message.schedule" "Schedule…" [Messages Compose] Reviewed one Some(("herald message schedule {id} --at {when}", "PATCH /v1/messaging/messages/email/{id}")), "Opens the review that sends the message at a time.";
    CancelMessage "message.cancel" "Cancel…" [Messages Overview] Reviewed one Some(("herald message cancel {id}", "POST /v1/herald/messages/{id}/cancel")), "Opens the review that cancels the message; what was sent stays sent.";
    MessagePause "message.pause" "Pause" [Messages] Reversible one Some(("herald message pause {id}", "POST /v1/herald/messages/{id}/pause")), "Pauses the message; what is in flight finishes.";
    MessageResume "message.resume" "Resume…" [Messages] Reviewed one Some(("herald message resume {id}", "POST /v1/herald/messages/{id}/resume")), "Opens the review that lets a paused message go on.";
    FailOver "provider.fail-over" "Fail over…" [Providers Overview] Reviewed one Some(("herald queue fail-over --filter {filter} --to {to}", "POST /v1/herald/operations")), "Chooses another provider for those who wait for this one, and opens the review.";
    ReleaseMessage "message.release" "Release…" [Messages Overview] Reviewed one Some(("herald message release {id}", "POST /v1/herald/messages/{id}/release")), "Opens the review of a held message: why it is held, and what releasing it does.";
    RetryMessage "message.retry" "Retry…" [Messages] Reviewed one Some(("herald message retry {id}", "POST /v1/herald/messages/{id}/retry")), "Opens the review that tries again whoever failed.";
    DeleteMessage "message.delete" "Delete…" [Messages] Reviewed one Some(("herald message delete {id}", "DELETE /v1/messaging/messages/{id}")), "Opens the review that deletes the message; its log stays.";

    DuplicateMessage "message.duplicate" "Duplicate" [Messages] None one Some(("herald message duplicate {id}", "POST /v1/herald/messages/{id}/duplicate")), "Makes a draft with the same content and audience.";
    CorrectRest "message.correct-rest" "Correct for rest…" [Messages] None one Some(("herald message correct {id}", "POST /v1/herald/topics/{topic}/targets")), "Of a paused message: opens the review that makes a draft for those who have not been tried, and ends it for them.";
    ThoseReached "message.those-reached" "To who got it…" [Messages] None one Some(("herald message follow-up {id}", "POST /v1/herald/topics/{topic}/targets")), "Opens the review that makes a draft for those who have been accepted, such as a correction.";
    Decide "message.decide" "Decide…" [Messages Overview] Reviewed one Some(("herald queue release --message {id} --why uncertain", "POST /v1/herald/waiting/decide")), "Opens the form that says what becomes of those whose answers were lost.";

    // Topics and targets.
    CreateTopic "topic.create" "New topic" [Topics] None any Some(("herald topic create {id} --name {name}", "POST /v1/messaging/topics")), "Opens the form for a new topic.";
    RenameTopic "topic.rename" "Rename" [Topics] None one Some(("herald topic rename {id} {name}", "PATCH /v1/messaging/topics/{id}")), "Opens the form that gives the topic another name.";
    Subscribe "topic.subscribe" "Subscribe" [Topics] None one Some(("herald topic subscribe {id} {target}", "POST /v1/herald/topics/{id}/targets")), "Opens the form that subscribes people by address, number or id.";
    DeleteTopic "topic.delete" "Delete…" [Topics] Reviewed one Some(("herald topic delete {id}", "DELETE /v1/messaging/topics/{id}")), "Opens the review that deletes the topic and its subscriptions.";
    Unsubscribe "topic.unsubscribe" "Unsubscribe…" [Topics Targets] Reviewed one Some(("herald topic unsubscribe {topic} {target}", "DELETE /v1/messaging/topics/{topic}/subscribers/{id}")), "Opens the review that takes the target off the topic.";

    CreatePerson "person.create" "Add person" [Targets] None any Some(("herald user create {id} --name {name} --email {address}", "POST /v1/users")), "Opens the form for a new person.";

    CreateTarget "target.create" "Add target" [Targets] None one Some(("herald target create {id} --user {user} --type email --address {address}", "POST /v1/users/{user}/targets")), "Opens the form for another way to reach this person.";
    EditTarget "target.edit" "Edit" [Targets] None one Some(("herald target set {id} --address {address}", "PATCH /v1/users/{user}/targets/{id}")), "Opens the form of the target: address, name, provider.";
    Unexpire "target.unexpire" "Un-expire" [Targets] Reversible one Some(("herald target set {id} --address {address}", "PATCH /v1/users/{user}/targets/{id}")), "Says that the address exists after all.";
    Suppress "target.suppress" "Suppress…" [Targets] Reviewed one Some(("herald suppression add {address}", "POST /v1/herald/suppressions")), "Opens the review that puts the address on the suppression list: nothing is sent to it.";
    LiftSuppression "target.lift" "Write again…" [Targets] Reviewed one Some(("herald suppression remove {address}", "DELETE /v1/herald/suppressions/{id}")), "Opens the review that takes everything of the address off the suppression list.";
    Suppressions "suppression.list" "Suppression list" [Targets] None any Some(("herald suppression list", "GET /v1/herald/suppressions")), "Shows the addresses that are not written to, and why; enter takes one off.";
    UndoSuppressions "suppression.undo" "Undo a cause…" [Targets] Reviewed any Some(("herald suppression undo --cause hard_bounce --from {when}", "POST /v1/herald/suppressions/undo")), "Chooses a cause and a time, and opens the review that takes back all that it suppressed.";
    DeleteTarget "target.delete" "Delete…" [Targets] Reviewed one Some(("herald target delete {id}", "DELETE /v1/users/{user}/targets/{id}")), "Opens the review that deletes the target; its log stays.";

    // Providers.
    CreateProvider "provider.create" "Add provider" [Providers] None any Some(("herald provider create smtp {id} --name {name}", "POST /v1/messaging/providers/smtp")), "Opens the form for a new provider.";
    EditProvider "provider.edit" "Edit" [Providers Overview] None one Some(("herald provider set {id} --option {option}", "PATCH /v1/messaging/providers/smtp/{id}")), "Opens the provider's settings; credentials can be replaced, not read.";
    DeleteProvider "provider.delete" "Delete…" [Providers] Reviewed one Some(("herald provider delete {id}", "DELETE /v1/messaging/providers/{id}")), "Opens the review that deletes the provider; its rows of the log stay.";
    ProviderEnable "provider.enable" "Enable…" [Providers] Reviewed one Some(("herald provider enable {id}", "PATCH /v1/messaging/providers/smtp/{id}")), "Opens the review that lets messages use the provider.";
    ProviderDisable "provider.disable" "Disable…" [Providers] Reviewed one Some(("herald provider disable {id}", "PATCH /v1/messaging/providers/smtp/{id}")), "Opens the review that takes the provider out of use.";
    ProviderPause "provider.pause" "Pause" [Providers Overview] Reversible one Some(("herald provider pause {id}", "POST /v1/herald/providers/{id}/pause")), "Pauses the provider; what is planned for it waits.";
    ProviderResume "provider.resume" "Resume…" [Providers Overview] Reviewed one Some(("herald provider resume {id}", "POST /v1/herald/providers/{id}/resume")), "Opens the review that lets the provider send what waits for it.";
    ProviderTest "provider.test" "Test…" [Providers Overview] None one Some(("herald provider test {id} --to {address}", "POST /v1/herald/providers/{id}/test")), "Opens the form that talks to the provider, and sends one real message to an address if you type one.";
    ProviderEarlier "provider.earlier" "Earlier in order" [Providers] Reversible one Some(("herald provider order {id}", "PATCH /v1/herald/routing")), "Moves the provider forward in the order in which providers are chosen.";
    ProviderLater "provider.later" "Later in order" [Providers] Reversible one Some(("herald provider order {id}", "PATCH /v1/herald/routing")), "Moves the provider back in the order in which providers are chosen.";
    ProviderFailover "provider.hands-on" "Hand on when down" [Providers Overview] None one Some(("herald provider failover {id} --bulk {when} --direct {when}", "POST /v1/herald/providers/{id}/failover")), "Opens the form that says whether the next provider steps in while this one is down, and until when.";
    ProviderRollback "provider.rollback" "Roll the key back" [Providers] Reversible one Some(("herald provider rollback {id}", "POST /v1/herald/providers/{id}/rollback")), "Puts the key back that was replaced in the last 24 hours.";
    Countries "provider.countries" "Countries" [Providers] None any Some(("herald provider countries", "PATCH /v1/herald/routing")), "Opens the rules that send numbers of a country through a provider.";

    // Live.
    Follow "live.follow" "Pause/follow" [Live] None any Some(("herald log -f", "GET /v1/herald/deliveries")), "Follows the log, or holds it still; nothing is lost meanwhile.";
    NextFailure "live.next-failure" "Next failure" [Live Messages] None any Some(("herald log --filter outcome!=accepted", "GET /v1/herald/deliveries?filter=outcome!=accepted")), "Goes to the next delivery that was not accepted.";
    PreviousFailure "live.previous-failure" "Previous failure" [Live Messages] None any None, "Goes to the delivery before that was not accepted.";

    RetryThese "live.retry" "Retry these…" [Live] Reviewed any Some(("herald queue retry --filter {filter}", "POST /v1/herald/operations")), "Opens the review that tries all again that the filter finds and that have not got it.";
    CancelThese "live.cancel" "Give these up…" [Live] Reviewed any Some(("herald queue cancel --filter {filter}", "POST /v1/herald/operations")), "Opens the review that ends what waits of all that the filter finds.";
    HoldThese "live.hold" "Hold these…" [Live] Reviewed any Some(("herald queue hold --filter {filter}", "POST /v1/herald/operations")), "Opens the review that lets all wait that the filter finds, until somebody releases them.";

    // Forms and compose.
    NextField "form.next" "Next field" [Form Compose Review Palette] None any None, "Goes to the next field.";
    PreviousField "form.previous" "Previous field" [Form Compose Review] None any None, "Goes to the field before.";
    Accept "form.accept" "Accept" [Form Compose Filter Palette] None any None, "Takes what the field holds and goes on.";
    Submit "form.submit" "Done" [Form] None any None, "Does what the form says, from any of its fields.";
    LeaveField "form.leave" "Back" [Form Compose Filter Palette Review] None any None, "Leaves the field or the form; what was typed is kept.";
    Editor "form.editor" "Your editor" [Form Compose] None any None, "Opens the field in your editor.";
    EditorForm "form.editor-whole" "Whole in editor" [Compose] None any None, "Opens the whole form in your editor.";
    Calendar "form.calendar" "Calendar" [Form Compose] None any None, "Opens a month to choose the day from.";
    Fold "compose.more" "More fields" [Compose] None any None, "Shows the fields that few need, or hides them again.";
    Variables "compose.variables" "Variable" [Compose] None any None, "Puts a variable, such as the person's name, where the cursor is.";
    Attach "compose.attach" "Attach" [Compose] None any None, "Goes to the files: what is attached to a mail, or the image of a notification.";
    AsTyped "compose.braces" "Braces" [Compose] None any None, "Says whether braces are variables or go out as they are typed.";
    KeepMine "compose.keep-mine" "Keep mine" [Compose] None any None, "Where somebody else changed the draft meanwhile: writes over it with what stands here.";
    KeepBoth "compose.keep-both" "Keep both" [Compose] None any None, "Where somebody else changed the draft meanwhile: what stands here becomes a draft of its own.";
    Drafts "compose.drafts" "Drafts" [Global] None any None, "Opens what you have begun to write, here or in another console.";
    NewMessage "compose.new" "Start anew" [Compose] None any None, "Keeps this draft and starts another.";
    Review "compose.review" "Review" [Compose] Reviewed any Some(("herald message preview {id}", "GET /v1/herald/messages/{id}/preview")), "Opens the review: who gets it, through what, and when.";
    Preview "compose.preview" "Preview" [Compose] None any Some(("herald message show {id}", "GET /v1/herald/messages/{id}")), "Shows the message as it will arrive.";
    TestToMe "compose.test" "Test to me…" [Compose] Reviewed any Some(("herald send email --target {address} --subject {subject} --body-file {file}", "POST /v1/messaging/messages/email")), "Opens the review that sends this text to you alone.";
    Confirm "review.confirm" "Confirm" [Review] Commits any Some(("herald message send {id} --confirm {count}", "PATCH /v1/messaging/messages/email/{id}")), "Does what the review says, once what it asks for is typed.";
    TakeUncertain "review.uncertain" "Uncertain too" [Review] None any Some(("herald message retry {id} --uncertain", "POST /v1/herald/messages/{id}/retry")), "Takes those in whose answers were lost, or leaves them out again.";
    Through "review.through" "Other provider" [Review] None any Some(("herald message retry {id} --provider {to}", "POST /v1/herald/messages/{id}/retry")), "Chooses the provider that a retry goes through.";
    NextSample "review.next-sample" "Next sample" [Review] None any None, "Shows the next recipient's copy.";
    PreviousSample "review.previous-sample" "Previous sample" [Review] None any None, "Shows the copy of the recipient before.";
    HistoryBack "palette.earlier" "Earlier" [Palette Filter] None any None, "Brings back the line typed before.";
    HistoryForward "palette.later" "Later" [Palette Filter] None any None, "Goes forward again among the lines typed.";
}
