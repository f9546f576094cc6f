//! What a query costs, end to end: fills five minutes of four workers with about 300 stacks per
//! window, then asks for the flamegraph over HTTP, warm. Prints medians; `--release` for figures
//! that mean something: `cargo run --release -p pyrometer-server --example query_cost [WORKERS]`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use pyrometer_model::{
    Block, Function, FunctionId, Generation, Incarnation, Labels, ProfileKind, Span, StackId, StackNode,
    UnixNanos, Window, Worker,
};
use pyrometer_server::{Config, Server};
use pyrometer_store::{Session, SqliteStore, Store, StoreError};

/// Seconds since the epoch at which the filled interval begins: noon, so that it is one day.
const FROM: u64 = 1_795_262_400;
/// Workers, unless the first argument says otherwise.
const WORKERS: u64 = 4;
const WINDOWS: u64 = 30;
const FUNCTIONS: u32 = 400;
/// Nodes of a worker's trie, and how many of them carry a value in each window.
const STACKS: u32 = 2_000;
const STACKS_PER_WINDOW: u32 = 300;
const REPEATS: usize = 101;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = std::env::temp_dir().join(format!("pyrometer-query-cost-{}", std::process::id()));
    let result = measure(&data);
    std::fs::remove_dir_all(&data)?;
    result
}

fn measure(data: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let store = SqliteStore::open(data)?;
    let workers = std::env::args()
        .nth(1)
        .map_or(Ok(WORKERS), |count| count.parse())?;
    for worker in 0..workers {
        fill(&store, worker)?;
    }
    drop(store);
    let windows = workers * WINDOWS;
    println!(
        "append, one window per transaction: {:.2} ms",
        millis(begun.elapsed()) / windows as f64
    );

    let mut config = Config::new(data);
    config.listen.set_port(0);
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(Server::bind(config))?;
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = runtime.spawn(server.run(async {
        let _ = stopped.await;
    }));
    let interval = format!("from={FROM}&until={}", FROM + WINDOWS * 10);
    for (name, path) in [
        ("flamegraph", format!("/api/v1/flamegraph?{interval}")),
        ("table", format!("/api/v1/table?{interval}")),
        ("timeline", format!("/api/v1/timeline?{interval}&group_by=pid")),
        ("profile_types (HTTP alone)", "/api/v1/profile_types".to_owned()),
    ] {
        let mut took = Vec::new();
        let mut bytes = 0;
        for _ in 0..REPEATS {
            let begun = Instant::now();
            bytes = get(address, &path)?;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        let median = millis(took[REPEATS / 2]);
        println!(
            "{name}: median {median:.2} ms, slowest {:.2} ms, {bytes} bytes",
            millis(took[REPEATS - 1])
        );
    }
    drop(stop);
    runtime.block_on(running)??;
    Ok(())
}

fn fill(store: &SqliteStore, number: u64) -> Result<(), StoreError> {
    let worker = Worker {
        incarnation: Incarnation(format!("web-1/{number}/1")),
        pid: number as u32,
        host: "web-1".into(),
        service: "shop".into(),
        ..Worker::default()
    };
    let name = |n| Function {
        name: format!("Class{}.method_{n}", n % 30),
        file: format!("/app/m{}.py", n % 40),
        line: n,
    };
    let node = |id: u32| StackNode {
        parent: StackId(if id < 20 { id - 1 } else { id / 2 }),
        function: FunctionId(id.wrapping_mul(2_654_435_761) % FUNCTIONS),
        line: id % 90,
    };
    let tables = Generation {
        number: 0,
        functions_from: 0,
        functions: (0..FUNCTIONS).map(name).collect(),
        stacks_from: 1,
        stacks: (1..=STACKS).map(node).collect(),
    };
    let windows: Vec<Window> = (1..=WINDOWS).map(window).collect();
    let mut session = Session::new(worker.clone());
    session
        .accept(&worker, vec![tables], &windows)
        .expect("the tables fit");
    for window in &windows {
        store.append(&mut session, std::slice::from_ref(window))?;
    }
    Ok(())
}

fn window(seq: u64) -> Window {
    let at = |second: u64| UnixNanos((FROM + second) * 1_000_000_000);
    let rows = (0..STACKS_PER_WINDOW).map(|n| 1 + n * (STACKS / STACKS_PER_WINDOW) + (seq as u32) % 3);
    let stacks: Vec<StackId> = rows.map(StackId).collect();
    let value = |factor: u64| {
        stacks
            .iter()
            .map(|stack| 1 + u64::from(stack.0) * seq % factor)
            .collect()
    };
    let columns = vec![value(7), value(700), value(90)];
    let block = Block {
        kind: ProfileKind::Sampler,
        labels: Labels::new(),
        stacks,
        columns,
    };
    Window {
        seq,
        span: Span::new(at((seq - 1) * 10), at(seq * 10)),
        blocks: vec![block],
        ..Window::default()
    }
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200") {
        return Ok(answer.len());
    }
    Err(std::io::Error::other(
        String::from_utf8_lossy(&answer).into_owned(),
    ))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
