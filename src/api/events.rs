//! The event stream: what has changed, up to which point.
//!
//! Nothing is buffered for a reader: each event stands for all before it, so a
//! slow reader costs one set of counts and never falls behind by more than that.

use super::answer::{Answered, stream};
use super::call::Call;
use super::drafts::Seat;
use super::metrics::OpenStream;
use crate::engine::Engine;
use crate::engine::events::{Event, Since};
use crate::wire::event::Changes;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::unfold;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// At most ten events a second for each reader.
const SPACING: Duration = Duration::from_millis(100);

/// A quiet stream says so, so that both ends notice a broken line.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Reader {
    engine: Engine,
    newest: watch::Receiver<u64>,
    closing: CancellationToken,
    /// The position that the reader has seen; `None`: it is new.
    seen: Option<(String, u64)>,
    first: bool,
    next: Instant,
    _open: OpenStream,
    /// Held while the stream lasts.
    _seat: Seat,
}

fn wire(event: &Event) -> Changes {
    let store = event.changes;
    Changes {
        commits: store.commits,
        people: store.people,
        topics: store.topics,
        providers: store.providers,
        messages: store.messages,
        schedule: store.schedule,
        plans: store.plans,
        log: store.log,
        documents: store.documents,
        engine: event.seq,
    }
}

pub(crate) async fn events(call: Call) -> Answered {
    let seen = call.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let seen = seen.or_else(|| call.query("since")).map(|id| {
        let (instance, seq) = id.rsplit_once('.').unwrap_or((id, ""));
        (instance.to_owned(), seq.parse().unwrap_or(u64::MAX))
    });
    let engine = call.engine().clone();
    let seat = call.app.seats.take(call.actor(), &engine);
    let reader = Reader {
        newest: engine.events().newest(),
        closing: call.closing.clone(),
        engine,
        seen,
        first: true,
        next: Instant::now(),
        _open: OpenStream::new(&call.app),
        _seat: seat,
    };
    let events = unfold(reader, |mut reader| async move {
        let bytes = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), reader))
    });
    Ok(stream("text/event-stream", Body::from_stream(events)))
}

impl Reader {
    /// The next piece of the stream; `None` when the door closes.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.closing.is_cancelled() {
                return None;
            }
            if !std::mem::take(&mut self.first) {
                let changed = async {
                    tokio::select! {
                        changed = self.newest.changed() => changed.is_ok(),
                        () = self.closing.cancelled() => false,
                    }
                };
                match timeout(KEEP_ALIVE, changed).await {
                    Err(_) => return Some(Bytes::from_static(b": nothing new\n\n")),
                    Ok(false) => return None,
                    Ok(true) => sleep_until(self.next).await,
                }
            }
            self.next = Instant::now() + SPACING;
            let newest = *self.newest.borrow_and_update();
            if let Some(piece) = self.piece(newest) {
                return Some(piece);
            }
        }
    }

    /// What there is to say when the newest event is this one: it stands for all before it.
    fn piece(&mut self, newest: u64) -> Option<Bytes> {
        let feed = self.engine.events();
        let name = match &self.seen {
            Some((instance, seq)) => match feed.since(instance, *seq) {
                Since::Reset(_) => "reset",
                Since::Events(_) => "changed",
            },
            None => "changed",
        };
        let last = match feed.since(feed.instance(), newest.saturating_sub(1)) {
            Since::Events(events) => events.into_iter().next_back()?,
            Since::Reset(_) => return None,
        };
        if self.seen.as_ref().is_some_and(|(instance, seq)| instance == feed.instance() && *seq == last.seq)
            && name == "changed"
        {
            return None;
        }
        self.seen = Some((feed.instance().to_owned(), last.seq));
        let data = serde_json::to_string(&wire(&last)).ok()?;
        Some(Bytes::from(format!("id: {}.{}\nevent: {name}\ndata: {data}\n\n", feed.instance(), last.seq)))
    }
}
