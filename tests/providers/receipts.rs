//! Receipts: signatures by the documentation's own examples and by another library
//! (Python's `cryptography`), and how what services report is read.

use super::account::account;
use herald::domain::channel::Channel;
use herald::domain::delivery::Outcome;
use herald::domain::provider::{KINDS, Proof};
use herald::domain::receipt::Report;
use herald::domain::time::Timestamp;
use herald::providers::adapter::Account;
use herald::providers::receipts::{Incoming, ReceiptError, Received, receive};
use herald::sandbox::receipts::{ReceiptOrder, sendgrid_public_key};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::time::SystemTime;

/// Ten seconds after the examples were signed.
const NOW: Timestamp = Timestamp(1_588_788_377_000);
const DAY: i64 = 86_400_000;
const CERTIFICATE: &[u8] = include_bytes!("../../src/sandbox/receipts/sns.pem");

#[derive(Clone)]
struct Request {
    account: Account,
    url: String,
    token: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    now: Timestamp,
    certificate: Option<&'static [u8]>,
}

impl Request {
    fn new(kind: &str, secrets: &[(&str, &str)], headers: &[(&'static str, &str)], body: &str) -> Self {
        let row = KINDS.iter().find(|row| row.name == kind).unwrap();
        let channel: Channel = row.channels[0];
        Self {
            account: account(kind, channel, &[("receipts", "true")], secrets),
            url: String::new(),
            token: String::new(),
            headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            body: body.to_owned(),
            now: NOW,
            certificate: None,
        }
    }

    fn receive(&self) -> Result<Received, ReceiptError> {
        let headers: HeaderMap = self
            .headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let incoming =
            Incoming { url: &self.url, token: &self.token, headers: &headers, body: self.body.as_bytes() };
        receive(&self.account, &incoming, self.now, self.certificate)
    }

    fn reports(&self) -> Vec<Report> {
        self.receive().unwrap().reports
    }

    fn outcomes(&self) -> Vec<Option<Outcome>> {
        self.reports().iter().map(Report::outcome).collect()
    }

    /// Another body, header, secret and time are refused. `replays`: how old one may be.
    fn is_guarded(&self, replays: i64) {
        let forged = |request: &Self| {
            let refused = request.receive().unwrap_err();
            assert!(
                matches!(refused, ReceiptError::Forged(_) | ReceiptError::NotSetUp(_)),
                "{}: {refused:?}",
                self.account.provider.kind
            );
        };
        for at in 0..self.headers.len() {
            let mut other = self.clone();
            other.headers.remove(at);
            forged(&other);
            let mut other = self.clone();
            let value = &mut other.headers[at].1;
            let last = if value.ends_with('A') { 'B' } else { 'A' };
            value.insert(value.len() / 2, last);
            forged(&other);
        }
        let names: Vec<String> = self.account.credentials.keys().cloned().collect();
        for name in names {
            let mut other = self.clone();
            other.account.credentials.insert(name.clone(), "b3RoZXItc2VjcmV0LW9mLW91cnM".into());
            assert!(other.receive().is_err(), "another {name}");
            other.account.credentials.remove(&name);
            other.account.provider.options.clear();
            forged(&other);
        }
        if replays > 0 {
            for (away, good) in [(replays - 1000, true), (replays + 20_000, false), (-DAY, false)] {
                let other = Self { now: Timestamp(NOW.0 - 10_000 + away), ..self.clone() };
                assert_eq!(other.receive().is_ok(), good, "{away} ms later");
                if !good {
                    assert_eq!(other.receive(), Err(ReceiptError::Stale));
                }
            }
        }
    }
}

#[test]
fn sendgrids_own_example() {
    // https://github.com/sendgrid/sendgrid-nodejs/blob/main/packages/eventwebhook/src/eventwebhook.spec.js
    let example = Request::new(
        "sendgrid",
        &[(
            "webhookPublicKey",
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==",
        )],
        &[
            (
                "x-twilio-email-event-webhook-signature",
                "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=",
            ),
            ("x-twilio-email-event-webhook-timestamp", "1588788367"),
        ],
        r#"{"category":"example_payload","event":"test_event","message_id":"message_id"}"#,
    );
    // Signed by SendGrid; and no list, as events are.
    assert_eq!(example.receive(), Err(ReceiptError::Unreadable("the body is no list of events")));
    let mut forged = example.clone();
    forged.body.push(' ');
    assert_eq!(forged.receive(), Err(ReceiptError::Forged("it is another key's")));
}

#[test]
fn sendgrid_reports_of_several() {
    let request = Request::new(
        "sendgrid",
        &[(
            "webhookPublicKey",
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVKwv9wZUL+lBoDhoYaqOMHgyvc6WT1FtI16RdF2sllwFmOt8osG1zn3U8qMja8U3/2eL9PZrMB5iwl7y/emTAg==",
        )],
        &[
            (
                "x-twilio-email-event-webhook-signature",
                "MEUCIG5GJCeXCxaaHYCRU2ha3wgf8LnOoPrxQ2WhfaA4dAaXAiEAzFXb0WAexOx6Js/BvUjcXI8xKrSUYHinLu8YItBWMzY=",
            ),
            ("x-twilio-email-event-webhook-timestamp", "1588788367"),
        ],
        r#"[{"email":"ana@example.com","timestamp":1588788360,"event":"bounce","type":"bounce","status":"5.1.1","reason":"550 5.1.1 no such user","sg_message_id":"14c5d75ce93.filter0001.16648.0","sg_event_id":"a"},{"email":"bo@example.com","timestamp":1588788361,"event":"delivered","response":"250 OK","sg_message_id":"14c5d75ce93.filter0001.16648.1"}]"#,
    );
    request.is_guarded(DAY);
    assert_eq!(request.outcomes(), [Some(Outcome::Bounced), Some(Outcome::Delivered)]);
    let first = request.reports().remove(0);
    assert_eq!((first.id.as_str(), first.address.as_str()), ("14c5d75ce93", "ana@example.com"));
    assert_eq!((first.code, first.said.as_str()), (550, "550 5.1.1 no such user"));
    assert_eq!(first.at, Some(Timestamp(1_588_788_360_000)));
}

#[test]
fn svixs_own_example() {
    // https://docs.svix.com/receiving/verifying-payloads/how
    let mut example = Request::new(
        "resend",
        &[("webhookSecret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        &[
            ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("svix-timestamp", "1614265330"),
            ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        r#"{"test": 2432232314}"#,
    );
    assert_eq!(example.receive(), Err(ReceiptError::Stale));
    example.now = Timestamp(1_614_265_340_000);
    let received = example.receive().unwrap();
    assert_eq!(received.once.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(received.reports[0].outcome(), None);
    // One of several signatures, and none of another version.
    example.headers[2].1.insert_str(0, "v1,AAAA v2,BBBB ");
    assert!(example.receive().is_ok());
    example.headers[2].1 = example.headers[2].1.replace("v1,g0", "v2,g0");
    assert!(matches!(example.receive(), Err(ReceiptError::Forged(_))));
}

#[test]
fn mailgun_reports_under_our_message_id() {
    let body = |event: Value| {
        let signature = json!({
            "timestamp": "1588788367",
            "token": "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0",
            "signature": "e5ccbbf26c87ce2c5b5331fe1ffc7b21c3fef3906ac1114aea35111c12321f9a",
        });
        json!({"signature": signature, "event-data": event}).to_string()
    };
    let secrets = [("webhookSigningKey", "key-0123456789abcdef")];
    let failed = |reason: &str, severity: &str, message: &str| {
        body(json!({
            "event": "failed", "severity": severity, "reason": reason, "recipient": "ana@example.com",
            "timestamp": 1_588_788_366.5,
            "message": {"headers": {"message-id": "abc.1.2@mg.example.com"}},
            "delivery-status": {"code": 550, "message": message, "description": ""},
        }))
    };
    let hard = Request::new("mailgun", &secrets, &[], &failed("bounce", "permanent", "5.1.1 no such user"));
    hard.is_guarded(DAY);
    let report = hard.reports().remove(0);
    assert_eq!((report.id.as_str(), report.reference.as_str()), ("abc.1.2@mg.example.com", "abc.1.2"));
    assert_eq!((report.outcome(), report.code), (Some(Outcome::Bounced), 550));
    assert_eq!(report.at, Some(Timestamp(1_588_788_366_500)));
    for (body, outcome) in [
        (failed("bounce", "permanent", "550 5.7.1 blocked by policy"), Some(Outcome::SoftBounced)),
        (failed("old", "permanent", "too many tries"), Some(Outcome::SoftBounced)),
        (failed("generic", "temporary", "451 4.7.1 later"), None),
        (body(json!({"event": "complained", "recipient": "a@b.example"})), Some(Outcome::Complained)),
        (body(json!({"event": "unsubscribed", "recipient": "a@b.example"})), Some(Outcome::Unsubscribed)),
        (body(json!({"event": "clicked"})), None),
    ] {
        assert_eq!(Request::new("mailgun", &secrets, &[], &body).outcomes(), [outcome], "{body}");
    }
    let forged = hard.body.replace("e5ccbb", "e5ccbc");
    let forged = Request { body: forged, ..hard };
    assert!(matches!(forged.receive(), Err(ReceiptError::Forged(_))));
}

#[test]
fn twilios_own_example() {
    // https://www.twilio.com/docs/usage/security#validating-requests
    let form =
        "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%2B18005551212";
    let mut example = Request::new(
        "twilio",
        &[("authToken", "12345")],
        &[("x-twilio-signature", "0/KCTR6DLpKmkAf8muzZqo1nDgQ=")],
        form,
    );
    example.url = "https://mycompany.com/myapp.php?foo=1&bar=2".to_owned();
    assert_eq!(example.outcomes(), [None]);
    example.is_guarded(0);
    for url in ["http://mycompany.com/myapp.php?foo=1&bar=2", "https://mycompany.com/myapp.php"] {
        let other = Request { url: url.to_owned(), ..example.clone() };
        assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))), "{url}");
    }
    let other = Request { body: format!("{form}&MessageStatus=delivered"), ..example };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
}

#[test]
fn sns_is_believed_for_its_topic_alone() {
    let arn = ("snsTopicArn", "arn:aws:sns:eu-central-1:123456789012:receipts");
    for body in [include_str!("sns1.json"), include_str!("sns2.json")] {
        let mut request = Request::new("ses", &[arn], &[], body);
        let Err(ReceiptError::Certificate(url)) = request.receive() else { panic!("it needs a certificate") };
        assert_eq!(url.host_str(), Some("sns.eu-central-1.amazonaws.com"));
        request.certificate = Some(CERTIFICATE);
        request.is_guarded(DAY);
        let reports = request.reports();
        assert_eq!(reports.len(), 1, "of two recipients one bounced");
        assert_eq!((reports[0].id.as_str(), reports[0].address.as_str()), ("ses-1", "jane@example.com"));
        assert_eq!((reports[0].outcome(), reports[0].code), (Some(Outcome::Bounced), 550));
        for (from, to) in [
            ("jane@", "june@"),
            ("2020-05-06T18:06:07", "2020-05-06T18:06:08"),
            ("sns.eu-central-1.amazonaws.com/Simple", "sns.evil.example/Simple"),
            ("123456789012:receipts", "123456789012:others"),
            ("\"SignatureVersion\": \"", "\"SignatureVersion\": \"3"),
        ] {
            let forged = Request { body: request.body.replacen(from, to, 1), ..request.clone() };
            assert_ne!(forged.body, request.body, "{from}");
            assert!(matches!(forged.receive(), Err(ReceiptError::Forged(_))), "{from}");
        }
        let rubbish = Request { certificate: Some(b"no certificate"), ..request };
        assert!(matches!(rubbish.receive(), Err(ReceiptError::Forged(_))));
    }
    let mut confirm = Request::new("ses", &[arn], &[], include_str!("sns-confirm.json"));
    confirm.certificate = Some(CERTIFICATE);
    let url = confirm.receive().unwrap().confirm.unwrap();
    assert_eq!(url.query(), Some("Action=ConfirmSubscription&Token=t"));
    confirm.body = confirm.body.replace("Token=t", "Token=u");
    assert!(matches!(confirm.receive(), Err(ReceiptError::Forged(_))));
}

#[test]
fn vonage_signs_a_hash_of_the_body() {
    const BODY: &str = r#"{"msisdn":"15005550006","messageId":"VN-1","status":"failed","err-code":"9","message-timestamp":"2020-05-06 18:06:07"}"#;
    const CLAIMS: &str = "eyJpYXQiOiAxNTg4Nzg4MzY3LCAianRpIjogImotMSIsICJpc3MiOiAiVm9uYWdlIiwgInBheWxvYWRfaGFzaCI6ICI3NDI0ZTA1YWIwOTJlY2Q2MWU0N2VjNzM4NmYyMmI3MDM4ZTNiM2I5ZDg1MDU4NThlN2VhYzViNWI3YzFhZWY0IiwgImFwaV9rZXkiOiAiYWJjZDEyMzQifQ";
    let token = format!(
        "Bearer eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.{CLAIMS}.vM6VDrsxNhUeKP_Y5WOXcMsDcnZbjv0ya_n-m619L9c"
    );
    let secrets = [("signatureSecret", "a-signature-secret")];
    let request = Request::new("vonage", &secrets, &[("authorization", token.as_str())], BODY);
    request.is_guarded(DAY);
    let received = request.receive().unwrap();
    assert_eq!(received.once.as_deref(), Some("j-1"));
    let report = &received.reports[0];
    assert_eq!((report.id.as_str(), report.outcome()), ("VN-1", Some(Outcome::Bounced)));
    assert_eq!(report.at, Some(Timestamp(1_588_788_367_000)));
    // Another body under the same token; and a token that names no algorithm, whoever signed it.
    let other = Request { body: BODY.replace("failed", "delivered"), ..request };
    assert_eq!(other.receive(), Err(ReceiptError::Forged("the token is of another body")));
    let none = format!(
        "Bearer eyJhbGciOiAibm9uZSIsICJ0eXAiOiAiSldUIn0.{CLAIMS}.pu4Jbz1LvFWRztllr3FEzou07AtqdLj4C28EEJEMa3s"
    );
    let none = Request::new("vonage", &secrets, &[("authorization", none.as_str())], BODY);
    assert_eq!(none.receive(), Err(ReceiptError::Forged("its token is not in HS256")));
}

#[test]
fn telnyx_signs_with_ed25519() {
    let request = Request::new(
        "telnyx",
        &[("webhookPublicKey", "MPc4OmH3vmYImyHG9TLsRV/at/LUhf3qUJ7YrARvqAw=")],
        &[
            ("telnyx-timestamp", "1588788367"),
            (
                "telnyx-signature-ed25519",
                "mgXbuu65F9lsDvtgKm869IxeL6Lj97cvDYhXvdzktK36uAV0sqnweOvCBmYKN4CmiUEy+Iudn1Jb/JzMHR6OCw==",
            ),
        ],
        r#"{"data":{"event_type":"message.finalized","id":"ev-1","occurred_at":"2020-05-06T18:06:07Z","payload":{"id":"tx-1","to":[{"phone_number":"+15005550006","status":"delivery_failed"}],"errors":[{"code":"40001","title":"Not routable"}]}}}"#,
    );
    request.is_guarded(300_000);
    assert_eq!(request.outcomes(), [Some(Outcome::Bounced)]);
    assert_eq!(request.reports()[0].id, "tx-1");
}

#[test]
fn plivo_signs_in_two_ways() {
    const FORM: &str = "To=15005550006&Status=undelivered&MessageUUID=p1&ErrorCode=50";
    const URL: &str = "https://h.example/v1/receipts/texts";
    let secrets = [("authToken", "a-plivo-auth-token")];
    let with = |headers: &[(&'static str, &str)]| {
        let mut request = Request::new("plivo", &secrets, headers, FORM);
        URL.clone_into(&mut request.url);
        request
    };
    let nonce = "05429567804466091622";
    let third = with(&[
        ("x-plivo-signature-v3", "jb0frduTKl85VpF7I0kIqPP1DxtYpgE+M1hfG9YWaC8="),
        ("x-plivo-signature-v3-nonce", nonce),
    ]);
    third.is_guarded(0);
    assert_eq!(third.receive().unwrap().once.as_deref(), Some(nonce));
    assert_eq!(third.outcomes(), [Some(Outcome::Bounced)]);
    assert_eq!(third.reports()[0].id, "p1");
    // The third covers the body and the URL.
    let other = Request { body: FORM.replace("undelivered", "delivered"), ..third.clone() };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
    let other = Request { url: URL.replace("https", "http"), ..third.clone() };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
    // One of several, by the main account's token; and the second scheme alone, as is documented.
    let main = with(&[
        ("x-plivo-signature-ma-v3", "AAAA,jb0frduTKl85VpF7I0kIqPP1DxtYpgE+M1hfG9YWaC8="),
        ("x-plivo-signature-v3-nonce", nonce),
    ]);
    assert!(main.receive().is_ok());
    let second = with(&[
        ("x-plivo-signature-v2", "u7E+klB3DnRe0qTM9kXqq1oGovpS1ne07WWHaVXdXUk="),
        ("x-plivo-signature-v2-nonce", nonce),
    ]);
    second.is_guarded(0);
    assert!(second.receive().is_ok());
    let mixed = with(&[
        ("x-plivo-signature-v3", "u7E+klB3DnRe0qTM9kXqq1oGovpS1ne07WWHaVXdXUk="),
        ("x-plivo-signature-v3-nonce", nonce),
    ]);
    assert!(matches!(mixed.receive(), Err(ReceiptError::Forged(_))), "a signature is of one scheme");
}

#[test]
fn telesigns_own_example() {
    // https://github.com/TeleSign/python_telesign/blob/master/tests/test_util.py
    let key = "EXAMPLE----TE8sTgg45yusumoN6BYsBVkh+yRJ5czgsnCehZaOYldPJdmFh6NeX8kunZ2zU1YWaUw/0wV6xfw==";
    let example = Request::new(
        "telesign",
        &[("apiKey", key)],
        &[("authorization", "B97g3N9lPdVaptvifxRau7bzVAC5hhRBZ6HKXABN744=")],
        "{'test': 123}",
    );
    // Signed by Telesign; and no JSON.
    assert_eq!(example.receive(), Err(ReceiptError::Unreadable("the body is not JSON")));
    let other = Request { body: "{'test': 124}".to_owned(), ..example };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
    let mut request = Request::new(
        "telesign",
        &[("apiKey", "YSB0ZWxlc2lnbiBrZXkgb2Ygb3VyIG93bg==")],
        &[("authorization", "3uFnBfURC4Nds+K1UI/j3Wn4yKgAJBPNUKht1mGDETg=")],
        r#"{"reference_id":"t1","status":{"code":207,"description":"Error delivering SMS to handset"}}"#,
    );
    request.is_guarded(0);
    assert_eq!(request.outcomes(), [Some(Outcome::SoftBounced)]);
    assert_eq!(request.reports()[0].id, "t1");
    request.headers[0].1.insert_str(0, "TSA A-CUSTOMER:");
    assert!(request.receive().is_ok());
}

#[test]
fn seven_signs_the_request() {
    let mut request = Request::new(
        "seven",
        &[("signingSecret", "a-seven-signing-secret")],
        &[
            ("x-timestamp", "1588788367"),
            ("x-nonce", "n-1"),
            ("x-signature", "31deb6e0c9228274f77e6722df8e792fb4ac004c444dbf763a1739af7461e31a"),
        ],
        r#"{"data":{"msg_id":"s1","status":"DELIVERED","timestamp":"2020-05-06 18:06:06.5"},"webhook_event":"dlr","webhook_timestamp":"2020-05-06 18:06:07"}"#,
    );
    "https://h.example/v1/receipts/texts".clone_into(&mut request.url);
    request.is_guarded(300_000);
    assert_eq!(request.receive().unwrap().once.as_deref(), Some("n-1"));
    assert_eq!(request.outcomes(), [Some(Outcome::Delivered)]);
    assert_eq!(request.reports()[0].id, "s1");
    let other = Request { body: request.body.replace("DELIVERED", "EXPIRED"), ..request.clone() };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
    let other = Request { url: "https://h.example/v1/receipts/other".to_owned(), ..request };
    assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))));
}

#[test]
fn the_sandbox_signs_as_the_services_do() {
    let url = "https://h.example/v1/receipts/main";
    let svix = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let base64 = "YSB0ZWxlc2lnbiBrZXkgb2Ygb3VyIG93bg==";
    let sendgrid = sendgrid_public_key();
    for (kind, field, secret) in [
        ("mailgun", "webhookSigningKey", "a-signing-key"),
        ("sendgrid", "webhookPublicKey", sendgrid.as_str()),
        ("resend", "webhookSecret", svix),
        ("twilio", "authToken", "a-token"),
        ("vonage", "signatureSecret", "a-secret"),
        ("plivo", "authToken", "a-token"),
        ("telesign", "apiKey", base64),
        ("seven", "signingSecret", "a-secret"),
    ] {
        for (event, expected) in [("delivered", Outcome::Delivered), ("bounced", Outcome::SoftBounced)] {
            let order = ReceiptOrder {
                kind: kind.into(),
                url: url.into(),
                secret: secret.into(),
                event: event.into(),
                id: "id-1".into(),
                to: "+15005550006".into(),
                ..ReceiptOrder::default()
            };
            let signed = order.sign().unwrap();
            let mut request = Request::new(kind, &[(field, secret)], &[], &signed.body);
            request.headers = signed.headers;
            url.clone_into(&mut request.url);
            request.now = Timestamp(
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64,
            );
            assert_eq!(request.outcomes(), [Some(expected)], "{kind}");
            let forged = Request { body: signed.body.replace("id-1", "id-2"), ..request };
            let refused = matches!(forged.receive(), Err(ReceiptError::Forged(_)));
            // The documented scheme of Plivo, and Mailgun's, do not cover what is said.
            assert_eq!(refused, !matches!(kind, "mailgun" | "plivo"), "{kind}");
        }
    }
}

#[test]
fn a_secret_url_proves_the_others() {
    const SECRET: &str = "0123456789abcdef";
    let told = |kind: &str, body: &str| {
        let mut request = Request::new(kind, &[("receiptToken", SECRET)], &[], body);
        SECRET.clone_into(&mut request.token);
        request
    };
    for (kind, body, id, outcome) in [
        (
            "sinch",
            r#"{"type":"recipient_delivery_report_sms","batch_id":"b1","recipient":"+15005550006","code":0,"status":"Delivered"}"#,
            "b1",
            Outcome::Delivered,
        ),
        (
            "infobip",
            r#"{"results":[{"messageId":"i1","to":"15005550006","status":{"groupName":"UNDELIVERABLE"},"error":{"id":1,"name":"EC_UNKNOWN_SUBSCRIBER","permanent":true}}]}"#,
            "i1",
            Outcome::Bounced,
        ),
        (
            "infobip",
            r#"{"results":[{"messageId":"i2","to":"15005550006","status":{"groupName":"REJECTED"},"error":{"id":51,"name":"NO_ERROR","permanent":true}}]}"#,
            "i2",
            Outcome::SoftBounced,
        ),
        (
            "clickatell",
            r#"{"event":{"messageStatusUpdate":[{"messageId":"c1","status":"RECEIVED_BY_RECIPIENT"}]}}"#,
            "c1",
            Outcome::Delivered,
        ),
        (
            "msg91",
            r#"[{"requestId":"m1","report":[{"number":"15005550006","status":"1","desc":"DELIVERED"}]}]"#,
            "m1",
            Outcome::Delivered,
        ),
        (
            "textmagic",
            r#"{"events":[{"event":"delivered","id":"x1","to":"15005550006"}]}"#,
            "x1",
            Outcome::Delivered,
        ),
        (
            "smtp",
            r#"{"events":[{"event":"bounced","permanent":true,"id":"q1","reference":"<abc.1.2@mx.example>"}]}"#,
            "q1",
            Outcome::Bounced,
        ),
    ] {
        let request = told(kind, body);
        let report = request.reports().remove(0);
        assert_eq!((report.id.as_str(), report.outcome()), (id, Some(outcome)), "{kind}");
        for token in ["", "0123456789abcdee", "0123456789abcdef0"] {
            let other = Request { token: token.to_owned(), ..request.clone() };
            assert!(matches!(other.receive(), Err(ReceiptError::Forged(_))), "{kind} {token}");
        }
    }
    // A short token is a guess, and none at all lets nobody in.
    let mut short = Request::new("smtp", &[("receiptToken", "short")], &[], r#"{"events":[]}"#);
    "short".clone_into(&mut short.token);
    assert!(matches!(short.receive(), Err(ReceiptError::NotSetUp(_))));
    let none = Request::new("smtp", &[], &[], r#"{"events":[]}"#);
    assert!(matches!(none.receive(), Err(ReceiptError::NotSetUp(_))));
}

#[test]
fn what_is_no_report_of_anything_is_refused_or_says_nothing() {
    for kind in KINDS.iter().filter(|kind| kind.proof == Proof::Token) {
        for body in ["", "null", "[]", "{}", "\u{0}", "a", r#"{"events":[null,1,{}]}"#, r#"{"data":[[]]}"#] {
            let mut request = Request::new(kind.name, &[("receiptToken", "0123456789abcdef")], &[], body);
            "0123456789abcdef".clone_into(&mut request.token);
            let outcomes = request.receive().map(|received| received.reports.len());
            let said =
                request.receive().map(|received| received.reports.iter().any(|r| r.outcome().is_some()));
            assert!(!said.unwrap_or(false), "{} {body} {outcomes:?}", kind.name);
        }
    }
}
