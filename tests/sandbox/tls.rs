//! STARTTLS and implicit TLS, with certificates of our own.

use super::certificates::Certificates;
use super::client::{Talk, both};
use herald::sandbox::{Sandbox, SmtpTls};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

async fn secure(
    certificates: &Certificates,
    stream: TcpStream,
) -> std::io::Result<Talk<TlsStream<TcpStream>>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(certificates.client()).connect(name, stream).await.map(Talk::on)
}

async fn start_tls(sandbox: &Sandbox, certificates: &Certificates) -> Talk<TlsStream<TcpStream>> {
    let mut talk = Talk::greeted(sandbox).await;
    talk.expect("STARTTLS", "220 2.0.0").await;
    secure(certificates, talk.stream.into_inner()).await.unwrap()
}

#[tokio::test]
async fn starttls_is_wanted_before_mail_and_auth() {
    let certificates = Certificates::new();
    let sandbox = both()
        .credentials("ada", "secret")
        .smtp_tls(SmtpTls::StartTls { config: certificates.server(), required: true })
        .start()
        .await
        .unwrap();
    let mut talk = Talk::open(&sandbox).await;
    let ehlo = talk.expect("EHLO test", "250").await;
    assert!(ehlo.contains("STARTTLS") && !ehlo.contains("AUTH"), "{ehlo:?}");
    talk.expect("MAIL FROM:<a@example.test>", "530 5.7.0 Must issue").await;
    talk.expect("AUTH PLAIN AGFkYQBzZWNyZXQ=", "503 5.5.1").await;

    let mut talk = start_tls(&sandbox, &certificates).await;
    // What was said in the clear is forgotten.
    talk.expect("MAIL FROM:<a@example.test>", "503 5.5.1").await;
    let ehlo = talk.expect("EHLO test", "250").await;
    assert!(!ehlo.contains("STARTTLS") && ehlo.contains("AUTH PLAIN LOGIN"));
    talk.expect("STARTTLS", "502 5.5.1").await;
    talk.expect("AUTH PLAIN AGFkYQBzZWNyZXQ=", "235").await;
    assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));
    assert_eq!(sandbox.record().reference("1@h"), 1);
}

#[tokio::test]
async fn nothing_sent_in_the_clear_gets_into_tls() {
    let certificates = Certificates::new();
    let sandbox = both()
        .smtp_tls(SmtpTls::StartTls { config: certificates.server(), required: false })
        .start()
        .await
        .unwrap();
    let mut talk = Talk::greeted(&sandbox).await;
    talk.send("STARTTLS\r\nMAIL FROM:<a@example.test>\r\n").await;
    assert!(talk.rest().await.unwrap().starts_with("503 5.5.0"));
    // It is only offered: mail goes without it too.
    let mut talk = Talk::greeted(&sandbox).await;
    assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));
}

#[tokio::test]
async fn implicit_tls_from_the_first_byte() {
    let certificates = Certificates::new();
    let sandbox = both().smtp_tls(SmtpTls::Implicit(certificates.server())).start().await.unwrap();
    let addr = sandbox.smtp_addr().unwrap();
    let stream = TcpStream::connect(addr).await.unwrap();
    let mut talk = secure(&certificates, stream).await.unwrap();
    assert!(talk.reply().await.starts_with("220 "));
    let ehlo = talk.expect("EHLO test", "250").await;
    assert!(!ehlo.contains("STARTTLS"));
    assert!(talk.mail(&["b@example.test"], "1@h").await.starts_with("250"));

    // Who does not know the authority does not go on.
    let stream = TcpStream::connect(addr).await.unwrap();
    assert!(secure(&Certificates::new(), stream).await.is_err());
}
