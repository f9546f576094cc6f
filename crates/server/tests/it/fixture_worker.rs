//! A worker without an interpreter: the feed over a Unix socket, from a ring of windows that the
//! test closes by hand. It keeps its own account, against which a collector can be audited.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use pyrometer_agent::directory::Names;
use pyrometer_formats::feed::Feed;
use pyrometer_model::{
    Block, Function, Functions, Generation, Incarnation, Labels, ProfileKind, Span, StackId, StackNode,
    StackTable, UnixNanos, Window, WindowHealth, Worker,
};

/// What the worker itself counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) windows: u64,
    pub(crate) samples: u64,
    pub(crate) wall_ns: u64,
    pub(crate) cpu_ns: u64,
}

struct State {
    worker: Worker,
    functions: Functions,
    stacks: StackTable,
    ring: VecDeque<Window>,
    capacity: usize,
    account: Account,
    start: u64,
    ended: bool,
}

/// One incarnation and its endpoint.
pub(crate) struct FixtureWorker {
    state: Arc<Mutex<State>>,
    pub(crate) names: Names,
    directory: PathBuf,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

impl FixtureWorker {
    /// A worker of `service` that keeps its last `capacity` windows. The first of them starts ten
    /// minutes ago.
    pub(crate) fn start(directory: &Path, service: &str, capacity: usize) -> Self {
        std::fs::create_dir_all(directory).unwrap();
        let names = Names {
            pid: std::process::id(),
            started: UnixNanos(now_ns()),
        };
        let worker = Worker {
            incarnation: Incarnation(format!("web-1/{}/{}", names.pid, names.started.0)),
            pid: names.pid,
            host: "web-1".into(),
            service: service.into(),
            python: "3.13.1".into(),
            labels: Labels::new().with("version", "7"),
            started: UnixNanos(now_ns() - 601_000_000_000),
            rate_hz: 100,
        };
        let start = now_ns() / 10_000_000_000 * 10 - 600;
        let state = State {
            worker,
            functions: Functions::new(),
            stacks: StackTable::new(),
            ring: VecDeque::new(),
            capacity,
            account: Account::default(),
            start,
            ended: false,
        };
        let state = Arc::new(Mutex::new(state));
        let listener = UnixListener::bind(names.socket(directory)).unwrap();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.lock().unwrap().ended {
                    return;
                }
                // A reader that was killed has hung up.
                let _ = stream.and_then(|stream| answer(stream, &shared));
            }
        });
        Self {
            state,
            names,
            directory: directory.to_owned(),
            thread: Some(thread),
        }
    }

    pub(crate) fn id(&self) -> String {
        self.state.lock().unwrap().worker.incarnation.0.clone()
    }

    pub(crate) fn account(&self) -> Account {
        self.state.lock().unwrap().account
    }

    /// Closes a window of `stacks` stacks, some of them new.
    pub(crate) fn close_window(&self, stacks: u64) {
        let state = &mut *self.state.lock().unwrap();
        state.account.windows += 1;
        let seq = state.account.windows;
        let mut rows: Vec<(StackId, [u64; 3])> = Vec::new();
        for n in 0..stacks {
            let id = state.stack(&["main", &format!("view_{n}"), &format!("leaf_{}", seq % 7 + n)]);
            rows.push((id, [1 + n, 100 * seq + n, seq]));
            state.account.samples += 1 + n;
            state.account.wall_ns += (100 * seq + n) * 100_000;
            state.account.cpu_ns += seq * 100_000;
        }
        rows.sort_unstable();
        let block = Block {
            kind: ProfileKind::Sampler,
            labels: Labels::new(),
            stacks: rows.iter().map(|row| row.0).collect(),
            columns: (0..3)
                .map(|column| rows.iter().map(|row| row.1[column]).collect())
                .collect(),
        };
        let start = UnixNanos((state.start + (seq - 1) * 10) * 1_000_000_000);
        state.ring.push_back(Window {
            seq,
            span: Span::new(start, UnixNanos(start.0 + 10_000_000_000)),
            generation: 0,
            blocks: vec![block],
            health: WindowHealth {
                ticks: 1000,
                agent_cpu_ns: 50_000_000,
                agent_memory_bytes: 1 << 20,
                rate_hz: 97,
                ..WindowHealth::default()
            },
        });
        while state.ring.len() > state.capacity {
            state.ring.pop_front();
        }
    }

    /// Ends as a worker does: the endpoint is gone, the ring is in a spool file.
    pub(crate) fn end_with_spool(mut self) {
        let bytes = self.state.lock().unwrap().feed(0, None).encode();
        self.stop();
        let spool = self.names.spool(&self.directory);
        std::fs::write(spool.with_extension("partial"), bytes).unwrap();
        std::fs::rename(spool.with_extension("partial"), spool).unwrap();
    }

    fn stop(&mut self) {
        self.state.lock().unwrap().ended = true;
        // Wakes the listener.
        let path = self.names.socket(&self.directory);
        let _ = UnixStream::connect(&path);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        let _ = std::fs::remove_file(path);
    }
}

impl Drop for FixtureWorker {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop();
        }
    }
}

impl State {
    fn stack(&mut self, names: &[&str]) -> StackId {
        let mut stack = StackId::ROOT;
        for name in names {
            let function = Function {
                name: (*name).to_owned(),
                file: "/app.py".into(),
                line: 3,
            };
            let function = self.functions.intern(&function);
            stack = self.stacks.intern(StackNode {
                parent: stack,
                function,
                line: 4,
            });
        }
        stack
    }

    fn feed(&self, since: u64, have: Option<(usize, usize)>) -> Feed {
        let (functions, stacks) = have.unwrap_or((0, 1));
        let newest_seq = self.account.windows;
        Feed {
            worker: self.worker.clone(),
            oldest_seq: self.ring.front().map_or(newest_seq + 1, |window| window.seq),
            newest_seq,
            generations: vec![Generation {
                number: 0,
                functions_from: functions as u32,
                functions: self.functions.as_slice()[functions..].to_vec(),
                stacks_from: stacks as u32,
                stacks: self.stacks.nodes()[stacks - 1..].to_vec(),
            }],
            windows: self
                .ring
                .iter()
                .filter(|window| window.seq > since)
                .cloned()
                .collect(),
        }
    }
}

fn answer(mut stream: UnixStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let parameter = |name: &str| {
        let query = request.split(' ').nth(1)?.split_once('?')?.1;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let since = parameter("since")
        .and_then(|since| since.parse().ok())
        .unwrap_or(0);
    let have = parameter("have").and_then(|have| {
        let mut parts = have.split(':').map(|part| part.parse().ok());
        let (generation, functions, stacks): (usize, _, _) = (parts.next()??, parts.next()??, parts.next()??);
        let known = state.lock().unwrap();
        let fits = generation == 0 && functions <= known.functions.len() && stacks <= known.stacks.len();
        fits.then_some((functions, stacks))
    });
    let body = state.lock().unwrap().feed(since, have).encode();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}
