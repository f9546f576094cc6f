//! From workers into the store: nothing lost, nothing twice, and everything shown.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use pyrometer_agent::directory::Names;
use pyrometer_model::UnixNanos;
use pyrometer_server::Config;
use serde_json::Value;

use crate::fixture_worker::{Account, FixtureWorker, now_ns};
use crate::http::{Running, eventually};

pub(crate) fn config(base: &Path) -> Config {
    let mut config = Config::new(base.join("data"));
    config.directory = Some(base.join("sockets"));
    config.poll_interval = Duration::from_millis(50);
    config
}

pub(crate) fn find(answer: &Value, id: &str) -> Option<Value> {
    answer["workers"]
        .as_array()?
        .iter()
        .find(|worker| worker["id"] == id)
        .cloned()
}

/// What the server stored of a worker, in the worker's own terms.
pub(crate) fn stored(worker: &Value) -> Account {
    let number = |name: &str| worker[name].as_u64().unwrap();
    Account {
        windows: number("windows"),
        samples: number("samples"),
        wall_ns: number("wall_ns"),
        cpu_ns: number("cpu_ns"),
    }
}

pub(crate) fn wait_for_account(server: &Running, worker: &FixtureWorker) -> Value {
    eventually("the accounts are equal", || {
        let found = find(&server.json("/api/v1/workers"), &worker.id())?;
        (stored(&found) == worker.account()).then_some(found)
    })
}

#[test]
fn a_worker_of_the_socket_directory_is_collected_and_its_account_agrees() {
    let base = tempfile::tempdir().unwrap();
    let worker = FixtureWorker::start(&base.path().join("sockets"), "shop", 60);
    (0..5).for_each(|_| worker.close_window(3));
    let server = Running::start(config(base.path()));
    wait_for_account(&server, &worker);
    (0..4).for_each(|_| worker.close_window(5));
    let found = wait_for_account(&server, &worker);
    assert_eq!(
        (&found["service"], &found["host"], &found["rate_hz"]),
        (&"shop".into(), &"web-1".into(), &97.into())
    );
    assert_eq!(found["agent_cpu_fraction"], 0.005);
    assert_eq!(found["agent_memory_bytes"], 1 << 20);
    assert_eq!(found["missed_windows"], 0);
    let all = server.json("/api/v1/flamegraph?from=now-1h&type=wall:wall:nanoseconds:wall:nanoseconds");
    assert_eq!(all["total"].as_u64(), Some(worker.account().wall_ns));
    assert_eq!((&all["workers"], &all["hosts"]), (&1.into(), &1.into()));
    drop(server);

    // A restart asks for all tables again and counts nothing twice.
    worker.close_window(2);
    let server = Running::start(config(base.path()));
    let found = wait_for_account(&server, &worker);
    assert_eq!(
        (&found["missed_windows"], &found["rejected_answers"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn windows_that_left_the_ring_are_a_gap() {
    let base = tempfile::tempdir().unwrap();
    let worker = FixtureWorker::start(&base.path().join("sockets"), "shop", 4);
    (0..4).for_each(|_| worker.close_window(1));
    let server = Running::start(config(base.path()));
    wait_for_account(&server, &worker);
    drop(server);
    (0..10).for_each(|_| worker.close_window(1));
    let server = Running::start(config(base.path()));
    let found = eventually("the rest of the ring is stored", || {
        find(&server.json("/api/v1/workers"), &worker.id()).filter(|found| found["windows"] == 8)
    });
    assert_eq!(found["missed_windows"], 6);
    let gaps = server.json("/api/v1/flamegraph?from=now-1h")["gaps"].clone();
    let gap = gaps.as_array().unwrap();
    assert_eq!(gap.len(), 1, "{gaps}");
    assert_eq!(gap[0][1].as_f64().unwrap() - gap[0][0].as_f64().unwrap(), 60.0);
    let collected = server.json("/api/v1/workers")["collected"].as_f64().unwrap();
    assert!((collected - 8.0 / 14.0).abs() < 1e-9, "{collected}");
}

#[test]
fn an_ended_worker_leaves_its_last_windows() {
    let base = tempfile::tempdir().unwrap();
    let sockets = base.path().join("sockets");
    let worker = FixtureWorker::start(&sockets, "job", 60);
    let brief = FixtureWorker::start(&sockets, "job", 60);
    worker.close_window(3);
    brief.close_window(4);
    let (brief_id, brief_account) = (brief.id(), brief.account());
    brief.end_with_spool();
    let server = Running::start(config(base.path()));
    wait_for_account(&server, &worker);
    worker.close_window(5);
    let (id, account) = (worker.id(), worker.account());
    worker.end_with_spool();
    for (id, account) in [(id, account), (brief_id, brief_account)] {
        eventually("an ended worker with all of its windows", || {
            let found = find(&server.json("/api/v1/workers"), &id)?;
            (found["state"] == "exited" && stored(&found) == account).then_some(())
        });
    }
    let spools = sockets.read_dir().unwrap().count();
    assert_eq!(spools, 2, "spool files stay for ten minutes, for other readers");
    for spool in sockets.read_dir().unwrap() {
        let spool = std::fs::File::options()
            .write(true)
            .open(spool.unwrap().path())
            .unwrap();
        spool
            .set_modified(SystemTime::now() - Duration::from_secs(601))
            .unwrap();
    }
    eventually("old spool files are removed", || {
        (sockets.read_dir().unwrap().count() == 0).then_some(())
    });
    assert_eq!(
        server.json("/api/v1/services?from=now-1h")["services"][0]["workers"],
        2
    );
}

#[test]
fn a_target_over_tcp_is_shown_the_token() {
    let base = tempfile::tempdir().unwrap();
    let elsewhere = base.path().join("elsewhere");
    let worker = FixtureWorker::start(&elsewhere, "shop", 60);
    worker.close_window(3);
    let endpoint = worker.names.socket(&elsewhere);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, heads) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut near = stream.unwrap();
            let mut far = UnixStream::connect(&endpoint).unwrap();
            let mut request = [0; 1024];
            let length = near.read(&mut request).unwrap();
            far.write_all(&request[..length]).unwrap();
            std::io::copy(&mut far, &mut near).unwrap();
            let _ = seen.send(String::from_utf8_lossy(&request[..length]).to_lowercase());
        }
    });
    let mut config = config(base.path());
    config.targets = vec![format!("http://{address}").parse().unwrap()];
    config.target_token = Some("s3cret".into());
    let server = Running::start(config);
    wait_for_account(&server, &worker);
    let first = heads.recv().unwrap();
    assert!(first.starts_with("get /feed?since=0 http/1.1\r\n"), "{first}");
    assert!(first.contains("\r\nauthorization: bearer s3cret\r\n"), "{first}");
    assert!(first.contains("\r\nconnection: close\r\n"), "{first}");
    let second = heads.recv().unwrap();
    assert!(
        second.starts_with("get /feed?since=1&have=0:7:8 http/1.1\r\n"),
        "{second}"
    );
}

#[test]
fn the_socket_of_a_dead_process_is_removed() {
    let base = tempfile::tempdir().unwrap();
    let sockets = base.path().join("sockets");
    std::fs::create_dir_all(&sockets).unwrap();
    let mut child = Command::new("true").spawn().unwrap();
    let names = Names {
        pid: child.id(),
        started: UnixNanos(now_ns()),
    };
    child.wait().unwrap();
    drop(UnixListener::bind(names.socket(&sockets)).unwrap());
    let alive = Names {
        pid: std::process::id(),
        started: UnixNanos(now_ns()),
    };
    drop(UnixListener::bind(alive.socket(&sockets)).unwrap());
    let server = Running::start(config(base.path()));
    eventually("the dead socket is gone", || {
        (!names.socket(&sockets).exists()).then_some(())
    });
    let target = format!("unix:{}", alive.socket(&sockets).display());
    let found = eventually("the living one is unreachable", || {
        find(&server.json("/api/v1/workers"), &target).filter(|found| found["state"] == "unreachable")
    });
    assert!(found["hint"].is_string() && found["pid"].is_null(), "{found}");
    assert!(alive.socket(&sockets).exists());
}

#[test]
fn a_full_disk_pauses_collecting_and_loses_nothing() {
    let base = tempfile::tempdir().unwrap();
    let data = base.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "pyrometer-test"])
        .arg(&data)
        .output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        eprintln!("SKIPPED: mounting a tmpfs is not permitted here, the pause was NOT tested");
        return;
    }
    struct Unmount<'a>(&'a Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(self.0).output();
        }
    }
    let _unmount = Unmount(&data);
    let ballast = data.join("ballast");
    std::fs::write(&ballast, vec![0; 1_500_000]).unwrap();
    let worker = FixtureWorker::start(&base.path().join("sockets"), "shop", 60);
    let server = Running::start(config(base.path()));
    // Until the disk is full: the ring holds all of these windows.
    let paused = (0..50).find_map(|_| {
        worker.close_window(400);
        std::thread::sleep(Duration::from_millis(100));
        let collector = server.json("/api/v1/workers")["collector"].clone();
        (collector["state"] == "paused").then_some(collector)
    });
    let paused = paused.expect("paused");
    assert!(
        paused["reason"].as_str().unwrap().contains("no space left"),
        "{paused}"
    );
    assert!(
        paused["hint"].as_str().unwrap().contains("resumes by itself"),
        "{paused}"
    );
    worker.close_window(3);
    std::fs::remove_file(&ballast).unwrap();
    let found = wait_for_account(&server, &worker);
    assert_eq!(found["missed_windows"], 0);
    assert_eq!(server.json("/api/v1/workers")["collector"]["state"], "collecting");
}
