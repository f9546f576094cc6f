//! `pyrometer serve`: turns the arguments into a configuration and runs the server.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use pyrometer_agent::directory;
use pyrometer_server::{Config, Retention, terminated};

use crate::arguments::Serve;
use crate::failure::Failure;

/// Runs until SIGTERM or SIGINT.
pub(crate) fn serve(serve: Serve) -> Result<(), Failure> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let config = Config {
        listen: serve.listen,
        targets: serve.targets,
        directory: Some(serve.dir.unwrap_or_else(directory::default_path)),
        poll_interval: Duration::from_secs(u64::from(serve.poll_interval)),
        retention: Retention {
            max_age_days: serve.keep_days,
            max_bytes: serve.keep_bytes,
        },
        token: serve.token.filter(|token| !token.is_empty()),
        target_token: serve.target_token.filter(|token| !token.is_empty()),
        insecure: serve.insecure,
        data: serve.data.unwrap_or_else(default_data),
    };
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(format!("no threads to run on: {error}"), "check `ulimit -u`"))?;
    let announce = |address| println!("pyrometer is on http://{address}");
    runtime
        .block_on(pyrometer_server::serve(config, terminated(), announce))
        .map_err(|error| Failure {
            problem: error.to_string(),
            hint: error.hint().map(Cow::into_owned),
            exit_code: 1,
        })
}

fn default_data() -> PathBuf {
    let named = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || named("HOME").map(|home| home.join(".local/share"));
    let base = named("XDG_DATA_HOME")
        .or_else(home)
        .unwrap_or_else(|| PathBuf::from("/var/lib"));
    base.join("pyrometer")
}
