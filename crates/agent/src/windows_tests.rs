//! Tests of the window ring: sums, carried remainders, bounds, generations, readers.

use super::*;
use crate::tables::MAX_STACKS;

const SECOND: u64 = 1_000_000_000;

fn at(seconds: u64) -> UnixNanos {
    UnixNanos(seconds * SECOND)
}

fn worker() -> Worker {
    Worker {
        incarnation: pyrometer_model::Incarnation("h/1/1".into()),
        service: "shop".into(),
        ..Worker::default()
    }
}

fn leaf(windows: &mut Windows, line: u32) -> StackId {
    let function = Function {
        name: "f".into(),
        file: "f.py".into(),
        line: 1,
    };
    let function = windows.function(&function).unwrap();
    windows
        .stack(StackNode {
            parent: StackId::ROOT,
            function,
            line,
        })
        .unwrap_or(OTHER_STACK)
}

fn sample(wall_ns: u64, cpu_ns: u64) -> Observed {
    Observed {
        samples: 1,
        wall_ns,
        cpu_ns,
    }
}

fn close(windows: &mut Windows, seconds: u64) {
    windows.close(at(seconds), at(seconds), WindowHealth::default());
}

fn read(windows: &Windows, since: u64, have: Option<Have>) -> Feed {
    Feed::decode(&windows.feed(&worker(), since, have).encode()).unwrap()
}

#[test]
fn remainders_are_carried_so_that_nothing_is_rounded_away() {
    let mut windows = Windows::new(at(100));
    let stack = leaf(&mut windows, 1);
    for tick in 0..30 {
        windows.add(stack, sample(SAMPLER_QUANTUM_NS / 3 + 1, 0));
        close(&mut windows, 100 + tick);
    }
    let totals = windows.totals();
    assert_eq!(totals.observed.samples, 30);
    assert_eq!(totals.observed.wall_ns, 10 * SAMPLER_QUANTUM_NS);
    let feed = read(&windows, 0, None);
    let sum: u64 = feed
        .windows
        .iter()
        .map(|window| window.column_sum(ProfileKind::Sampler, 1))
        .sum();
    assert_eq!(sum * SAMPLER_QUANTUM_NS, totals.observed.wall_ns);
}

#[test]
fn exact_cpu_replaces_the_estimate() {
    let mut windows = Windows::new(at(0));
    let (one, two) = (leaf(&mut windows, 1), leaf(&mut windows, 2));
    windows.add(one, sample(SECOND, SECOND));
    windows.add_cpu(one, SECOND / 4);
    windows.add_cpu(two, SECOND / 2);
    close(&mut windows, 10);
    assert_eq!(
        windows.totals().observed,
        Observed {
            samples: 1,
            wall_ns: SECOND,
            cpu_ns: SECOND * 3 / 4
        }
    );
    let feed = read(&windows, 0, None);
    assert_eq!(feed.windows[0].blocks[0].columns[2], [2500, 5000]);
}

#[test]
fn windows_end_on_the_wall_clock() {
    assert_eq!(Windows::new(at(103)).open_until(), at(110));
    assert_eq!(Windows::new(at(110)).open_until(), at(120));
}

#[test]
fn the_ring_is_bounded_and_says_what_it_dropped() {
    let mut windows = Windows::new(at(0));
    let stack = leaf(&mut windows, 1);
    for second in 0..RING_WINDOWS as u64 + 7 {
        windows.add(stack, sample(SECOND, SECOND));
        close(&mut windows, second);
    }
    let feed = read(&windows, 0, None);
    assert_eq!((feed.oldest_seq, feed.newest_seq), (8, RING_WINDOWS as u64 + 7));
    assert_eq!(feed.windows.len(), RING_WINDOWS);
    assert_eq!(windows.totals().dropped, 7);
}

#[test]
fn two_readers_get_everything_and_only_what_is_new() {
    let mut windows = Windows::new(at(0));
    let one = leaf(&mut windows, 1);
    windows.add(one, sample(SECOND, 0));
    close(&mut windows, 10);
    let first = read(&windows, 0, None);
    assert_eq!(first, read(&windows, 0, None), "reading takes nothing away");
    let tables = &first.generations[0];
    let have = Have {
        generation: 0,
        functions: tables.functions.len() as u32,
        stacks: tables.stacks_from + tables.stacks.len() as u32,
    };
    let two = leaf(&mut windows, 2);
    windows.add(two, sample(SECOND, 0));
    close(&mut windows, 20);
    let second = read(&windows, 1, Some(have));
    assert_eq!(second.windows.len(), 1);
    assert_eq!(second.generations[0].functions.len(), 0);
    assert_eq!(second.generations[0].stacks.len(), 1);
    assert!(read(&windows, 2, Some(have)).generations.is_empty());
}

#[test]
fn full_tables_fold_then_turn_and_old_windows_stay_readable() {
    let mut windows = Windows::new(at(0));
    let mut expected = 0;
    let mut filled = None;
    for second in 1..2 * RING_WINDOWS as u64 {
        let fresh = filled != Some(windows.generation());
        let lines = if fresh { MAX_STACKS as u32 + 100 } else { 1 };
        filled = Some(windows.generation());
        for line in 0..lines {
            let stack = leaf(&mut windows, line);
            windows.add(stack, sample(SAMPLER_QUANTUM_NS, 0));
        }
        expected += u64::from(lines);
        close(&mut windows, second);
        if !fresh && second % 16 != 0 {
            continue;
        }
        let feed = read(&windows, second - 1, None);
        let (tables, window) = (&feed.generations[0], &feed.windows[0]);
        assert_eq!(window.generation, tables.number);
        assert!(window.blocks[0].stacks.last().unwrap().0 as usize <= tables.stacks.len());
        assert!(windows.memory_bytes() < 40 << 20);
    }
    assert!(windows.generation() >= 2);
    assert!(windows.totals().health.folded > 0);
    assert_eq!(
        windows.totals().observed.samples,
        expected,
        "folding loses no sample"
    );
}

#[test]
fn the_live_tree_has_closed_and_open_windows() {
    let mut windows = Windows::new(at(0));
    let stack = leaf(&mut windows, 1);
    windows.add(stack, sample(SECOND, 0));
    close(&mut windows, 10);
    windows.add(stack, sample(SECOND, SECOND / 2));
    assert_eq!(windows.tree(ProfileType::Wall, at(0)).grand_total(), 2 * SECOND);
    assert_eq!(windows.tree(ProfileType::Wall, at(10)).grand_total(), SECOND);
    assert_eq!(windows.tree(ProfileType::Cpu, at(0)).grand_total(), SECOND / 2);
    assert_eq!(windows.tree(ProfileType::Samples, at(0)).grand_total(), 2);
}

#[test]
fn a_tap_sees_only_its_own_time() {
    let mut windows = Windows::new(at(0));
    let stack = leaf(&mut windows, 7);
    windows.add(stack, sample(SECOND, 0));
    let tap = windows.open_tap().unwrap();
    windows.add(stack, sample(5, 3));
    close(&mut windows, 10);
    windows.add(stack, sample(5, 3));
    let profile = windows.close_tap(tap).unwrap();
    let [(frames, observed)] = profile.stacks.as_slice() else {
        panic!("one stack")
    };
    assert_eq!(
        *observed,
        Observed {
            samples: 2,
            wall_ns: 10,
            cpu_ns: 6
        }
    );
    assert_eq!(
        (profile.functions[frames[0].0 as usize].name.as_str(), frames[0].1),
        ("f", 7)
    );
    assert!(windows.close_tap(tap).is_none());
    (0..MAX_TAPS).for_each(|_| assert!(windows.open_tap().is_some()));
    assert!(windows.open_tap().is_none());
}
