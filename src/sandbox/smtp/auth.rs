//! AUTH PLAIN (RFC 4616) and LOGIN, as far as a server sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Credentials;

/// What the next line of the client answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Plain,
    LoginUser,
    LoginPassword { user: Vec<u8> },
}

/// What an answer leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    Malformed,
    /// The next question, with its challenge in base64.
    Ask(Asked, &'static str),
}

/// "Username:" and "Password:".
pub(super) const USERNAME: &str = "VXNlcm5hbWU6";
const PASSWORD: &str = "UGFzc3dvcmQ6";

/// Judges a client's answer, in base64 as it came.
pub(super) fn judge(asked: Asked, answer: &[u8], expected: &Credentials) -> Verdict {
    // An initial response of "=" is an empty one (RFC 4954, 4).
    let answer = if answer == b"=" { b"" } else { answer };
    let Ok(decoded) = STANDARD.decode(answer) else {
        return Verdict::Malformed;
    };
    let right = |user: &[u8], password: &[u8]| {
        if user == expected.user.as_bytes() && password == expected.password.as_bytes() {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    };
    match asked {
        Asked::Plain => {
            let mut parts = decoded.split(|&b| b == 0);
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(_), Some(user), Some(password), None) => right(user, password),
                _ => Verdict::Malformed,
            }
        }
        Asked::LoginUser => Verdict::Ask(Asked::LoginPassword { user: decoded }, PASSWORD),
        Asked::LoginPassword { user } => right(&user, &decoded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_login() {
        let expected = Credentials { user: "ada".into(), password: "pass word".into() };
        let plain = |text: &str| judge(Asked::Plain, STANDARD.encode(text).as_bytes(), &expected);
        assert_eq!(plain("\0ada\0pass word"), Verdict::Right);
        assert_eq!(plain("other\0ada\0pass word"), Verdict::Right);
        assert_eq!(plain("\0ada\0wrong"), Verdict::Wrong);
        assert_eq!(plain("ada\0pass word"), Verdict::Malformed);
        assert_eq!(judge(Asked::Plain, b"###", &expected), Verdict::Malformed);
        assert_eq!(judge(Asked::Plain, b"=", &expected), Verdict::Malformed);
        assert_eq!(STANDARD.decode(USERNAME).unwrap(), b"Username:");
        let Verdict::Ask(next, challenge) =
            judge(Asked::LoginUser, STANDARD.encode("ada").as_bytes(), &expected)
        else {
            panic!("LOGIN asks for the password");
        };
        assert_eq!(STANDARD.decode(challenge).unwrap(), b"Password:");
        assert_eq!(judge(next, STANDARD.encode("pass word").as_bytes(), &expected), Verdict::Right);
    }
}
