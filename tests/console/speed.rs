//! Building a screen costs the same whatever the number of rows.

use std::time::{Duration, Instant};

use herald::domain::delivery::Outcome;
use herald::wire::message::State as Is;

use super::screens::{begun, draw, press};
use super::world::{World, delivery, message, target, topic};

/// As many rows as a store may have.
fn big() -> World {
    let mut world = World::busy();
    world.messages =
        (0..20_000).map(|n| message(&format!("m{n}"), Is::Sent, &format!("Message {n}"))).collect();
    world.topics = (0..20_000).map(|n| topic(&format!("t{n}"), n, n, n)).collect();
    world.targets = (0..20_000).map(target).collect();
    world.log = (0..20_000).map(|n| delivery(n, n as i64 / 100 - 300, Outcome::Accepted)).collect();
    world
}

/// The best of a few: what the machine can do, not what else it does.
fn best(state: &herald::tui::state::State) -> Duration {
    (0..7)
        .map(|_| {
            let began = Instant::now();
            draw(state);
            began.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
fn no_screen_costs_more_with_more_rows() {
    let (small, big) = (World::busy(), big());
    for keys in ["0", "1", "1 ] enter", "2", "3", "4", "5", "5 n", "c", "1 ?"] {
        let measured = [&small, &big].map(|world| {
            let mut state = begun(world, 120, 40);
            press(&mut state, world, keys);
            best(&state)
        });
        // Rows that were blank are drawn; beyond that nothing is looked at.
        assert!(measured[1] < measured[0] * 8 + Duration::from_millis(2), "{keys}: {measured:?}");
        let limit = Duration::from_millis(if cfg!(debug_assertions) { 40 } else { 2 });
        assert!(measured[1] <= limit, "{keys}: {measured:?}");
    }
}
