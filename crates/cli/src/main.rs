//! The `pyrometer` command: reads arguments, calls the crates that do the work, prints errors.
//!
//! Exit codes: 0 done, 1 the command or target failed, 2 usage. An error is one line on stderr and,
//! where something can be done about it, a `hint:` line.
#![forbid(unsafe_code)]

mod arguments;
mod failure;
mod run;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Run(run) => run::run(run),
        Command::Serve(serve) => serve::serve(serve),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "pyrometer",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { problem, hint }) => {
            eprintln!("pyrometer: {problem}");
            if let Some(hint) = hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(1)
        }
    }
}
