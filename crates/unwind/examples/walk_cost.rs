//! Prints what one sample of one thread costs, in µs of this thread's CPU, system calls included.
//!
//! `cargo run --release -p pyrometer-unwind --example walk_cost [samples]`. Targets are parked at
//! depth 10, 30 and 100 under each interpreter found; reads are of another process, which costs a
//! little more than reading the own one. The median of 5 rounds is shown.

use std::path::Path;

use pyrometer_testkit::python::Python;
use pyrometer_unwind::{Pid, Stack, Target, Walker};

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples: u32 = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/depth.py");
    println!("release  state    depth  us/sample  us/threads()  exact");
    for python in Python::find_all(&["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]) {
        for state in ["parked", "busy"] {
            for depth in ["10", "30", "100"] {
                let running = python.run(&script, &[state, depth])?;
                let target = Target::attach(Pid(running.pid()))?;
                let mut walker = Walker::new();
                let mut threads = Vec::new();
                walker.threads(&target, &mut threads)?;
                let thread = *threads.first().ok_or("no thread")?;
                let mut stack = Stack::default();
                let mut exact = 0;
                let sample = median(samples, || {
                    let outcome = walker.stack(&target, &thread, &mut stack);
                    exact += usize::from(outcome == pyrometer_unwind::Outcome::Exact);
                });
                let list = median(samples, || {
                    walker.threads(&target, &mut threads).expect("the target lives");
                });
                let share = exact as f64 / (ROUNDS as f64 * f64::from(samples));
                let release = target.version().to_string();
                println!("{release:8} {state:8} {depth:>5}  {sample:9.2}  {list:12.2}  {share:5.3}");
            }
        }
    }
    Ok(())
}

/// CPU time of one call in µs, the median over rounds.
fn median(samples: u32, mut call: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = thread_cpu_ns();
            (0..samples).for_each(|_| call());
            (thread_cpu_ns() - start) as f64 / 1e3 / f64::from(samples)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn thread_cpu_ns() -> i64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours and writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
