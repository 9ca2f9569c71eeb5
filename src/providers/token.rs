//! A token that lives for a while: made when it is needed, shared until it is old.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Keeps one token. Whoever asks while it is being made waits for the same one.
#[derive(Debug, Default)]
pub struct TokenKeeper {
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    token: Arc<str>,
    made: Instant,
    renew_after: Duration,
}

impl TokenKeeper {
    /// The token; `make` gives a new one, and how long it is to be used.
    pub async fn get<E, F>(&self, make: impl FnOnce() -> F) -> Result<Arc<str>, E>
    where
        F: Future<Output = Result<(String, Duration), E>>,
    {
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.made.elapsed() < held.renew_after) {
            return Ok(Arc::clone(&held.token));
        }
        // Its age counts from before it was asked for.
        let made = Instant::now();
        let (token, renew_after) = make().await?;
        let token: Arc<str> = token.into();
        *held = Some(Held { token: Arc::clone(&token), made, renew_after });
        Ok(token)
    }

    /// Forgets a token that the service no longer takes, if it is the kept one and at least
    /// `least` old. Says whether asking again gives another one than `token`.
    pub async fn renew(&self, token: &str, least: Duration) -> bool {
        let mut held = self.held.lock().await;
        match held.as_ref() {
            Some(held) if *held.token != *token => return true,
            Some(held) if held.made.elapsed() < least => return false,
            _ => {}
        }
        *held = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU32, Ordering};

    const HOUR: Duration = Duration::from_hours(1);

    async fn ask(keeper: &TokenKeeper, made: &AtomicU32) -> Arc<str> {
        let make = || async {
            tokio::task::yield_now().await;
            let n = made.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>((format!("t{n}"), HOUR))
        };
        keeper.get(make).await.unwrap_or_else(|never| match never {})
    }

    #[tokio::test(start_paused = true)]
    async fn one_token_for_all_until_it_is_old() {
        let (keeper, made) = (TokenKeeper::default(), AtomicU32::new(0));
        let (a, b) = tokio::join!(ask(&keeper, &made), ask(&keeper, &made));
        assert_eq!((&*a, &*b), ("t0", "t0"));
        tokio::time::advance(Duration::from_millis(3_599_999)).await;
        assert_eq!(&*ask(&keeper, &made).await, "t0");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(&*ask(&keeper, &made).await, "t1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_young_token_is_not_renewed_again_and_again() {
        let (keeper, made) = (TokenKeeper::default(), AtomicU32::new(0));
        let least = Duration::from_mins(20);
        let first = ask(&keeper, &made).await;
        assert!(!keeper.renew(&first, least).await);
        tokio::time::advance(least).await;
        assert!(keeper.renew(&first, least).await);
        assert_eq!(&*ask(&keeper, &made).await, "t1");
        assert!(keeper.renew(&first, least).await, "somebody has renewed it already");
        assert_eq!(&*ask(&keeper, &made).await, "t1");
    }
}
