//! Figures, each beside what it is compared with and the bar that it must reach.

use std::time::Duration;

/// A bar: what a figure must be at least, or at most.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    /// At least.
    Least(f64),
    /// At most.
    Most(f64),
    /// None: printed for comparison.
    None,
}

/// Prints a figure on a line of its own, with its bar and whether it is reached.
pub fn figure(what: &str, value: f64, unit: &str, bar: Bar) {
    let verdict = match bar {
        Bar::Least(least) if value >= least => format!("bar ≥ {}: reached", short(least)),
        Bar::Least(least) => format!("bar ≥ {}: SHORT", short(least)),
        Bar::Most(most) if value <= most => format!("bar ≤ {}: reached", short(most)),
        Bar::Most(most) => format!("bar ≤ {}: SHORT", short(most)),
        Bar::None => String::new(),
    };
    println!("  {what:<58} {:>10} {unit:<7} {verdict}", short(value));
}

fn short(value: f64) -> String {
    match value.abs() {
        least if least >= 1000.0 => format!("{value:.0}"),
        least if least >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The value below which `percent` of the sorted times are.
pub fn quantile(sorted: &[Duration], percent: f64) -> Duration {
    let place = (sorted.len().saturating_sub(1)) as f64 * percent / 100.0;
    sorted.get(place.round() as usize).copied().unwrap_or_default()
}

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A span in milliseconds.
pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
