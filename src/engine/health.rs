//! How each provider does: rates, latencies, counts. Written by many workers,
//! read by the screen; nothing here is waited for.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Seconds of the throughput ring.
pub const RING: usize = 64;
/// Bounds of the latency classes, in microseconds: a quarter more each, from 100 µs to 100 s.
const CLASSES: usize = 64;

/// Upper bounds of the latency classes that never fade, in milliseconds.
const BOUNDS_MS: [f64; 10] = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 5_000.0, 30_000.0];

/// Counts of one provider.
#[derive(Debug)]
pub struct Health {
    /// Second and recipients with an answer in it, by second modulo [`RING`].
    seconds: [AtomicI64; RING],
    answers: [AtomicU64; RING],
    accepted_in: [AtomicU64; RING],
    latency: [AtomicU64; CLASSES],
    day: AtomicI64,
    today: [AtomicU64; 3],
    /// Since the start, and never less: for who reads rates from counts.
    totals: [AtomicU64; 3],
    slower: [AtomicU64; BOUNDS_MS.len() + 1],
    micros: AtomicU64,
}

/// What the screen shows of a provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthView {
    /// Answers a second, over the last ten full seconds, or since the first of them that had any.
    pub per_second: f64,
    /// Answers in each of the last 60 full seconds, oldest first.
    pub seconds: Vec<u64>,
    /// Accepted of those with an answer in the last minute, 0 to 1; `None` without any.
    pub success: Option<f64>,
    /// Half of the latest answers came within so many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 came within so many milliseconds.
    pub p99_ms: Option<f64>,
    /// Accepted today (UTC).
    pub accepted_today: u64,
    /// Refused for good today.
    pub failed_today: u64,
    /// Put off today.
    pub transient_today: u64,
    /// Accepted, refused for good and put off since the start.
    pub totals: [u64; 3],
    /// Answers since the start by latency: the upper bound in milliseconds (`None`: beyond all) and how many.
    pub latencies: Vec<(Option<f64>, u64)>,
    /// The sum of these latencies, in seconds.
    pub latency_sum_s: f64,
}

/// The kind of an answer, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tally {
    /// Accepted.
    Accepted = 0,
    /// Refused for good.
    Failed = 1,
    /// Put off, refused as a sender, or lost.
    Transient = 2,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            seconds: std::array::from_fn(|_| AtomicI64::new(i64::MIN)),
            answers: std::array::from_fn(|_| AtomicU64::new(0)),
            accepted_in: std::array::from_fn(|_| AtomicU64::new(0)),
            latency: std::array::from_fn(|_| AtomicU64::new(0)),
            day: AtomicI64::new(i64::MIN),
            today: std::array::from_fn(|_| AtomicU64::new(0)),
            totals: std::array::from_fn(|_| AtomicU64::new(0)),
            slower: std::array::from_fn(|_| AtomicU64::new(0)),
            micros: AtomicU64::new(0),
        }
    }
}

fn class(latency: Duration) -> usize {
    let micros = latency.as_micros().max(1) as f64;
    ((micros / 100.0).ln() / 1.25f64.ln()).clamp(0.0, (CLASSES - 1) as f64) as usize
}

fn upper_ms(class: usize) -> f64 {
    0.1 * 1.25f64.powi(class as i32 + 1)
}

/// Answers a second over the last ten of these seconds. What began within them is not counted as
/// slow for the seconds before it, and one answer alone is not taken for a pace.
fn pace(seconds: &[u64]) -> f64 {
    let last = &seconds[seconds.len().saturating_sub(10)..];
    let since = last.iter().position(|count| *count > 0).map_or(0, |first| last.len() - first);
    last.iter().sum::<u64>() as f64 / since.max(3) as f64
}

impl Health {
    /// Counts the answers of one train, which came about now.
    pub fn note(&self, now_ms: i64, tallies: [u64; 3], latency: Duration) {
        let second = now_ms.div_euclid(1000);
        let slot = second.rem_euclid(RING as i64) as usize;
        if self.seconds[slot].swap(second, Relaxed) != second {
            self.answers[slot].store(0, Relaxed);
            self.accepted_in[slot].store(0, Relaxed);
        }
        let sum: u64 = tallies.iter().sum();
        self.answers[slot].fetch_add(sum, Relaxed);
        self.accepted_in[slot].fetch_add(tallies[Tally::Accepted as usize], Relaxed);
        let day = second.div_euclid(86_400);
        if self.day.swap(day, Relaxed) != day {
            self.today.iter().for_each(|count| count.store(0, Relaxed));
        }
        for (count, more) in self.today.iter().chain(&self.totals).zip(tallies.iter().cycle()) {
            count.fetch_add(*more, Relaxed);
        }
        let ms = latency.as_secs_f64() * 1e3;
        let slot = BOUNDS_MS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS_MS.len());
        self.slower[slot].fetch_add(sum, Relaxed);
        self.micros.fetch_add((latency.as_micros() as u64).saturating_mul(sum), Relaxed);
        let seen = &self.latency[class(latency)];
        if seen.fetch_add(sum, Relaxed) + sum > 1 << 16 {
            // Old answers fade, so that the classes speak of now.
            for count in &self.latency {
                count.store(count.load(Relaxed) / 2, Relaxed);
            }
        }
    }

    /// What the screen shows.
    pub fn view(&self, now_ms: i64) -> HealthView {
        let second = now_ms.div_euclid(1000);
        let of = |counts: &[AtomicU64; RING], at: i64| {
            let slot = at.rem_euclid(RING as i64) as usize;
            if self.seconds[slot].load(Relaxed) == at { counts[slot].load(Relaxed) } else { 0 }
        };
        let seconds: Vec<u64> = (second - 60..second).map(|at| of(&self.answers, at)).collect();
        let answered: u64 = seconds.iter().sum::<u64>() + of(&self.answers, second);
        let accepted: u64 = (second - 60..=second).map(|at| of(&self.accepted_in, at)).sum();
        let classes: Vec<u64> = self.latency.iter().map(|count| count.load(Relaxed)).collect();
        let total: u64 = classes.iter().sum();
        let quantile = |share: f64| {
            let wanted = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            (total > 0)
                .then(|| {
                    classes
                        .iter()
                        .position(|count| {
                            seen += count;
                            seen >= wanted
                        })
                        .map(upper_ms)
                })
                .flatten()
        };
        let today = |tally: Tally| {
            let current = self.day.load(Relaxed) == second.div_euclid(86_400);
            if current { self.today[tally as usize].load(Relaxed) } else { 0 }
        };
        HealthView {
            per_second: pace(&seconds),
            success: (answered > 0).then(|| (accepted as f64 / answered as f64).min(1.0)),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            accepted_today: today(Tally::Accepted),
            failed_today: today(Tally::Failed),
            transient_today: today(Tally::Transient),
            totals: std::array::from_fn(|tally| self.totals[tally].load(Relaxed)),
            latencies: BOUNDS_MS
                .iter()
                .map(|bound| Some(*bound))
                .chain([None])
                .zip(self.slower.iter().map(|count| count.load(Relaxed)))
                .collect(),
            latency_sum_s: self.micros.load(Relaxed) as f64 / 1e6,
            seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_just_begun_is_not_called_slow() {
        let mut seconds = vec![0; 60];
        assert!(pace(&seconds).abs() < 1e-9);
        seconds[56..].copy_from_slice(&[90, 110, 100, 100]);
        assert!((pace(&seconds) - 100.0).abs() < 1e-9);
        seconds[50..].copy_from_slice(&[100; 10]);
        assert!((pace(&seconds) - 100.0).abs() < 1e-9);
        let mut alone = vec![0; 60];
        alone[59] = 1;
        assert!((pace(&alone) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_last_minute_and_the_quantiles() {
        let health = Health::default();
        let begin = 1_700_000_000_000;
        for second in 0..100 {
            let latency = Duration::from_millis(if second % 50 == 0 { 900 } else { 10 });
            health.note(begin + second * 1000, [80, 15, 5], latency);
        }
        let view = health.view(begin + 100_000);
        assert_eq!(view.seconds, vec![100; 60]);
        assert!((view.per_second - 100.0).abs() < 1e-9);
        assert_eq!(view.success, Some(0.8));
        assert!((10.0..13.0).contains(&view.p50_ms.unwrap()), "{:?}", view.p50_ms);
        assert!((900.0..1_200.0).contains(&view.p99_ms.unwrap()), "{:?}", view.p99_ms);
        assert_eq!((view.accepted_today, view.failed_today, view.transient_today), (8_000, 1_500, 500));
        assert_eq!(view.totals, [8_000, 1_500, 500]);
        assert_eq!(view.latencies.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
        assert!((view.latency_sum_s - (98.0 + 180.0)).abs() < 1e-6, "{}", view.latency_sum_s);
        let later = health.view(begin + 300_000);
        assert_eq!((later.per_second, later.success), (0.0, None), "what is long ago does not count");
    }
}
