//! The smallest server: `serve DATA SOCKET_DIRECTORY`. Prints its address, runs until SIGTERM.
//! The tests kill it; the `pyrometer` command has the real one.

use std::time::Duration;

use pyrometer_server::{Config, serve, terminated};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(data), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve DATA SOCKET_DIRECTORY".into());
    };
    let mut config = Config::new(data);
    config.listen = ([127, 0, 0, 1], 0).into();
    config.directory = Some(directory.into());
    config.poll_interval = Duration::from_millis(50);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(config, terminated(), |address| println!("{address}")))?;
    Ok(())
}
