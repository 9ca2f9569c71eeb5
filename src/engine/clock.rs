//! Waiting for a wall clock that may jump.

use crate::domain::time::{Clock, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// How long anybody sleeps without looking at the wall clock again: a jump ahead is noticed
/// within this time.
pub const SLICE: Duration = Duration::from_secs(1);

/// How long to sleep before looking at the clock again when something is due then.
pub fn slice(clock: &dyn Clock, due: Timestamp) -> Duration {
    due.since(clock.now()).min(SLICE)
}

/// How long until the next full minute of the wall clock.
pub fn to_the_minute(now: Timestamp) -> Duration {
    Duration::from_millis(60_000 - now.0.rem_euclid(60_000) as u64)
}

/// The wall clock's reading at an instant of the engine's own time.
pub fn wall_at(clock: &dyn Clock, at: Instant) -> Timestamp {
    let now = Instant::now();
    clock.now().plus(at.saturating_duration_since(now)).minus(now.saturating_duration_since(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes() {
        assert_eq!(to_the_minute(Timestamp(0)), Duration::from_mins(1));
        assert_eq!(to_the_minute(Timestamp(59_999)), Duration::from_millis(1));
        assert_eq!(to_the_minute(Timestamp(-1)), Duration::from_millis(1));
    }
}
