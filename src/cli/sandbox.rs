//! `herald sandbox`: fake providers on loopback, for trying things out.

use super::args::SandboxArgs;
use super::failure::{Failure, Outcome};
use super::output::Output;
use crate::domain::hex::hex;
use crate::sandbox::{FaultPlan, Latency, Sandbox};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use std::net::SocketAddr;
use std::time::Duration;

/// Where a sandbox listens, and what opens it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    smtp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    control: Option<SocketAddr>,
    token: String,
}

/// Runs until ctrl-c or SIGTERM.
pub async fn run(out: Output, args: SandboxArgs) -> Outcome {
    let token = match args.token {
        Some(token) => token,
        None => token_of_its_own()?,
    };
    let address = |name: &str, text: &str| -> Outcome<SocketAddr> {
        text.parse().map_err(|_| Failure::Usage(format!("--{name}: `{text}` is no ADDR:PORT")))
    };
    let mut builder = Sandbox::builder()
        .smtp(address("smtp", &args.smtp)?)
        .http(address("http", &args.http)?)
        .control(SocketAddr::from(([127, 0, 0, 1], 0)))
        .token(&token)
        .seed(args.seed);
    if let Some(ledger) = &args.ledger {
        builder = builder.ledger(ledger);
    }
    let sandbox = builder.start().await.map_err(|error| Failure::Failed(error.to_string()))?;
    if args.latency > 0 {
        let plan =
            FaultPlan { latency: Latency { fixed_ms: args.latency, jitter_ms: 0 }, ..FaultPlan::default() };
        for server in [&sandbox.faults().smtp, &sandbox.faults().http] {
            server.set(plan.clone()).map_err(|error| Failure::Failed(error.to_string()))?;
        }
    }
    let started = Started {
        smtp: sandbox.smtp_addr(),
        http: sandbox.http_addr(),
        control: sandbox.control_addr(),
        token,
    };
    if out.json() {
        out.line(&started)?;
    } else {
        let show =
            |address: Option<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        out.say(format!(
            "SMTP     {}\nHTTP     http://{}\ncontrol  http://{}\ntoken    {}\nctrl-c ends it",
            show(started.smtp),
            show(started.http),
            show(started.control),
            started.token
        ))?;
    }
    let mut seen = 0;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let end = super::signals::ended();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = tick.tick(), if !out.json() => {
                let summary = sandbox.record().summary();
                if summary.arrivals != seen {
                    seen = summary.arrivals;
                    out.say(format!(
                        "arrived {}: {} mails, {} SMS, {} notifications; {} more than once",
                        summary.arrivals, summary.email, summary.sms, summary.push, summary.duplicated
                    ))?;
                }
            }
        }
    }
    let summary = sandbox.record().summary();
    if out.json() {
        out.line(&summary)?;
    }
    sandbox.shutdown().await;
    Ok(())
}

/// 128 random bits in hex.
pub(super) fn token_of_its_own() -> Outcome<String> {
    let mut bytes = [0u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Failure::Failed("the system gives no random numbers".into()))?;
    Ok(hex(&bytes))
}
