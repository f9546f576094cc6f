//! Workers, tables and windows drawn as text, and the stores to put them in.

use pyrometer_model::{
    Block, Function, FunctionId, Functions, Generation, Incarnation, Labels, ProfileKind, Span, StackId,
    StackNode, StackTable, UnixNanos, Window, Worker,
};
use pyrometer_store::{MemoryStore, Session, SqliteStore, Store};

/// Seconds of 2026-11-21 00:00:00 UTC.
pub(crate) const MIDNIGHT: u64 = 1_795_219_200;

pub(crate) fn at(second: u64) -> UnixNanos {
    UnixNanos((MIDNIGHT + second) * 1_000_000_000)
}

pub(crate) fn span(from: u64, until: u64) -> Span {
    Span::new(at(from), at(until))
}

/// Runs a check on every backend.
pub(crate) fn on_every_backend(check: impl Fn(&dyn Store)) {
    check(&MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    check(&SqliteStore::open(directory.path()).unwrap());
}

pub(crate) fn worker(service: &str, host: &str, pid: u32) -> Worker {
    Worker {
        incarnation: Incarnation(format!("{host}/{pid}/1")),
        pid,
        host: host.to_owned(),
        service: service.to_owned(),
        python: "3.12.1".to_owned(),
        labels: Labels::new().with("version", "7").with("host", "a lie"),
        started: at(0),
        rate_hz: 100,
    }
}

/// The tables that one worker numbers, in the order in which it meets things.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    functions: Functions,
    stacks: StackTable,
}

impl Tables {
    /// The stack `main;view;query`, every frame at line 1 of its function in `/app.py`.
    pub(crate) fn stack(&mut self, path: &str) -> StackId {
        let mut stack = StackId::ROOT;
        for name in path.split(';').filter(|name| !name.is_empty()) {
            let function = self.functions.intern(&Function {
                name: name.to_owned(),
                file: "/app.py".to_owned(),
                line: 1,
            });
            stack = self.stacks.intern(StackNode {
                parent: stack,
                function,
                line: 1,
            });
        }
        stack
    }

    /// One block: `main;view 3 300 200` per line, for samples, wall and CPU quanta.
    pub(crate) fn block(&mut self, labels: Labels, drawing: &str) -> Block {
        let mut rows: Vec<(StackId, [u64; 3])> = Vec::new();
        for line in drawing.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut parts = line.rsplitn(4, ' ');
            let mut number = || parts.next().unwrap().parse().unwrap();
            let (cpu, wall, samples) = (number(), number(), number());
            rows.push((self.stack(parts.next().unwrap_or("")), [samples, wall, cpu]));
        }
        rows.sort_by_key(|&(stack, _)| stack);
        Block {
            kind: ProfileKind::Sampler,
            labels,
            stacks: rows.iter().map(|&(stack, _)| stack).collect(),
            columns: (0..3)
                .map(|column| rows.iter().map(|(_, values)| values[column]).collect())
                .collect(),
        }
    }

    /// All entries, as a worker sends them to somebody who has none.
    pub(crate) fn full(&self) -> Vec<Generation> {
        self.since(0, 1)
    }

    pub(crate) fn since(&self, functions_from: u32, stacks_from: u32) -> Vec<Generation> {
        vec![Generation {
            number: 0,
            functions_from,
            functions: self.functions.as_slice()[functions_from as usize..].to_vec(),
            stacks_from,
            stacks: self.stacks.nodes()[stacks_from as usize - 1..].to_vec(),
        }]
    }
}

/// A window of ten seconds that starts at `start`.
pub(crate) fn window(seq: u64, start: u64, blocks: Vec<Block>) -> Window {
    Window {
        seq,
        span: span(start, start + 10),
        blocks,
        ..Window::default()
    }
}

/// A session that has all tables.
pub(crate) fn session(worker: &Worker, tables: &Tables, windows: &[Window]) -> Session {
    let mut session = Session::new(worker.clone());
    session.accept(worker, tables.full(), windows).unwrap();
    session
}

/// Stores windows of one worker with one unlabelled block each: `(seq, start, drawing)`.
pub(crate) fn put(store: &dyn Store, worker: &Worker, drawings: &[(u64, u64, &str)]) {
    let mut tables = Tables::default();
    let windows: Vec<Window> = drawings
        .iter()
        .map(|&(seq, start, drawing)| window(seq, start, vec![tables.block(Labels::new(), drawing)]))
        .collect();
    let mut session = session(worker, &tables, &windows);
    store.append(&mut session, &windows).unwrap();
}

/// A function id that no table has.
pub(crate) const NOWHERE: FunctionId = FunctionId(9_999);
