//! Well-known mail services that are reached by SMTP: where they are, and what they let through.

/// A service's SMTP server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// The word for it, such as `gmail`.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// The host.
    pub host: &'static str,
    /// The port.
    pub port: u16,
    /// `ssl` (TLS from the first byte) or `tls` (STARTTLS).
    pub encryption: &'static str,
    /// The user name, where everybody has the same.
    pub username: Option<&'static str>,
    /// Mails a second that the service publishes as its limit.
    pub per_second: Option<f64>,
    /// Recipients a day that the service publishes as its limit.
    pub per_day: Option<u64>,
    /// Where the service says so itself.
    pub source: &'static str,
}

/// The table of presets. A kind of its own is better where there is one: it knows more of the service.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "gmail",
        title: "Gmail",
        host: "smtp.gmail.com",
        port: 587,
        encryption: "tls",
        username: None,
        per_second: None,
        per_day: Some(500),
        source: "https://support.google.com/mail/answer/22839",
    },
    Preset {
        name: "google-workspace",
        title: "Google Workspace",
        host: "smtp.gmail.com",
        port: 587,
        encryption: "tls",
        username: None,
        per_second: None,
        per_day: Some(2_000),
        source: "https://support.google.com/a/answer/166852",
    },
    Preset {
        name: "google-relay",
        title: "Google Workspace relay",
        host: "smtp-relay.gmail.com",
        port: 587,
        encryption: "tls",
        username: None,
        per_second: None,
        per_day: Some(10_000),
        source: "https://support.google.com/a/answer/2956491",
    },
    Preset {
        name: "microsoft-365",
        title: "Microsoft 365",
        host: "smtp.office365.com",
        port: 587,
        encryption: "tls",
        username: None,
        // 30 messages a minute.
        per_second: Some(0.5),
        per_day: Some(10_000),
        source: "https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits",
    },
    Preset {
        name: "icloud",
        title: "iCloud Mail",
        host: "smtp.mail.me.com",
        port: 587,
        encryption: "tls",
        username: None,
        per_second: None,
        per_day: Some(1_000),
        source: "https://support.apple.com/en-us/102198",
    },
    Preset {
        name: "postmark",
        title: "Postmark",
        host: "smtp.postmarkapp.com",
        port: 587,
        encryption: "tls",
        username: None,
        per_second: None,
        per_day: None,
        source: "https://postmarkapp.com/developer/user-guide/send-email-with-smtp",
    },
    Preset {
        name: "sparkpost",
        title: "SparkPost",
        host: "smtp.sparkpostmail.com",
        port: 587,
        encryption: "tls",
        username: Some("SMTP_Injection"),
        per_second: None,
        per_day: None,
        source: "https://developers.sparkpost.com/api/smtp/",
    },
    Preset {
        name: "sendgrid-smtp",
        title: "SendGrid by SMTP",
        host: "smtp.sendgrid.net",
        port: 587,
        encryption: "tls",
        username: Some("apikey"),
        per_second: None,
        per_day: None,
        source: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
    },
    Preset {
        name: "resend-smtp",
        title: "Resend by SMTP",
        host: "smtp.resend.com",
        port: 465,
        encryption: "ssl",
        username: Some("resend"),
        per_second: None,
        per_day: None,
        source: "https://resend.com/docs/send-with-smtp",
    },
];

/// A preset by its word.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// What it says of a field of an SMTP provider.
    pub fn value(&self, field: &str) -> Option<serde_json::Value> {
        match field {
            "host" => Some(self.host.into()),
            "port" => Some(self.port.into()),
            "encryption" => Some(self.encryption.into()),
            "username" => self.username.map(Into::into),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::kind;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_whole_and_are_no_kinds() {
        let mut names = BTreeSet::new();
        for preset in PRESETS {
            assert!(names.insert(preset.name), "{} stands twice", preset.name);
            assert!(kind(preset.name).is_none(), "{} is a kind", preset.name);
            assert!(preset.source.starts_with("https://") && preset.host.contains('.'), "{}", preset.name);
            assert!(matches!(preset.encryption, "ssl" | "tls"), "{}", preset.name);
        }
    }
}
