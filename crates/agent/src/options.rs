//! What a user may ask of the agent, by `pyrometer.start()` or by `PYROMETER_*` variables.
//!
//! Reading them is pure: the environment comes in as a function, and every mistake is an
//! [`OptionError`] that names the option and what it takes.

use std::net::ToSocketAddrs;
use std::path::PathBuf;

use pyrometer_model::Labels;

/// Everything the agent can be told. [`Options::default`] is what runs in production.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Service that this process belongs to; `None` for the name of the program.
    pub service: Option<String>,
    /// Mean samples per second of each thread, 1 to 1000.
    pub rate_hz: u32,
    /// Labels of everything that this process reports.
    pub labels: Labels,
    /// Socket directory; `None` for [`crate::directory::default_path`].
    pub directory: Option<PathBuf>,
    /// TCP address `host:port` of a second endpoint, port 0 for any; `None` for none.
    pub listen: Option<String>,
    /// Token that readers over TCP must show; needed unless `listen` is a loopback address.
    pub token: Option<String>,
    /// Most CPU the agent may use, as a share of one core, 0.0001 to 1.
    pub budget: f64,
    /// Whether threads of pools stand under the code that submitted their work.
    pub join_threads: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            service: None,
            rate_hz: 100,
            labels: Labels::new(),
            directory: None,
            listen: None,
            token: None,
            budget: 0.01,
            join_threads: false,
        }
    }
}

/// Highest rate that may be asked for. Above it, ticks would overlap on a busy machine.
pub const MAX_RATE_HZ: u32 = 1000;

/// An option that cannot be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{option} cannot be {given:?}: {takes}")]
pub struct OptionError {
    /// Name of the option, as the user wrote it.
    pub option: &'static str,
    /// What was given.
    pub given: String,
    /// What it takes instead.
    pub takes: &'static str,
}

impl Options {
    /// The options that the environment asks for; unset and empty variables leave the default.
    ///
    /// # Errors
    /// [`OptionError`] for the first variable that cannot be read.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut options = Self {
            service: given("PYROMETER_SERVICE"),
            directory: given("PYROMETER_DIR").map(PathBuf::from),
            listen: given("PYROMETER_LISTEN"),
            token: given("PYROMETER_TOKEN"),
            ..Self::default()
        };
        if let Some(rate) = given("PYROMETER_RATE") {
            options.rate_hz = rate.parse().map_err(|_| rate_error("PYROMETER_RATE", &rate))?;
        }
        if let Some(budget) = given("PYROMETER_BUDGET") {
            options.budget = budget
                .parse()
                .map_err(|_| budget_error("PYROMETER_BUDGET", &budget))?;
        }
        if let Some(join) = given("PYROMETER_JOIN_THREADS") {
            options.join_threads = match join.as_str() {
                "1" => true,
                "0" => false,
                _ => {
                    return Err(OptionError {
                        option: "PYROMETER_JOIN_THREADS",
                        given: join,
                        takes: "it takes 0 or 1",
                    });
                }
            };
        }
        if let Some(labels) = given("PYROMETER_LABELS") {
            options.labels = parse_labels(&labels)?;
        }
        Ok(options)
    }

    /// Checks what has to hold together.
    ///
    /// # Errors
    /// [`OptionError`] for the first option that is out of range, or an address beyond loopback
    /// without a token.
    pub fn check(&self) -> Result<(), OptionError> {
        if !(1..=MAX_RATE_HZ).contains(&self.rate_hz) {
            return Err(rate_error("rate", &self.rate_hz.to_string()));
        }
        if !(0.0001..=1.0).contains(&self.budget) {
            return Err(budget_error("budget", &self.budget.to_string()));
        }
        if let Some(listen) = &self.listen {
            let error = |takes| OptionError {
                option: "listen",
                given: listen.clone(),
                takes,
            };
            let addresses = listen
                .to_socket_addrs()
                .map_err(|_| error("it takes host:port"))?;
            let loopback = addresses.into_iter().all(|address| address.ip().is_loopback());
            if !loopback && self.token.is_none() {
                return Err(error(
                    "an address beyond loopback needs a token (PYROMETER_TOKEN)",
                ));
            }
        }
        Ok(())
    }
}

fn rate_error(option: &'static str, given: &str) -> OptionError {
    OptionError {
        option,
        given: given.to_owned(),
        takes: "it takes whole samples per second from 1 to 1000",
    }
}

fn budget_error(option: &'static str, given: &str) -> OptionError {
    OptionError {
        option,
        given: given.to_owned(),
        takes: "it takes a share of one core from 0.0001 to 1",
    }
}

/// Reads `a=1,b=2`.
fn parse_labels(text: &str) -> Result<Labels, OptionError> {
    let error = || OptionError {
        option: "PYROMETER_LABELS",
        given: text.to_owned(),
        takes: "it takes name=value pairs with commas between them",
    };
    let pairs = text.split(',').map(|pair| match pair.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value.trim())),
        _ => Err(error()),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Options, OptionError> {
        let options = Options::from_environment(|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })?;
        options.check().map(|()| options)
    }

    #[test]
    fn the_environment_mirrors_the_options() {
        let options = read(&[
            ("PYROMETER_SERVICE", "shop"),
            ("PYROMETER_RATE", "250"),
            ("PYROMETER_LABELS", "version=2026.4, tier = web"),
            ("PYROMETER_LISTEN", "127.0.0.1:0"),
        ])
        .unwrap();
        assert_eq!(options.service.as_deref(), Some("shop"));
        assert_eq!(options.rate_hz, 250);
        assert_eq!(
            options.labels,
            Labels::new().with("version", "2026.4").with("tier", "web")
        );
        assert_eq!(read(&[("PYROMETER_RATE", "")]), Ok(Options::default()));
    }

    #[test]
    fn mistakes_name_the_option() {
        for (name, value) in [
            ("PYROMETER_RATE", "fast"),
            ("PYROMETER_RATE", "0"),
            ("PYROMETER_RATE", "1000000000"),
            ("PYROMETER_BUDGET", "nan"),
            ("PYROMETER_LABELS", "=x"),
            ("PYROMETER_LABELS", "version"),
            ("PYROMETER_LISTEN", "here"),
            ("PYROMETER_LISTEN", "0.0.0.0:0"),
        ] {
            assert!(read(&[(name, value)]).is_err(), "{name}={value}");
        }
        assert!(read(&[("PYROMETER_LISTEN", "0.0.0.0:0"), ("PYROMETER_TOKEN", "t")]).is_ok());
    }
}
