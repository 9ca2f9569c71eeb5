//! Limits and fairness, counted where the messages arrive.

use crate::world::{
    World, accept, crowd, edit, ended, message, people, person, refuse, send, sleep, smtp, too_many, until,
};
use crate::world::{add, create, draft, provider};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::domain::ids::TargetId;
use herald::domain::time::Timestamp;
use herald::providers::adapter::Verdict;
use std::time::Duration;

fn times(world: &World) -> Vec<Timestamp> {
    world.post.tried().iter().map(|sent| sent.at).collect()
}

#[test]
fn a_limit_a_second_is_used_up_and_never_exceeded() {
    for (rate, people) in [(20.0, 200), (100.0, 1_000), (10_000.0, 20_000)] {
        let mut world = World::default();
        world.train = 64;
        world.live(async |engine| {
            smtp(&engine).await;
            edit(&engine, "mail", |provider| provider.limits.per_second = Some(rate)).await;
            crowd(&engine, "all", 0..people).await;
            world.post.script(|_| {
                let mut reply = accept();
                // The record is made on arrival: what comes behind in a train comes at once.
                reply.after = Duration::ZERO;
                reply
            });
            send(&engine, "paced", Channel::Email, "all").await;
            ended(&engine, "paced").await;
        });
        let times = times(&world);
        assert_eq!(times.len(), people);
        assert_eq!(too_many(&times, rate), 0, "at {rate}/s");
        let span = times.last().unwrap().since(times[0]).as_secs_f64();
        let used = people as f64 / (span * rate);
        assert!((0.98..=1.01).contains(&used), "{used} of {rate}/s");
    }
}

#[test]
fn restarts_and_clock_jumps_open_no_burst() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_hour = Some(100)).await;
        crowd(&engine, "all", 0..600).await;
        send(&engine, "quota", Channel::Email, "all").await;
        sleep(20.0).await;
    });
    // How much time has really passed; the wall clock says something else.
    let mut passed = 20.0;
    for (n, jump) in [3_600, -3_600, 86_400, -86_400, -7_200, 3_600].into_iter().enumerate() {
        world.live(async |engine| {
            // Before the engine has looked, a jump cannot be told from time that nothing ran.
            let calm = if n == 0 { 1.0 } else { 300.0 };
            sleep(calm).await;
            passed += calm;
            world.clock.jump(jump);
            sleep(400.0).await;
            passed += 400.0;
            let sent = world.post.tried().len();
            let hours = (passed / 3_600.0_f64).ceil();
            assert!(sent as f64 <= 100.0 * hours, "{sent} in {passed} s");
            assert!(message(&engine, "quota").await.progress.planned == 600);
            world.clock.jump(-jump);
        });
    }
    assert!(world.post.tried().len() >= 100);
}

#[test]
fn a_quota_goes_on_when_its_hour_is_over() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_hour = Some(50)).await;
        crowd(&engine, "all", 0..200).await;
        send(&engine, "quota", Channel::Email, "all").await;
        ended(&engine, "quota").await;
        let times = times(&world);
        assert_eq!(times.len(), 200);
        for from in &times {
            let hour =
                times.iter().filter(|at| *at >= from && at.since(*from) < Duration::from_hours(1)).count();
            assert!(hour <= 50, "{hour} in an hour");
        }
        let span = times[199].since(times[0]);
        assert!(span <= Duration::from_mins(3 * 62), "{span:?}");
    });
}

#[test]
fn messages_share_a_limit() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(100.0)).await;
        crowd(&engine, "all", 0..3_000).await;
        for name in ["a", "b", "c"] {
            send(&engine, name, Channel::Email, "all").await;
        }
        sleep(30.0).await;
        let counts: Vec<_> = ["a", "b", "c"]
            .map(|name| world.post.tried().iter().filter(|sent| sent.headline == name).count())
            .to_vec();
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(*least >= 900 && (most - least) as f64 <= *most as f64 * 0.05, "{counts:?}");
    });
}

#[test]
fn one_recipient_never_waits_behind_thousands() {
    // The pace, and how long the single one may take: the next token and 50 ms.
    for (rate, slow, most) in [(Some(100.0), 2, 60), (Some(2.0), 2, 560), (None, 100, 150)] {
        let world = World::default();
        world.live(async |engine| {
            smtp(&engine).await;
            edit(&engine, "mail", |provider| provider.limits.per_second = rate).await;
            crowd(&engine, "all", 0..5_000).await;
            person(&engine, 9_000, Channel::Email, None).await;
            world.post.script(move |_| {
                let mut reply = accept();
                reply.after = Duration::from_millis(slow);
                reply
            });
            send(&engine, "bulk", Channel::Email, "all").await;
            sleep(10.0).await;
            for n in 0..5 {
                let name = format!("one{n}");
                let mut one = draft(&engine, &name, Channel::Email);
                one.targets = vec![TargetId::new("t9000").unwrap()];
                let due = engine.now();
                create(&engine, one).await;
                until("it is sent", async || world.post.tried().iter().any(|sent| sent.headline == name))
                    .await;
                let sent = world.post.tried().into_iter().find(|sent| sent.headline == name).unwrap();
                let waited = sent.at.since(due);
                assert!(waited <= Duration::from_millis(most), "{waited:?} at {rate:?}");
                sleep(1.37).await;
            }
        });
    }
}

#[test]
fn a_dead_provider_slows_no_other() {
    let mut spans = Vec::new();
    for dead in [false, true] {
        let world = World::default();
        world.live(async |engine| {
            smtp(&engine).await;
            edit(&engine, "mail", |provider| provider.limits.per_second = Some(200.0)).await;
            add(&engine, provider("sms", "sandbox", Channel::Sms)).await;
            crowd(&engine, "all", 0..2_000).await;
            people(&engine, Channel::Sms, "phones", 5_000..5_200).await;
            world.post.script(move |sent| {
                if sent.provider == "sms" {
                    let mut reply = refuse(Verdict::Transient, Stage::Connect, 0, "timed out");
                    reply.after = Duration::from_secs(30);
                    reply
                } else {
                    accept()
                }
            });
            if dead {
                send(&engine, "sms", Channel::Sms, "phones").await;
            }
            send(&engine, "mail", Channel::Email, "all").await;
            ended(&engine, "mail").await;
            let mails: Vec<_> =
                world.post.tried().into_iter().filter(|sent| sent.provider == "mail").collect();
            spans.push(mails.last().unwrap().at.since(mails[0].at).as_secs_f64());
        });
    }
    assert!(spans[1] <= spans[0] * 1.02, "{spans:?}");
}

#[test]
fn the_window_bounds_what_is_claimed() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.window = Some(64)).await;
        crowd(&engine, "all", 0..2_000).await;
        send(&engine, "bounded", Channel::Email, "all").await;
        until("it has ended", async || {
            let open: usize = engine
                .store()
                .open_windows()
                .await
                .unwrap()
                .iter()
                .map(|window| window.source.len() - window.done_count())
                .sum();
            assert!(open <= 64, "{open} claimed");
            message(&engine, "bounded").await.state.is_over()
        })
        .await;
    });
}
