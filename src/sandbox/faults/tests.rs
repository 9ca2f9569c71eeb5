use super::*;

fn server() -> Arc<ServerFaults> {
    ServerFaults::new(Protocol::Smtp, 7)
}

fn rule(at: Stage, when: When) -> Rule {
    Rule { at, when, effect: Effect::reply(451) }
}

fn fired(faults: &ServerFaults, times: usize) -> Vec<bool> {
    (0..times).map(|_| faults.at(Stage::Mail).is_some()).collect()
}

#[test]
fn patterns() {
    for (pattern, text, fits) in [
        ("*", "anything@example.test", true),
        ("*@bad.test", "ada@BAD.test", true),
        ("*@bad.test", "ada@bad.test.example", false),
        ("a*a@*", "anna@example.test", true),
        ("a*b*c", "aXbXbXc", true),
        ("a*b*c", "aXc", false),
        ("exact@example.test", "exact@example.test", true),
        ("exact@example.test", "exact@example.tes", false),
        ("", "", true),
        ("", "x", false),
    ] {
        assert_eq!(matches_pattern(pattern, text), fits, "{pattern} {text}");
    }
}

#[test]
fn next_and_after_count_from_the_change() {
    let faults = server();
    for _ in 0..2 {
        faults
            .set(FaultPlan { rules: vec![rule(Stage::Mail, When::Next(2))], ..FaultPlan::default() })
            .unwrap();
        assert_eq!(fired(&faults, 4), [true, true, false, false]);
    }
    faults.set(FaultPlan { rules: vec![rule(Stage::Mail, When::After(2))], ..FaultPlan::default() }).unwrap();
    assert_eq!(fired(&faults, 4), [false, false, true, true]);
    assert_eq!(faults.at(Stage::Rcpt), None);
    assert_eq!(faults.counts().refused, 6);
}

#[test]
fn rates_repeat_from_the_seed() {
    let draw = || {
        let faults = server();
        faults
            .set(FaultPlan { rules: vec![rule(Stage::Mail, When::Rate(0.25))], ..FaultPlan::default() })
            .unwrap();
        fired(&faults, 4000)
    };
    let first = draw();
    assert_eq!(first, draw());
    let share = first.iter().filter(|f| **f).count();
    assert!((900..1100).contains(&share), "{share} of 4000 at 0.25");
}

#[test]
fn a_recipient_by_rate_is_always_the_same_one() {
    let faults = server();
    faults
        .set(FaultPlan {
            recipients: vec![RecipientRule { when: When::Rate(0.5), ..RecipientRule::reject("*") }],
            ..FaultPlan::default()
        })
        .unwrap();
    let verdict = |i: u32| faults.rejects(&format!("u{i}@example.test")).is_some();
    let first: Vec<_> = (0..1000).map(verdict).collect();
    let again: Vec<_> = (0..1000).map(verdict).collect();
    assert_eq!(first, again);
    let share = first.iter().filter(|f| **f).count();
    assert!((430..570).contains(&share), "{share} of 1000 at 0.5");
}

#[test]
fn the_limit_counts_what_it_refuses() {
    let faults = server();
    faults
        .set(FaultPlan { limit: Some(Limit { per_second: 0.001, burst: 3 }), ..FaultPlan::default() })
        .unwrap();
    assert!(faults.admit(3).is_ok());
    let wait = faults.admit(2).unwrap_err();
    assert!(wait > Duration::from_secs(1900), "{wait:?}");
    assert_eq!(faults.counts().limited, 1);
    assert_eq!(faults.counts().limited_recipients, 2);
    // Another change of the plan gives nothing back.
    faults.change(|p| p.suspended = true).unwrap();
    assert!(faults.admit(1).is_err());
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let faults = server();
    let try_rule = |r: Rule| faults.change(|p| p.rules = vec![r]);
    assert_eq!(try_rule(rule(Stage::Request, When::Always)), Err(FaultError::Stage("SMTP", Stage::Request)));
    assert_eq!(try_rule(rule(Stage::Mail, When::Rate(1.5))), Err(FaultError::Rate));
    assert_eq!(try_rule(rule(Stage::Mail, When::Rate(f64::NAN))), Err(FaultError::Rate));
    assert_eq!(
        try_rule(Rule { effect: Effect::reply(250), ..rule(Stage::Mail, When::Always) }),
        Err(FaultError::Code(250))
    );
    assert_eq!(
        try_rule(Rule {
            effect: Effect::Reply {
                code: 550,
                text: Some("a\r\n250 b".into()),
                retry_after: None,
                reason: None
            },
            ..rule(Stage::Mail, When::Always)
        }),
        Err(FaultError::Text)
    );
    assert_eq!(
        faults.change(|p| p.limit = Some(Limit { per_second: 0.0, burst: 1 })),
        Err(FaultError::Limit)
    );
    assert_eq!(faults.plan(), FaultPlan::default());
}

#[test]
fn plans_are_plain_json() {
    let plan: FaultPlan = serde_json::from_str(
        r#"{"latency":{"fixedMs":5,"jitterMs":10},"limit":{"perSecond":100,"burst":1},
            "rules":[{"at":"rcpt","when":{"rate":0.1},"effect":{"reply":{"code":452}}},
                     {"at":"content","when":{"next":1},"effect":"loseAnswer"}],
            "recipients":[{"matches":"*@bad.test"}]}"#,
    )
    .unwrap();
    assert_eq!(plan.rules[1].effect, Effect::LoseAnswer);
    assert_eq!(plan.recipients[0].code, 550);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<FaultPlan>(&text).unwrap(), plan);
    assert!(serde_json::from_str::<FaultPlan>(r#"{"latencyy":{}}"#).is_err());
}
