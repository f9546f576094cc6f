//! The arguments of every subcommand: the one source of --help, the checks and tab completion.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use pyrometer_formats::Format;
use pyrometer_server::Target;

use crate::local::arguments::{Attach, Dump, Record, Top, format};

/// Where a fleet of Python processes spends its CPU and its waiting, in production.
#[derive(Debug, Parser)]
#[command(name = "pyrometer", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a command with the agent in every Python process that it starts, children too
    Run(Run),
    /// Collect from workers, store what they saw, and serve the web app and the API
    Serve(Serve),
    /// Run a command and report what every call cost, with complete call stacks
    Calls(Calls),
    /// Sample a process from outside, and write where it spent its time
    Record(Record),
    /// Show where a process spends its time now, live
    Top(Top),
    /// Print the stacks of all threads of a process, as they are now
    Dump(Dump),
    /// Put the agent into a running process (Python 3.14 and later)
    Attach(Attach),
    /// Print the tab completions of a shell
    #[command(after_help = "Example:\n  pyrometer completions bash > /etc/bash_completion.d/pyrometer")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Options of `run`: each is the `PYROMETER_*` variable of the same name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  pyrometer run -- gunicorn shop.wsgi
  pyrometer run --service shop --label version=2026.4 -- gunicorn -w 4 shop.wsgi
  pyrometer run -- python manage.py runserver

The environment carries the agent to children, also through fork and exec. Python processes that
ignore the environment (python -I, -E or -S) are not profiled.")]
pub(crate) struct Run {
    /// Service that the processes belong to [default: the name of each program]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Label of everything that they report; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) labels: Vec<String>,
    /// Mean samples per second of each thread, 1 to 1000 [default: 100]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: Option<u32>,
    /// Socket directory [default: $XDG_RUNTIME_DIR/pyrometer, /run/pyrometer for root, else /tmp/pyrometer-UID]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Also serve over TCP; with several processes use port 0
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<OsString>,
}

/// Options of `calls`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  pyrometer calls -- python manage.py check
  pyrometer calls -o calls.html -- python -m mypackage
  pyrometer calls --function 'Cart.*' -o cart.json -- gunicorn shop.wsgi

Every Python process that the command starts is recorded; the report holds all of them.")]
pub(crate) struct Calls {
    /// What is measured; what this machine cannot measure is replaced, and the report says why
    #[arg(long, value_name = "TIMER", default_value = "cpu", value_parser = ["cpu", "instructions", "wall"])]
    pub(crate) timer: String,
    /// File to write the report to; its ending says the format
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Format of the file
    #[arg(long, value_name = "FORMAT", requires = "output", value_parser = format)]
    pub(crate) format: Option<Format>,
    /// Only functions whose qualified name, or its last part, fits; may be given several times
    #[arg(long = "function", value_name = "PATTERN")]
    pub(crate) functions: Vec<String>,
    /// Also record calls of functions in C
    #[arg(long)]
    pub(crate) c_calls: bool,
    /// Bound of the tree of each thread; more is folded into (other)
    #[arg(long, value_name = "NODES", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) max_nodes: u32,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) command: Vec<OsString>,
}

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  pyrometer serve
  pyrometer serve --data /srv/pyrometer --keep-days 30
  pyrometer serve --target http://web-1:9000 --target http://web-2:9000
  PYROMETER_TOKEN=secret pyrometer serve --listen 0.0.0.0:7788

Workers of this user on this machine are found by themselves, through the socket directory.")]
pub(crate) struct Serve {
    /// Directory of the store [default: $XDG_DATA_HOME/pyrometer, else ~/.local/share/pyrometer]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of the web app and the API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7788")]
    pub(crate) listen: SocketAddr,
    /// Worker endpoint to poll, http://host:port or unix:/path; may be given several times
    #[arg(long = "target", value_name = "URL")]
    pub(crate) targets: Vec<Target>,
    /// Socket directory of local workers [default: as for run]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Seconds between two polls of a worker
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=300))]
    pub(crate) poll_interval: u16,
    /// Delete days that are older than this
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep_days: Option<u32>,
    /// Delete the oldest days beyond this size
    #[arg(long, value_name = "BYTES")]
    pub(crate) keep_bytes: Option<u64>,
    /// Token that readers must show; needed beyond loopback
    #[arg(long, env = "PYROMETER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Token to show to workers that ask for one
    #[arg(
        long,
        env = "PYROMETER_TARGET_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub(crate) target_token: Option<String>,
    /// Serve beyond loopback without a token
    #[arg(long)]
    pub(crate) insecure: bool,
}

fn label(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !text.contains(',') && !value.is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("a label is NAME=VALUE, without commas".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_command_keeps_its_own_flags() {
        let arguments = [
            "pyrometer",
            "run",
            "--label",
            "a=1",
            "--",
            "gunicorn",
            "-w",
            "4",
            "--service",
            "x",
        ];
        let Command::Run(run) = Arguments::parse_from(arguments).command else {
            panic!("run")
        };
        assert_eq!(run.command, ["gunicorn", "-w", "4", "--service", "x"]);
        assert_eq!((run.service, run.labels), (None, vec!["a=1".to_owned()]));
        for bad in [
            vec!["run"],
            vec!["run", "--label", "a", "--", "x"],
            vec!["run", "--rate", "0", "--", "x"],
        ] {
            assert!(Arguments::try_parse_from(["pyrometer"].into_iter().chain(bad)).is_err());
        }
    }
}
