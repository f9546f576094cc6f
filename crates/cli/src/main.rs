//! The `pyrometer` command: reads arguments, calls the crates that do the work, prints errors.
//!
//! Exit codes: 0 done, 1 the command or target failed, 2 usage. An error is one line on stderr and,
//! where something can be done about it, a `hint:` line.
#![forbid(unsafe_code)]

mod arguments;
mod calls;
mod failure;
mod local;
mod run;
mod serve;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // --help and --version are no errors.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        Err(error) => return explain(Failure::of_arguments(&error)),
    };
    let done = match arguments.command {
        Command::Run(run) => run::run(run),
        Command::Calls(options) => calls::calls(options),
        Command::Serve(serve) => serve::serve(serve),
        Command::Record(record) => local::record(record),
        Command::Top(top) => local::top(top),
        Command::Dump(dump) => local::dump(dump),
        Command::Attach(attach) => local::attach(attach),
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
        Err(failure) => explain(failure),
    }
}

fn explain(failure: Failure) -> ExitCode {
    eprintln!("pyrometer: {}", failure.problem);
    if let Some(hint) = failure.hint {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(failure.exit_code)
}
