//! The use cases and the machinery behind them: scheduler, plan, dispatch, retry, limits, health, events.
