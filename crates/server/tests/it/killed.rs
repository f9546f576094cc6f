//! A server that is killed at any moment loses nothing and counts nothing twice.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::collecting::{find, stored};
use crate::fixture_worker::FixtureWorker;
use crate::http::{eventually, get};

/// `examples/serve.rs`, which cargo builds beside the tests.
fn serve_binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/serve")
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(base: &Path) -> (Killed, SocketAddr) {
    let mut child = Command::new(serve_binary())
        .args([base.join("data"), base.join("sockets")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo test builds the example; with --test alone, run cargo build --examples first");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().parse().unwrap();
    (Killed(child), address)
}

#[test]
fn kill_nine_at_any_moment_loses_and_repeats_nothing() {
    let base = tempfile::tempdir().unwrap();
    let workers: Vec<_> = (0..3)
        .map(|_| FixtureWorker::start(&base.path().join("sockets"), "shop", 60))
        .collect();
    for round in 0..8 {
        let (server, _) = start(base.path());
        for step in 0..4 {
            workers.iter().for_each(|worker| worker.close_window(20 + step));
            // Not to wait for anything: to be killed at another point of the work each time.
            std::thread::sleep(Duration::from_millis(13 * (round + 1)));
        }
        drop(server);
    }
    let (_server, address) = start(base.path());
    for worker in &workers {
        let found = eventually("the accounts are equal", || {
            let answer = get(address, "/api/v1/workers", &[]).json();
            find(&answer, &worker.id()).filter(|found| stored(found) == worker.account())
        });
        assert_eq!(found["missed_windows"], 0);
    }
    let total = get(
        address,
        "/api/v1/flamegraph?from=now-1h&type=wall:samples:count:wall:nanoseconds",
        &[],
    );
    let samples: u64 = workers.iter().map(|worker| worker.account().samples).sum();
    assert_eq!(total.json()["total"].as_u64(), Some(samples));
}

#[test]
fn a_polite_end_polls_once_more() {
    let base = tempfile::tempdir().unwrap();
    let worker = FixtureWorker::start(&base.path().join("sockets"), "shop", 60);
    worker.close_window(3);
    let (mut server, address) = start(base.path());
    eventually("the first window", || {
        let answer = get(address, "/api/v1/workers", &[]).json();
        find(&answer, &worker.id()).filter(|found| found["windows"] == 1)
    });
    let pid = server.0.id().to_string();
    worker.close_window(5);
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(server.0.wait().unwrap().success());
    drop(server);
    let store = pyrometer_store::SqliteStore::open(&base.path().join("data")).unwrap();
    let incarnation = pyrometer_model::Incarnation(worker.id());
    assert_eq!(pyrometer_store::Store::cursor(&store, &incarnation), 2);
}
