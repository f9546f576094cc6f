//! What an event costs on this interpreter and machine, measured before a recording counts.
//!
//! Three loops that do nothing but call run without hooks and with them. What one step of a loop takes
//! more with them is ours; which part of it stands in the function called is seen in the tree.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyrometer_agent::recorder::cost::{Cost, Costs, typical, undisturbed};
use pyrometer_agent::recorder::timer::{Opened, Timer};
use pyrometer_agent::recorder::tree::{Node, Probes};

use super::hooks::{Hooks, Refused, Wanted};
use super::thread;

const PROGRAM: &std::ffi::CStr = c"
from itertools import repeat
def same(x):
    return x
def steps(n):
    for x in repeat(None, n):
        yield x
def empty(n, c=len, a=()):
    for _ in repeat(None, n):
        pass
def calls(n, c=len, a=()):
    for _ in repeat(None, n):
        same(a)
def resumes(n, c=len, a=()):
    for _ in steps(n):
        pass
def c_calls(n, c=len, a=()):
    for _ in repeat(None, n):
        c(a)
";

/// Its loops: one without a call first.
const LOOPS: [&str; 4] = ["empty", "calls", "resumes", "c_calls"];

/// Steps of one batch: short enough to be seldom interrupted.
const STEPS: u64 = 300;

/// Batches of each loop in a round.
const BATCHES: usize = 5;

/// Rounds: each measures without hooks and with them, shortly after one another, since the speed of a core
/// changes.
const ROUNDS: usize = 7;

/// Share of a call's own cost that is spent between the two readings, in the callee. With
/// `sys.monitoring` they lie in the middle of the interpreter's work; around a frame's evaluation, the
/// making of its frame is outside.
fn callee_share(hooks: Hooks) -> f64 {
    if hooks == Hooks::Evaluation { 0.2 } else { 0.5 }
}

/// Measures with a recording of its own, whose hooks are off again when this returns. About 10 ms.
pub(super) fn costs(py: Python<'_>, hooks: Hooks, opened: &Opened, c_calls: bool) -> Result<Costs, Refused> {
    if opened.used == Timer::External {
        // Its units are the caller's own, and its cost is no business of ours.
        return Ok(Costs::default());
    }
    let wanted = Wanted {
        c_calls,
        chosen: false,
    };
    let bench = Bench::new(py, opened);
    let mut bench = bench.map_err(|error| failed(&error))?;
    let mut rounds = Vec::new();
    // The first round warms caches and the interpreter's specialisation.
    for round in 0..=ROUNDS {
        let bare = LOOPS.map(|name| bench.bare(name));
        hooks.set(py, wanted)?;
        bench.probes = Probes::default();
        let watched = LOOPS.map(|name| bench.watched(name));
        hooks.unset(py);
        let mut found = [Overhead::default(); LOOPS.len()];
        for (number, (bare, watched)) in bare.into_iter().zip(watched).enumerate() {
            let bare = bare.map_err(|error| failed(&error))?;
            let watched = watched.map_err(|error| failed(&error))?;
            found[number] = Overhead { bare, watched };
        }
        if round > 0 {
            rounds.push((found, bench.probes));
        }
    }
    Ok(summed_up(&rounds, callee_share(hooks), c_calls))
}

fn failed(error: &PyErr) -> Refused {
    Refused {
        problem: format!("calibration failed: {error}"),
        hint: "please report it",
    }
}

/// What one step of a loop takes without hooks; with them, in the function called and in all.
#[derive(Clone, Copy, Debug, Default)]
struct Overhead {
    bare: f64,
    watched: (f64, f64),
}

fn summed_up(rounds: &[([Overhead; 4], Probes)], share: f64, c_calls: bool) -> Costs {
    let cost = |number: usize| {
        let of = |value: &dyn Fn(&[Overhead; 4]) -> f64| -> Vec<f64> {
            rounds.iter().map(|(found, _)| value(found)).collect()
        };
        let mut sums = of(&|found| found[number].watched.1 - found[number].bare);
        let mut callees = of(&|found| found[number].watched.0 - (found[number].bare - found[0].bare) * share);
        let (sum, spread) = typical(&mut sums);
        let sum = sum.max(0.0);
        let inner = typical(&mut callees).0.clamp(0.0, sum);
        let outer = sum - inner;
        (Cost { inner, outer }, spread / sum.max(1.0))
    };
    let mut probes = Probes::default();
    rounds.iter().for_each(|(_, round)| probes.add(*round));
    let (call, spread) = cost(1);
    Costs {
        call,
        resume: cost(2).0,
        c_call: if c_calls { cost(3).0 } else { Cost::default() },
        spread,
        probes,
    }
}

struct Bench<'py, 'a> {
    opened: &'a Opened,
    names: Bound<'py, PyDict>,
    probes: Probes,
}

impl<'py, 'a> Bench<'py, 'a> {
    fn new(py: Python<'py>, opened: &'a Opened) -> PyResult<Self> {
        let names = PyDict::new(py);
        py.run(PROGRAM, Some(&names), None)?;
        Ok(Self {
            opened,
            names,
            probes: Probes::default(),
        })
    }

    /// One step of a loop without hooks.
    fn bare(&self, name: &str) -> PyResult<f64> {
        let function = self.names.as_any().get_item(name)?;
        let mut meter = self.opened.meter();
        let batches = (0..BATCHES).map(|_| {
            let start = meter.read();
            function.call1((STEPS,))?;
            Ok(meter.read().saturating_sub(start) as f64 / STEPS as f64)
        });
        Ok(undisturbed(&mut batches.collect::<PyResult<Vec<_>>>()?))
    }

    /// One step with hooks: in the function called, and in all.
    fn watched(&mut self, name: &str) -> PyResult<(f64, f64)> {
        let function = self.names.as_any().get_item(name)?;
        let (mut callee, mut all) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let own = thread::replace_tree(self.opened.meter(), 1000);
            let called = function.call1((STEPS,));
            let tree = thread::replace_tree(self.opened.meter(), 1);
            if let Some(own) = own {
                thread::restore_tree(own);
            }
            called?;
            if let Some(tree) = tree {
                let (in_callee, in_all) = parts(tree.nodes());
                callee.push(in_callee);
                all.push(in_all);
                self.probes.add(tree.probes());
            }
        }
        Ok((undisturbed(&mut callee), undisturbed(&mut all)))
    }
}

/// Per step, what stands in the function called, and in it and the loop that calls it.
fn parts(nodes: &[Node]) -> (f64, f64) {
    let per_step = |value: i64| value as f64 / STEPS as f64;
    let steps = |node: &&Node| node.calls + node.resumes >= STEPS;
    let callee = nodes.iter().skip(1).find(steps).map_or(0, |node| node.raw_self);
    let all: i64 = nodes.iter().skip(1).map(|node| node.raw_self).sum();
    (per_step(callee), per_step(all))
}
