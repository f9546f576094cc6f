//! What `serve` is told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use pyrometer_store::Retention;

/// Everything that `serve` is told. [`Config::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the day files; made if it is missing.
    pub data: PathBuf,
    /// Where the API and the web app are served; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Endpoints to poll besides those of the socket directory.
    pub targets: Vec<Target>,
    /// Socket directory of the workers of this machine; `None` looks at none.
    pub directory: Option<PathBuf>,
    /// Distance of two polls of one target.
    pub poll_interval: Duration,
    /// How much is kept.
    pub retention: Retention,
    /// What a reader of the API must show as `Authorization: Bearer …`.
    pub token: Option<String>,
    /// What is shown to targets that ask for a token.
    pub target_token: Option<String>,
    /// Serve beyond loopback without a token.
    pub insecure: bool,
}

/// Default distance of two polls: half of a worker's window.
pub const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(5);

impl Config {
    /// The defaults for a data directory: loopback port 7788, no socket directory, keep everything.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7788)),
            targets: Vec::new(),
            directory: None,
            poll_interval: DEFAULT_POLL_INTERVAL,
            retention: Retention::default(),
            token: None,
            target_token: None,
            insecure: false,
        }
    }
}

/// An address that the collector polls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// `unix:/path`
    Unix(PathBuf),
    /// `http://host:port`
    Http {
        /// Host and port as they are written.
        authority: String,
    },
}

/// The text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a target: {reason}")]
pub struct TargetError {
    text: String,
    reason: &'static str,
}

impl TargetError {
    /// How to write it instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "write http://host:port or unix:/path/of/a.sock"
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| TargetError {
            text: text.to_owned(),
            reason,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(wrong("the path is not absolute"))
            };
        }
        if text.starts_with("https://") {
            return Err(wrong("https is not supported"));
        }
        let authority = text
            .strip_prefix("http://")
            .ok_or_else(|| wrong("it has no known scheme"))?;
        let authority = authority.trim_end_matches('/');
        let port = authority
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .map(|(_, port)| port);
        match port.map(str::parse::<u16>) {
            Some(Ok(1..)) if !authority.contains(['/', '@', '?', '#', ' ']) => Ok(Self::Http {
                authority: authority.to_owned(),
            }),
            Some(_) => Err(wrong("host and port are not well written")),
            None => Err(wrong("it has no port")),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Http { authority } => write!(out, "http://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        for good in ["unix:/run/a.sock", "http://web-1:9000", "http://[::1]:80"] {
            assert_eq!(good.parse::<Target>().unwrap().to_string(), good);
        }
        assert_eq!("http://a:1/".parse::<Target>().unwrap().to_string(), "http://a:1");
        let bad = [
            "",
            "web-1:80",
            "unix:a",
            "http://a",
            "http://:80",
            "http://a:0",
            "http://a:1/x",
            "https://a:1",
        ];
        for bad in bad {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
