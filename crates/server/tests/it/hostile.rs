//! Targets that are no workers, or lie: each is shown for what it is, and disturbs nobody.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use pyrometer_formats::feed::Feed;
use pyrometer_model::{Incarnation, Span, UnixNanos, Window, Worker};
use pyrometer_server::Target;

use crate::collecting::{config, find, stored, wait_for_account};
use crate::fixture_worker::{FixtureWorker, now_ns};
use crate::http::{Running, eventually};

/// Listens at `path` and leaves every connection to `behave`, after the request's first bytes.
fn impostor(
    path: &Path,
    behave: impl Fn(&mut UnixStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Target {
    let listener = UnixListener::bind(path).unwrap();
    let behave = std::sync::Arc::new(behave);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let behave = std::sync::Arc::clone(&behave);
            std::thread::spawn(move || {
                // Whoever hangs up on an impostor is right.
                let _ = stream.and_then(|mut stream| {
                    stream.read_exact(&mut [0; 16])?;
                    behave(&mut stream)
                });
            });
        }
    });
    Target::Unix(path.to_owned())
}

fn send(stream: &mut UnixStream, body: &[u8]) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}

fn liar(
    spoil: impl Fn(&mut Feed) + Send + Sync + 'static,
) -> impl Fn(&mut UnixStream) -> std::io::Result<()> {
    move |stream| {
        let worker = Worker {
            incarnation: Incarnation("liar/1/1".into()),
            service: "liar".into(),
            ..Worker::default()
        };
        let start = UnixNanos(now_ns() - 60_000_000_000);
        let window = Window {
            seq: 1,
            span: Span::new(start, UnixNanos(start.0 + 1)),
            ..Window::default()
        };
        let mut feed = Feed {
            worker,
            oldest_seq: 1,
            newest_seq: 1,
            generations: vec![],
            windows: vec![window],
        };
        spoil(&mut feed);
        send(stream, &feed.encode())
    }
}

#[test]
fn impostors_are_shown_and_disturb_nobody() {
    let base = tempfile::tempdir().unwrap();
    let at = |name: &str| base.path().join(name);
    let cases: Vec<(Target, &str, &str)> = vec![
        (
            impostor(&at("html"), |stream| send(stream, b"<html>hello</html>")),
            "invalid",
            "not a pyrometer feed",
        ),
        (
            impostor(&at("error"), |stream| {
                stream.write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
            }),
            "invalid",
            "answered 500 Internal Server Error",
        ),
        (
            impostor(&at("noise"), |stream| stream.write_all(&[0xfe; 4096])),
            "invalid",
            "does not speak HTTP",
        ),
        (
            impostor(&at("short"), |stream| {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nPYRF")
            }),
            "unreachable",
            "the answer broke off",
        ),
        (
            impostor(&at("cut"), |stream| send(stream, b"PYRF\x01abc")),
            "invalid",
            "the answer is truncated",
        ),
        (
            impostor(&at("silent"), |_| {
                loop {
                    std::thread::park();
                }
            }),
            "unreachable",
            "no answer within 5 s",
        ),
        (
            impostor(&at("endless"), |stream| {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let chunk = vec![b'x'; 0x10000];
                loop {
                    stream.write_all(b"10000\r\n")?;
                    stream.write_all(&chunk)?;
                    stream.write_all(b"\r\n")?;
                }
            }),
            "invalid",
            "the answer is larger than",
        ),
        (
            impostor(
                &at("future"),
                liar(|feed| {
                    let start = UnixNanos(feed.windows[0].span.start.0 + 90_000_000_000_000 * 2);
                    feed.windows[0].span = Span::new(start, UnixNanos(start.0 + 1));
                }),
            ),
            "invalid",
            "window 1 lies more than a day in the future",
        ),
        (
            impostor(
                &at("stray"),
                liar(|feed| {
                    feed.windows[0].blocks.push(pyrometer_model::Block {
                        kind: pyrometer_model::ProfileKind::Sampler,
                        labels: pyrometer_model::Labels::new(),
                        stacks: vec![pyrometer_model::StackId(9)],
                        columns: vec![vec![1]; 3],
                    });
                }),
            ),
            "invalid",
            "window 1 refers to stacks that were not delivered",
        ),
    ];
    let worker = FixtureWorker::start(&base.path().join("sockets"), "shop", 60);
    worker.close_window(3);
    let mut config = config(base.path());
    config.targets = cases.iter().map(|(target, _, _)| target.clone()).collect();
    config.targets.push("http://127.0.0.1:1".parse().unwrap());
    let server = Running::start(config);
    wait_for_account(&server, &worker);
    for (target, state, error) in &cases {
        let found = eventually(&format!("{target} is {state}: {error}"), || {
            find(&server.json("/api/v1/workers"), &target.to_string()).filter(|found| {
                found["state"] == *state && found["error"].as_str().unwrap_or("").contains(error)
            })
        });
        assert_eq!(stored(&found).windows, 0);
    }
    let refused = find(&server.json("/api/v1/workers"), "http://127.0.0.1:1").unwrap();
    assert_eq!(
        (&refused["state"], &refused["error"]),
        (&"unreachable".into(), &"nobody listens there".into())
    );
    worker.close_window(4);
    wait_for_account(&server, &worker);
    let services = server.json("/api/v1/services?from=now-1h")["services"].clone();
    assert_eq!(services.as_array().unwrap().len(), 1, "{services}");
}

#[test]
fn a_target_that_never_answers_does_not_hold_up_the_end() {
    let base = tempfile::tempdir().unwrap();
    let (asked, was_asked) = std::sync::mpsc::channel();
    let silent = impostor(&base.path().join("silent"), move |_| {
        let _ = asked.send(());
        loop {
            std::thread::park();
        }
    });
    let mut config = config(base.path());
    config.targets = vec![silent];
    let server = Running::start(config);
    was_asked.recv().unwrap();
    let begun = std::time::Instant::now();
    drop(server);
    // Two seconds for the last poll; a poll under way would take five, and both seven.
    assert!(
        begun.elapsed() < std::time::Duration::from_millis(4500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn another_life_at_the_same_address_is_taken_up() {
    let base = tempfile::tempdir().unwrap();
    let (first, second) = (base.path().join("1"), base.path().join("2"));
    let door = base.path().join("door.sock");
    let one = FixtureWorker::start(&first, "shop", 60);
    (0..6).for_each(|_| one.close_window(3));
    std::os::unix::fs::symlink(one.names.socket(&first), &door).unwrap();
    let mut config = config(base.path());
    config.targets = vec![Target::Unix(door.clone())];
    let server = Running::start(config);
    wait_for_account(&server, &one);

    let two = FixtureWorker::start(&second, "shop", 60);
    two.close_window(2);
    let aside = base.path().join("aside");
    std::os::unix::fs::symlink(two.names.socket(&second), &aside).unwrap();
    std::fs::rename(aside, &door).unwrap();
    wait_for_account(&server, &two);
    let total = server.json("/api/v1/flamegraph?from=now-1h&type=wall:samples:count:wall:nanoseconds");
    assert_eq!(
        total["total"].as_u64(),
        Some(one.account().samples + two.account().samples)
    );
}
