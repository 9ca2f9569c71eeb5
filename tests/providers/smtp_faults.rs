//! Whatever a server does: one answer each, and no answer that is not true.

use super::account::{hasty, send_to, smtp};
use super::peer::{At, Peer, React, Setup, say};
use herald::providers::adapter::Verdict;
use proptest::prelude::*;

fn reaction() -> impl Strategy<Value = React> {
    let code = prop_oneof![Just(421u16), Just(450), Just(451), Just(503), Just(550), Just(552), Just(554)];
    prop_oneof![
        4 => Just(React::Usual),
        3 => code.clone().prop_map(|code| say(&format!("{code} no"))),
        1 => code.prop_map(|code| React::SayAndClose(format!("{code} and goodbye"))),
        2 => Just(React::Close),
        1 => Just(React::TakeAndClose),
        1 => Just(say("not SMTP at all")),
    ]
}

fn fault() -> impl Strategy<Value = (At, usize, React)> {
    let at = prop_oneof![
        1 => Just(At::Banner),
        1 => Just(At::Hello),
        2 => Just(At::Mail),
        3 => Just(At::Rcpt),
        2 => Just(At::Data),
        2 => Just(At::Body),
        4 => Just(At::End),
        2 => Just(At::Rset),
    ];
    (at, 0usize..8, reaction()).prop_map(|(at, times, react)| match (at, react) {
        // Who answers before the content has ended, and means it, hangs up.
        (At::Body, React::Say(text)) => (at, times, React::SayAndClose(text)),
        (at, react) => (at, times, react),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_true(
        faults in proptest::collection::vec(fault(), 0..8),
        count in 1usize..9,
        pipelining: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let script = faults.clone();
            let peer = Peer::start(Setup::pipelining(pipelining), move |point| {
                let here = |fault: &&(At, usize, React)| fault.0 == point.at && fault.1 == point.times;
                script.iter().find(here).map_or(React::Usual, |fault| fault.2.clone())
            })
            .await;
            let addresses: Vec<String> = (0..count).map(|n| format!("r{n}@example.com")).collect();
            let to: Vec<&str> = addresses.iter().map(String::as_str).collect();
            // It checks that there is exactly one answer each.
            let answers = send_to(&*smtp(hasty(), peer.addr), &to).await;
            let taken = peer.taken();
            for (address, answer) in addresses.iter().zip(&answers) {
                let copies = taken.iter().filter(|to| *to == address).count();
                let allowed = match answer.verdict {
                    Verdict::Accepted => 1..=1,
                    Verdict::Uncertain => 0..=1,
                    _ => 0..=0,
                };
                prop_assert!(allowed.contains(&copies), "{address}: {copies} copies, {answer:?}");
            }
            Ok(())
        })?;
    }
}
