//! Services that deliver mail.

use super::{
    CA, ENDPOINT, FROM_EMAIL, FROM_NAME, Field, Kind, Proof, RECEIPT_TOKEN, REPLY_TO_EMAIL, REPLY_TO_NAME,
    Receipt, Shape, credential, option, proof, secret,
};
use crate::domain::channel::Channel;
use std::time::Duration;

const EVERY_RECEIPT: &[Receipt] =
    &[Receipt::Delivered, Receipt::Bounced, Receipt::Complained, Receipt::Unsubscribed];

pub(super) const SMTP: Kind = Kind {
    name: "smtp",
    title: "SMTP",
    channels: &[Channel::Email],
    fields: &[
        credential("host", "Host name of the mail server", true, Shape::Host),
        credential("port", "Port; 587 if not given", false, Shape::Port),
        credential("username", "User name, if the server wants one", false, Shape::Text(256)),
        secret("password", "Password, if the server wants one", false, Shape::Text(256)),
        option(
            "encryption",
            "none, ssl (TLS from the first byte) or tls (STARTTLS)",
            false,
            Shape::OneOf(&["none", "ssl", "tls"]),
        ),
        option("autoTLS", "With none: STARTTLS where the server offers it", false, Shape::Flag),
        option("mailer", "X-Mailer header", false, Shape::Text(256)),
        FROM_NAME,
        FROM_EMAIL,
        REPLY_TO_NAME,
        REPLY_TO_EMAIL,
        option(
            "dkimDomain",
            "Domain that signs mail with DKIM; the sender's if not given",
            false,
            Shape::Text(253),
        ),
        option(
            "dkimSelector",
            "Selector: where its public key stands, before ._domainkey",
            false,
            Shape::Text(253),
        ),
        secret("dkimKey", "Private key for DKIM: RSA or Ed25519", false, Shape::Pem),
        RECEIPT_TOKEN,
        CA,
    ],
    batch: 1,
    concurrency: 16,
    rate: None,
    request: None,
    text: None,
    idempotency: None,
    check: "sign in, MAIL FROM, RSET",
    receipts: EVERY_RECEIPT,
    proof: Proof::Token,
    source: "https://www.rfc-editor.org/rfc/rfc5321",
    adapter: true,
};

pub(super) const MAILGUN: Kind = Kind {
    name: "mailgun",
    title: "Mailgun",
    channels: &[Channel::Email],
    fields: &[
        secret("apiKey", "API key, or a sending key of the domain", true, Shape::Text(256)),
        credential("domain", "Sending domain, as verified with Mailgun", true, Shape::Text(253)),
        credential("isEuRegion", "Whether the domain is in the EU region", true, Shape::Flag),
        FROM_NAME,
        FROM_EMAIL,
        REPLY_TO_NAME,
        REPLY_TO_EMAIL,
        proof("webhookSigningKey", "Takes receipts: the HTTP webhook signing key"),
        ENDPOINT,
        CA,
    ],
    batch: 1000,
    concurrency: 8,
    rate: None,
    request: Some(25 * 1024 * 1024),
    text: None,
    idempotency: None,
    check: "POST /v3/{domain}/messages without a recipient",
    receipts: EVERY_RECEIPT,
    proof: Proof::Mailgun,
    source: "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending",
    adapter: true,
};

pub(super) const SENDGRID: Kind = Kind {
    name: "sendgrid",
    title: "SendGrid",
    channels: &[Channel::Email],
    fields: &[
        secret("apiKey", "API key with the scope mail.send", true, Shape::Text(256)),
        FROM_NAME,
        FROM_EMAIL,
        REPLY_TO_NAME,
        REPLY_TO_EMAIL,
        Field {
            proves: true,
            ..credential(
                "webhookPublicKey",
                "Takes receipts: the verification key of the signed event webhook",
                false,
                Shape::Text(512),
            )
        },
        ENDPOINT,
        CA,
    ],
    batch: 1000,
    concurrency: 8,
    rate: None,
    request: Some(30 * 1024 * 1024),
    text: None,
    idempotency: None,
    check: "GET /v3/scopes",
    receipts: EVERY_RECEIPT,
    proof: Proof::SendGrid,
    source: "https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations",
    adapter: true,
};

pub(super) const RESEND: Kind = Kind {
    name: "resend",
    title: "Resend",
    channels: &[Channel::Email],
    fields: &[
        secret("apiKey", "API key; one that may only send is enough", true, Shape::Text(256)),
        FROM_NAME,
        FROM_EMAIL,
        REPLY_TO_NAME,
        REPLY_TO_EMAIL,
        proof("webhookSecret", "Takes receipts: the webhook's signing secret, whsec_…"),
        ENDPOINT,
        CA,
    ],
    batch: 100,
    concurrency: 2,
    rate: Some(2.0),
    request: Some(40 * 1024 * 1024),
    text: None,
    idempotency: Some(Duration::from_hours(24)),
    check: "GET /domains",
    receipts: &[Receipt::Delivered, Receipt::Bounced, Receipt::Complained],
    proof: Proof::Svix,
    source: "https://resend.com/docs/api-reference/emails/send-batch-emails",
    adapter: true,
};

pub(super) const SES: Kind = Kind {
    name: "ses",
    title: "Amazon SES",
    channels: &[Channel::Email],
    fields: &[
        credential("accessKey", "Id of an access key that may send with SES", true, Shape::Text(128)),
        secret("secretKey", "Secret access key", true, Shape::Text(256)),
        credential("region", "Region, such as eu-central-1", true, Shape::Text(128)),
        FROM_NAME,
        FROM_EMAIL,
        REPLY_TO_NAME,
        REPLY_TO_EMAIL,
        Field {
            proves: true,
            ..credential(
                "snsTopicArn",
                "Takes receipts: the ARN of the SNS topic that SES publishes to",
                false,
                Shape::Text(256),
            )
        },
        ENDPOINT,
        CA,
    ],
    batch: 50,
    concurrency: 4,
    rate: None,
    request: Some(40 * 1024 * 1024),
    text: None,
    idempotency: None,
    check: "GET /v2/email/account",
    receipts: &[Receipt::Delivered, Receipt::Bounced, Receipt::Complained],
    proof: Proof::Sns,
    source: "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html",
    adapter: true,
};
