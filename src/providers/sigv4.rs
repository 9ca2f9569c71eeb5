//! Signs requests to Amazon's services: Signature Version 4
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).

use crate::domain::hex::hex;
use chrono::{DateTime, Utc};
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write as _;

/// The form of a time in `x-amz-date`.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// The algorithm's name in the header.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, for what.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The access key's id.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: SecretString,
    /// Such as `eu-central-1`.
    pub region: String,
    /// Such as `ses`.
    pub service: &'static str,
}

/// A request to sign.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it is sent: of letters, digits, `-`, `.`, `_`, `~` and `/`.
    pub path: &'a str,
    /// The query, as it is sent: encoded, in the order of its names.
    pub query: &'a str,
    /// Headers to sign beside `x-amz-date`: names in lower case, in order.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

impl Signer {
    /// The values of `x-amz-date` and `authorization`.
    pub fn sign(&self, request: Signed<'_>, now: DateTime<Utc>) -> (String, String) {
        let time = now.format(TIME).to_string();
        let date = &time[..8];
        let mut headers: Vec<(&str, &str)> = request.headers.to_vec();
        headers.push(("x-amz-date", &time));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|&(name, _)| name).collect();
        let names = names.join(";");
        let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
        for (name, value) in &headers {
            // Writing to a text has nothing to fail on.
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let _ =
            write!(canonical, "\n{names}\n{}", hex(digest::digest(&digest::SHA256, request.body).as_ref()));
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{time}\n{scope}\n{hashed}");
        let start = zeroize::Zeroizing::new(format!("AWS4{}", self.secret_key.expose_secret()));
        let key = [date, &self.region, self.service, "aws4_request"]
            .iter()
            .fold(start.as_bytes().to_vec(), |key, part| mac(&key, part.as_bytes()));
        let signature = hex(&mac(&key, text.as_bytes()));
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key
        );
        (time, authorization)
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    /// The account and time of Amazon's published examples.
    fn signer(region: &str, service: &'static str) -> (Signer, DateTime<Utc>) {
        let signer = Signer {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            region: region.to_owned(),
            service,
        };
        (signer, Utc.with_ymd_and_hms(2015, 8, 30, 12, 36, 0).unwrap())
    }

    /// `get-vanilla` and `post-x-www-form-urlencoded` of the AWS Signature Version 4 test suite.
    #[test]
    fn the_published_test_suite() {
        let (signer, now) = signer("us-east-1", "service");
        let vanilla = Signed {
            method: "GET",
            path: "/",
            query: "",
            headers: &[("host", "example.amazonaws.com")],
            body: b"",
        };
        let (time, authorization) = signer.sign(vanilla, now);
        assert_eq!(time, "20150830T123600Z");
        assert_eq!(
            authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        let form = Signed {
            method: "POST",
            headers: &[
                ("content-type", "application/x-www-form-urlencoded"),
                ("host", "example.amazonaws.com"),
            ],
            body: b"Param1=value1",
            ..vanilla
        };
        let (_, authorization) = signer.sign(form, now);
        assert!(
            authorization
                .ends_with("Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
            "{authorization}"
        );
    }

    /// The example of the documentation of signed requests: `ListUsers` of IAM.
    #[test]
    fn the_documented_example() {
        let (signer, now) = signer("us-east-1", "iam");
        let request = Signed {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: &[
                ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ("host", "iam.amazonaws.com"),
            ],
            body: b"",
        };
        let (_, authorization) = signer.sign(request, now);
        assert!(
            authorization
                .ends_with("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
            "{authorization}"
        );
    }
}
