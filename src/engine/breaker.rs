//! A breaker for each provider: when the way to it fails again and again, nothing is
//! sent until a probe gets through.

use super::chance::Chance;
use super::config::EngineConfig;
use std::time::Duration;
use tokio::time::Instant;

/// What a breaker allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// Everything.
    Open,
    /// One train, to see whether it works again.
    Probe,
    /// Nothing until then.
    Wait(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All is well.
    Closed,
    /// Nothing is sent until then; then one train.
    Tripped(Instant),
    /// A probe is under way.
    Probing,
}

/// The breaker of one provider.
#[derive(Debug)]
pub struct Breaker {
    threshold: u32,
    base: Duration,
    cap: Duration,
    state: State,
    failures: u32,
    /// How often it has tripped since it was last closed.
    trips: u32,
    /// When it tripped first since it was last closed.
    since: Option<Instant>,
    /// The service has asked for a pause until then.
    asked: Option<Instant>,
    cause: String,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(config: &EngineConfig) -> Self {
        Self {
            threshold: config.breaker_failures.max(1),
            base: config.breaker_base,
            cap: config.breaker_cap,
            state: State::Closed,
            failures: 0,
            trips: 0,
            since: None,
            asked: None,
            cause: String::new(),
        }
    }

    /// What is allowed now.
    pub fn permit(&self, now: Instant) -> Permit {
        if let Some(until) = self.asked.filter(|until| *until > now) {
            return Permit::Wait(until);
        }
        match self.state {
            State::Closed => Permit::Open,
            State::Tripped(until) if until > now => Permit::Wait(until),
            State::Tripped(_) => Permit::Probe,
            // Whoever probes will say how it went; it is looked at again with the answer.
            State::Probing => Permit::Wait(now + self.base),
        }
    }

    /// Whether it is closed and nobody asked for a pause.
    pub fn is_closed(&self, now: Instant) -> bool {
        self.permit(now) == Permit::Open
    }

    /// Whether the way to it is known to fail: not a pause that was asked for, and not when it is
    /// time to try again, or a probe is under way.
    pub fn is_down(&self, now: Instant) -> bool {
        matches!(self.state, State::Tripped(until) if until > now)
    }

    /// Whether it has tripped, and no probe has come through since.
    pub fn is_tripped(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether a probe is under way.
    pub fn is_probing(&self) -> bool {
        self.state == State::Probing
    }

    /// When it tripped; `None`: it is closed.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// What went wrong last.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// The probe is on its way.
    pub fn probe(&mut self) {
        self.state = State::Probing;
    }

    /// The probe said nothing of the way (it was put back, or left out).
    pub fn probe_again(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Tripped(now);
        }
    }

    /// The service answered as a service does. An answer to what was sent before the breaker tripped
    /// does not close it: the probe does.
    pub fn success(&mut self) {
        self.failures = 0;
        if self.state == State::Probing {
            self.trips = 0;
            self.since = None;
            self.state = State::Closed;
        }
    }

    /// The way failed.
    pub fn failure(&mut self, cause: &str, now: Instant, chance: &Chance) {
        self.failures = self.failures.saturating_add(1);
        let trip = match self.state {
            State::Closed => self.failures >= self.threshold,
            State::Probing => true,
            State::Tripped(_) => false,
        };
        if !trip {
            return;
        }
        cause.clone_into(&mut self.cause);
        let pause = self.base.saturating_mul(1 << self.trips.min(20)).min(self.cap);
        if self.trips == 0 {
            self.since = Some(now);
        }
        self.trips += 1;
        // Between three and four quarters: many senders must not come back at once.
        self.state = State::Tripped(now + pause * 3 / 4 + chance.up_to(pause / 4));
    }

    /// The service asks for a pause.
    pub fn ask_pause(&mut self, until: Instant, cause: &str) {
        if self.asked.is_none_or(|asked| asked < until) {
            self.asked = Some(until);
            cause.clone_into(&mut self.cause);
        }
    }

    /// Forgets everything: an operator has changed something.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.trips = 0;
        self.since = None;
        self.state = State::Closed;
        self.asked = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Chance, Instant) {
        let config = EngineConfig { breaker_failures: 3, ..EngineConfig::default() };
        (Breaker::new(&config), Chance::new(1), Instant::now())
    }

    #[test]
    fn it_trips_probes_and_closes() {
        let (mut breaker, chance, now) = breaker();
        breaker.failure("refused", now, &chance);
        breaker.failure("refused", now, &chance);
        breaker.success();
        for _ in 0..2 {
            breaker.failure("refused", now, &chance);
            assert_eq!(breaker.permit(now), Permit::Open);
        }
        breaker.failure("timed out", now, &chance);
        let Permit::Wait(until) = breaker.permit(now) else { panic!("it is open") };
        assert!(until >= now + Duration::from_millis(750) && until <= now + Duration::from_secs(1));
        assert_eq!((breaker.cause(), breaker.since()), ("timed out", Some(now)));
        assert_eq!(breaker.permit(until), Permit::Probe);
        breaker.probe();
        assert!(matches!(breaker.permit(until), Permit::Wait(_)));
        breaker.failure("timed out", until, &chance);
        let Permit::Wait(later) = breaker.permit(until) else { panic!("it is open again") };
        assert!(later - until >= Duration::from_millis(1_500), "the pause doubles");
        assert_eq!(breaker.since(), Some(now), "it is still the same trouble");
        breaker.success();
        assert!(matches!(breaker.permit(until), Permit::Wait(_)), "an older answer does not close it");
        breaker.probe();
        breaker.success();
        assert_eq!((breaker.permit(later), breaker.since()), (Permit::Open, None));
    }

    #[test]
    fn pauses_are_capped() {
        let (mut breaker, chance, mut now) = breaker();
        for _ in 0..3 {
            breaker.failure("", now, &chance);
        }
        for _ in 0..30 {
            let Permit::Wait(until) = breaker.permit(now) else { panic!("it is open") };
            assert!(until - now <= Duration::from_mins(5));
            now = until;
            breaker.probe();
            breaker.failure("", now, &chance);
        }
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let (mut breaker, _, now) = breaker();
        breaker.ask_pause(now + Duration::from_secs(7), "429");
        breaker.ask_pause(now + Duration::from_secs(3), "429");
        breaker.success();
        assert_eq!(breaker.permit(now), Permit::Wait(now + Duration::from_secs(7)));
        assert!(breaker.is_closed(now + Duration::from_secs(7)));
    }
}
