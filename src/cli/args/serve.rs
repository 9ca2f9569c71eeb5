//! `herald serve` and `herald demo`.

use clap::Args;
use std::path::PathBuf;

/// `herald serve`
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Listen on TCP too, for applications; beyond loopback with TLS or behind a proxy
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// The certificate chain for TLS, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// The certificate's private key, PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Trust the proxy with this address to do TLS and to say for whom it asks
    #[arg(long, value_name = "ADDR")]
    pub behind_proxy: Option<String>,
    /// Where devices and recipients reach this API, as `https://HOST/v1`
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// In a session of its own, as a console that leaves starts it
    #[arg(long, hide = true)]
    pub detached: bool,
}

impl Serve {
    /// What its flags set.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let flags = [
            ("listen", &self.listen),
            ("tls.cert", &self.tls_cert),
            ("tls.key", &self.tls_key),
            ("behind_proxy", &self.behind_proxy),
            ("api.public_url", &self.public_url),
        ];
        flags.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

/// `herald demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the directory and its data in this place instead of a throw-away one
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// No screen: print what happens until the first message is sent, then end
    #[arg(long)]
    pub headless: bool,
}
