//! Receipts as the services send them: signed by each one's scheme, on demand.
//!
//! `POST /control/receipts` with a [`ReceiptOrder`] sends one and answers `{"status": …}`, what
//! Herald answered. `GET /control/receipts` says the public key of the SendGrid that is played.

use crate::providers::http::{HttpClient, Requests};
use crate::providers::tls::client_config;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use md5::{Digest as _, Md5};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, hmac};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;

/// The certificate that stands for one of Amazon SNS, which is below `/ses` of the HTTP address.
pub const CERTIFICATE: &str = include_str!("receipts/sns.pem");
/// Its key: of this sandbox and nothing else.
const KEY: &str = include_str!("receipts/sns.key");
/// What a P-256 key begins with as `SubjectPublicKeyInfo` (RFC 5480).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A receipt to be sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptOrder {
    /// Whose: `mailgun`, `sendgrid`, `resend`, `ses`, `twilio`, `vonage`, `plivo`, `telesign` or
    /// `seven`; any other kind gets Herald's own form.
    pub kind: String,
    /// Where to: on loopback.
    pub url: String,
    /// What the service signs with; of SES the ARN of the topic.
    pub secret: String,
    /// `delivered`, `bounced`, `complained` or `unsubscribed`.
    pub event: String,
    /// Of a bounce: for good.
    pub permanent: bool,
    /// The service's id of the message.
    pub id: String,
    /// The Message-ID, for services that report under it.
    pub reference: String,
    /// The recipient.
    pub to: String,
    /// Of Twilio, Plivo and Seven: the URL as it is signed, where a proxy stands before Herald.
    pub public: String,
    /// Of SES: where the sandbox is, as `http://127.0.0.1:PORT/ses`.
    pub endpoint: String,
}

/// Why a receipt was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReceiptFault(String);

/// A request with a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its headers beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

fn sendgrid() -> &'static EcdsaKeyPair {
    static PAIR: OnceLock<EcdsaKeyPair> = OnceLock::new();
    PAIR.get_or_init(|| {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .expect("the system gives random numbers");
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
            .expect("the key was made a moment ago")
    })
}

/// The verification key of the SendGrid that is played, as its settings would show it.
pub fn sendgrid_public_key() -> String {
    STANDARD.encode([P256, sendgrid().public_key().as_ref()].concat())
}

fn at_rfc3339(since: Duration) -> crate::domain::time::Timestamp {
    crate::domain::time::Timestamp(since.as_millis() as i64)
}

fn mac(algorithm: hmac::Algorithm, key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(algorithm, key), text.as_bytes())
}

impl ReceiptOrder {
    /// The request, as the service would make it now.
    pub fn sign(&self) -> Result<Signed, ReceiptFault> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = now.as_secs().to_string();
        let unique = format!("sandbox-{}", now.as_nanos());
        let json = "application/json".to_owned();
        let form = "application/x-www-form-urlencoded".to_owned();
        let words = if self.permanent { "550 5.1.1 no such user" } else { "452 4.2.2 mailbox full" };
        let odd = |what: &str| ReceiptFault(format!("{} sends no receipt {what}", self.kind));
        let (headers, body) = match self.kind.as_str() {
            "mailgun" => {
                let event = if self.event == "bounced" { "failed" } else { &self.event };
                let reason = if self.permanent { "bounce" } else { "old" };
                let signature = mac(hmac::HMAC_SHA256, self.secret.as_bytes(), &format!("{at}{unique}"));
                let id = if self.reference.is_empty() { &self.id } else { &self.reference };
                let body = json!({
                    "signature": {
                        "timestamp": at,
                        "token": unique,
                        "signature": crate::domain::hex::hex(signature.as_ref()),
                    },
                    "event-data": {
                        "event": event, "severity": "permanent", "reason": reason, "recipient": self.to,
                        "timestamp": now.as_secs_f64(), "id": unique,
                        "message": {"headers": {"message-id": id}},
                        "delivery-status": {"code": 550, "message": words},
                    },
                });
                (vec![("content-type", json)], body.to_string())
            }
            "sendgrid" => {
                let event = match self.event.as_str() {
                    "bounced" => "bounce",
                    "complained" => "spamreport",
                    "unsubscribed" => "unsubscribe",
                    other => other,
                };
                let body = json!([{
                    "email": self.to, "timestamp": now.as_secs(), "event": event, "type": "bounce",
                    "status": if self.permanent { "5.1.1" } else { "4.2.2" }, "reason": words,
                    "sg_message_id": format!("{}.sandbox-0.0", self.id), "sg_event_id": unique,
                }])
                .to_string();
                let signature = sendgrid()
                    .sign(&SystemRandom::new(), format!("{at}{body}").as_bytes())
                    .map_err(|_| ReceiptFault("the key does not sign".to_owned()))?;
                let headers = vec![
                    ("content-type", json),
                    ("x-twilio-email-event-webhook-timestamp", at),
                    ("x-twilio-email-event-webhook-signature", STANDARD.encode(signature.as_ref())),
                ];
                (headers, body)
            }
            "resend" => {
                let kind = if self.permanent { "Permanent" } else { "Transient" };
                let body = json!({
                    "type": format!("email.{}", self.event),
                    "created_at": crate::domain::time::Timestamp(now.as_millis() as i64),
                    "data": {
                        "email_id": self.id, "to": [self.to],
                        "bounce": {"type": kind, "subType": "General", "message": words},
                    },
                })
                .to_string();
                let secret = STANDARD.decode(self.secret.trim_start_matches("whsec_"));
                let secret =
                    secret.map_err(|_| ReceiptFault("the secret is not whsec_ and base64".to_owned()))?;
                let signature = mac(hmac::HMAC_SHA256, &secret, &format!("{unique}.{at}.{body}"));
                let headers = vec![
                    ("content-type", json),
                    ("svix-id", unique),
                    ("svix-timestamp", at),
                    ("svix-signature", format!("v1,{}", STANDARD.encode(signature.as_ref()))),
                ];
                (headers, body)
            }
            "ses" => {
                (vec![("content-type", "text/plain; charset=UTF-8".to_owned())], self.notification(&unique)?)
            }
            "twilio" => {
                let (status, code) = match self.event.as_str() {
                    "delivered" => ("delivered", ""),
                    "bounced" => ("undelivered", if self.permanent { "30005" } else { "30003" }),
                    "unsubscribed" => ("failed", "21610"),
                    other => return Err(odd(other)),
                };
                let mut fields = vec![
                    ("ErrorCode", code),
                    ("MessageSid", self.id.as_str()),
                    ("MessageStatus", status),
                    ("To", self.to.as_str()),
                ];
                fields.retain(|(_, value)| !value.is_empty());
                let url = if self.public.is_empty() { &self.url } else { &self.public };
                let text = fields.iter().fold(url.clone(), |text, (name, value)| text + name + value);
                let signature = mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret.as_bytes(), &text);
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let signature = STANDARD.encode(signature.as_ref());
                (vec![("content-type", form), ("x-twilio-signature", signature)], body)
            }
            "plivo" => {
                let (status, code) = match self.event.as_str() {
                    "delivered" => ("delivered", "000"),
                    "bounced" => ("undelivered", if self.permanent { "50" } else { "80" }),
                    "unsubscribed" => ("failed", "200"),
                    other => return Err(odd(other)),
                };
                let to = self.to.trim_start_matches('+');
                let fields =
                    [("ErrorCode", code), ("MessageUUID", self.id.as_str()), ("Status", status), ("To", to)];
                let url = if self.public.is_empty() { &self.url } else { &self.public };
                let text = fields.iter().fold(format!("{url}?"), |text, (name, value)| text + name + value);
                let key = self.secret.as_bytes();
                let signature = mac(hmac::HMAC_SHA256, key, &format!("{text}.{unique}"));
                let older = mac(hmac::HMAC_SHA256, key, &format!("{url}{unique}"));
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let headers = vec![
                    ("content-type", form),
                    ("x-plivo-signature-v2", STANDARD.encode(older.as_ref())),
                    ("x-plivo-signature-v2-nonce", unique.clone()),
                    ("x-plivo-signature-v3", STANDARD.encode(signature.as_ref())),
                    ("x-plivo-signature-v3-nonce", unique),
                ];
                (headers, body)
            }
            "telesign" => {
                let (code, text) = match self.event.as_str() {
                    "delivered" => (200, "Delivered to handset"),
                    "bounced" if self.permanent => (211, "Permanent phone error"),
                    "bounced" => (207, "Error delivering SMS to handset"),
                    other => return Err(odd(other)),
                };
                let body = json!({
                    "reference_id": self.id,
                    "status": {"code": code, "description": text, "updated_on": at_rfc3339(now)},
                })
                .to_string();
                let key = STANDARD.decode(&self.secret);
                let key = key.map_err(|_| ReceiptFault("the secret is not base64".to_owned()))?;
                let signature = STANDARD.encode(mac(hmac::HMAC_SHA256, &key, &body).as_ref());
                (vec![("content-type", json), ("authorization", signature)], body)
            }
            "seven" => {
                let status = match self.event.as_str() {
                    "delivered" => "DELIVERED",
                    "bounced" => "NOTDELIVERED",
                    other => return Err(odd(other)),
                };
                let body = json!({
                    "webhook_event": "dlr", "webhook_timestamp": at_rfc3339(now),
                    "data": {"msg_id": self.id, "status": status, "timestamp": at_rfc3339(now)},
                })
                .to_string();
                let url = if self.public.is_empty() { &self.url } else { &self.public };
                let digest = crate::domain::hex::hex(&Md5::digest(body.as_bytes()));
                let text = [at.as_str(), &unique, "POST", url, &digest].join("\n");
                let signature = mac(hmac::HMAC_SHA256, self.secret.as_bytes(), &text);
                let headers = vec![
                    ("content-type", json),
                    ("x-timestamp", at),
                    ("x-nonce", unique),
                    ("x-signature", crate::domain::hex::hex(signature.as_ref())),
                ];
                (headers, body)
            }
            "vonage" => {
                let (status, error) = match self.event.as_str() {
                    "delivered" => ("delivered", "0"),
                    "bounced" => ("failed", if self.permanent { "9" } else { "2" }),
                    other => return Err(odd(other)),
                };
                let to = self.to.trim_start_matches('+');
                let body = json!({"msisdn": to, "messageId": self.id, "status": status, "err-code": error});
                let body = body.to_string();
                let hash = crate::domain::hex::hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
                let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let head = part(json!({"alg": "HS256", "typ": "JWT"}));
                let claims = part(json!({"iat": now.as_secs(), "jti": unique, "payload_hash": hash}));
                let text = format!("{head}.{claims}");
                let signature = mac(hmac::HMAC_SHA256, self.secret.as_bytes(), &text);
                let token = format!("Bearer {text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
                (vec![("content-type", json), ("authorization", token)], body)
            }
            _ => {
                let event = json!({
                    "event": self.event, "permanent": self.permanent, "id": self.id, "to": self.to,
                    "reference": self.reference, "text": if self.event == "bounced" { words } else { "" },
                });
                (vec![("content-type", json)], json!({"events": [event]}).to_string())
            }
        };
        Ok(Signed { headers, body })
    }

    /// What SNS posts, signed with the sandbox's own certificate.
    fn notification(&self, unique: &str) -> Result<String, ReceiptFault> {
        let mail = json!({"messageId": self.id, "destination": [self.to]});
        let to = json!([{"emailAddress": self.to, "status": if self.permanent { "5.1.1" } else { "4.2.2" }}]);
        let kind = if self.permanent { "Permanent" } else { "Transient" };
        let message = match self.event.as_str() {
            "delivered" => {
                json!({"notificationType": "Delivery", "mail": mail, "delivery": {"recipients": [self.to]}})
            }
            "bounced" => json!({"notificationType": "Bounce", "mail": mail,
                "bounce": {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": to}}),
            "complained" => json!({"notificationType": "Complaint", "mail": mail,
                "complaint": {"complainedRecipients": to}}),
            other => return Err(ReceiptFault(format!("ses sends no receipt {other}"))),
        };
        let at = crate::domain::time::Timestamp(
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64,
        );
        let mut body = json!({
            "Type": "Notification", "MessageId": unique, "TopicArn": self.secret,
            "Message": message.to_string(), "Timestamp": at, "SignatureVersion": "2",
            "SigningCertURL": format!("{}/sns.pem", self.endpoint.trim_end_matches('/')),
        });
        let mut canonical = String::new();
        for field in ["Message", "MessageId", "Timestamp", "TopicArn", "Type"] {
            let value = body[field].as_str().unwrap_or_default();
            canonical.extend([field, "\n", value, "\n"]);
        }
        let unusable = || ReceiptFault("the sandbox's key does not sign".to_owned());
        let der = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).map_err(|_| unusable())?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| unusable())?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), canonical.as_bytes(), &mut signature)
            .map_err(|_| unusable())?;
        body["Signature"] = STANDARD.encode(signature).into();
        Ok(body.to_string())
    }

    /// Signs and sends it; the status of the answer.
    pub async fn send(&self) -> Result<u16, ReceiptFault> {
        let url = Url::parse(&self.url).map_err(|error| ReceiptFault(format!("the URL: {error}")))?;
        let loopback = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if !loopback {
            return Err(ReceiptFault("the sandbox sends to loopback only".to_owned()));
        }
        let signed = self.sign()?;
        let mut base = url.clone();
        base.set_path("");
        let fault = |problem: String| ReceiptFault(problem);
        let tls = client_config(None).map_err(|error| fault(error.to_string()))?;
        let requests = Requests { deadline: Duration::from_secs(20), ..Requests::default() };
        let client = HttpClient::new(&base, tls, true, requests).map_err(fault)?;
        let head = client.head(url.path(), "application/json", []).map_err(fault)?;
        let headers = signed.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        });
        let answer = client.line().request(&head, headers, Bytes::from(signed.body)).await;
        Ok(answer.map_err(|error| fault(error.to_string()))?.status.as_u16())
    }
}
