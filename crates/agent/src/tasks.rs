//! What the Python side tells the sampler of asyncio: where its tasks are kept, and each new task.
//!
//! One per process and for the process's life: a forked child goes on with what its parent knew,
//! since the addresses are the same. The functions here are called with the GIL held, from the
//! extension (`crates/py`); the sampler only reads.

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use pyrometer_unwind::{Address, Greenlets, TaskSet};
use pyrometer_unwind::{Caller, OwnProcess, Target, TaskReader, callers, load_coroutine};

use crate::origins::{Created, Origin, Origins, Place};
use crate::submitted::Submitted;

/// Most callers kept of one creation, from the task's own first frame on.
const MAX_CALLERS: usize = 128;
/// Callers for which room is made at once.
const USUAL_CALLERS: usize = 32;

static ASYNCIO: OnceLock<Asyncio> = OnceLock::new();
static CREATION: OnceLock<Creation> = OnceLock::new();
static GREENLETS: OnceLock<Greenlets> = OnceLock::new();
/// Whether the program has been seen to use asyncio or greenlets before the extension knew it.
static WANTED: AtomicBool = AtomicBool::new(false);
/// How the Python side is asked to look.
static LOOK: OnceLock<fn()> = OnceLock::new();

/// asyncio, as found in this process.
#[derive(Debug)]
pub(crate) struct Asyncio {
    target: &'static Target<OwnProcess>,
    pub(crate) sets: Vec<TaskSet>,
    pub(crate) origins: &'static Origins,
    /// Whether a live task was seen to lie in memory as the tables say.
    verified: AtomicBool,
    refused: AtomicBool,
}

/// What hooks need: this process, read directly, and the places of creation met.
#[derive(Debug)]
struct Creation {
    target: Target<OwnProcess>,
    origins: Origins,
    submitted: Submitted,
}

/// Made by the first who needs it; `None` in a process that cannot be read.
fn creation() -> Option<&'static Creation> {
    if CREATION.get().is_none()
        && let Ok(target) = Target::own_process()
    {
        let _first = CREATION.set(Creation {
            target,
            origins: Origins::new(),
            submitted: Submitted::new(),
        });
    }
    CREATION.get()
}

/// asyncio, once it is known and its layout is proved.
pub(crate) fn asyncio() -> Option<&'static Asyncio> {
    ASYNCIO.get().filter(|asyncio| {
        asyncio.verified.load(Ordering::Acquire) && !asyncio.refused.load(Ordering::Acquire)
    })
}

/// The greenlet library, once it is known.
pub(crate) fn greenlets() -> Option<Greenlets> {
    GREENLETS.get().copied()
}

/// Tells the sampler where the greenlet library is. The first call counts.
pub fn greenlets_found(at: Greenlets) {
    let _known = GREENLETS.set(at);
}

/// Notes that code was met which belongs to a library that the Python side should look for.
pub fn want_libraries() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Asks the Python side to look, if such code was met since the last time.
pub(crate) fn look_if_wanted() {
    if WANTED.load(Ordering::Relaxed)
        && WANTED.swap(false, Ordering::Relaxed)
        && let Some(look) = LOOK.get()
    {
        look();
    }
}

/// Sets how the Python side is asked to look. Called from the sampler's thread, without the GIL.
pub fn set_look(look: fn()) {
    let _first = LOOK.set(look);
}

/// Tells the sampler where asyncio keeps its tasks. The first call counts. False where the tasks of
/// this release cannot be read, so that nothing needs to be told.
pub fn asyncio_found(sets: Vec<TaskSet>) -> bool {
    let creation = creation().filter(|creation| TaskReader::new(&creation.target).is_some());
    if let Some(creation) = creation {
        let _known = ASYNCIO.set(Asyncio {
            target: &creation.target,
            sets,
            origins: &creation.origins,
            verified: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        });
    }
    creation.is_some()
}

/// Whether a task is still wanted for [`check_task`].
#[must_use]
pub fn is_unchecked() -> bool {
    ASYNCIO.get().is_some_and(|asyncio| {
        !asyncio.verified.load(Ordering::Relaxed) && !asyncio.refused.load(Ordering::Relaxed)
    })
}

/// Compares the coroutine that a task gives by Python's own means with the one that our table finds.
/// Where they differ, tasks are not joined in this process.
///
/// # Safety
/// The GIL is held, and `task` is a live `_asyncio.Task`.
pub unsafe fn check_task(task: Address, coroutine: Address) {
    if let Some(asyncio) = ASYNCIO.get() {
        // SAFETY: handed on to the caller.
        let agrees = unsafe { load_coroutine(asyncio.target, task) } == Some(coroutine);
        let outcome = if agrees {
            &asyncio.verified
        } else {
            &asyncio.refused
        };
        outcome.store(true, Ordering::Release);
    }
}

/// Remembers a task with the stack that creates it. Cost: about 0.2 µs.
///
/// # Safety
/// The GIL is held, Python code is creating `task`, a live `_asyncio.Task`, on the thread whose state
/// is `tstate`.
pub unsafe fn task_created(tstate: Address, task: Address) {
    let Some(asyncio) = asyncio() else { return };
    // SAFETY: handed on to the caller.
    let Some(coroutine) = (unsafe { load_coroutine(asyncio.target, task) }) else {
        return;
    };
    // SAFETY: handed on to the caller.
    let origin = unsafe { current_origin(asyncio.target, asyncio.origins, tstate, Without::Nothing) };
    asyncio.origins.insert(coroutine, Created { task, origin });
}

/// The place that the calling thread has come to, for work that it hands to another thread. To be
/// given to [`enter`] there.
///
/// # Safety
/// The GIL is held, Python code has called, and `tstate` is the current thread's state.
pub unsafe fn submit(tstate: Address) -> u32 {
    creation().map_or(0, |creation| {
        // SAFETY: handed on to the caller.
        unsafe { current_origin(&creation.target, &creation.origins, tstate, Without::WholeStack) }.number()
    })
}

/// Says that this thread works for what was submitted at a place, or for nobody (0), from now on.
/// Returns the place before. Cost: one system call for the thread's id.
pub fn enter(origin: u32) -> u32 {
    // SAFETY: gettid has no preconditions.
    let thread = unsafe { libc::gettid() }.cast_unsigned();
    creation().map_or(0, |creation| creation.submitted.replace(thread, origin))
}

/// The places of creation, and the one that a thread works for, if that is known.
pub(crate) fn submitted(thread: u32) -> Option<(&'static Origins, Origin)> {
    let creation = CREATION.get()?;
    let number = creation.submitted.get(thread);
    (number != 0).then_some((&creation.origins, Origin::of(number)))
}

/// What the place of creation is where no task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    WholeStack,
}

/// The place in the running task, if there is one, that the calling thread has come to.
///
/// # Safety
/// As [`task_created`].
unsafe fn current_origin(
    target: &Target<OwnProcess>,
    origins: &Origins,
    tstate: Address,
    without: Without,
) -> Origin {
    let mut stack: Vec<Caller> = Vec::with_capacity(USUAL_CALLERS);
    let each = |caller: Caller| match stack.len() {
        MAX_CALLERS => ControlFlow::Break(()),
        _ => {
            stack.push(caller);
            ControlFlow::Continue(())
        }
    };
    // SAFETY: handed on to the caller.
    unsafe { callers(target, tstate, each) };
    // A task's own coroutine is called by no coroutine. The outermost known task counts; without one,
    // the outermost coroutine is taken for a task's own.
    let (mut in_task, mut task) = (0, None);
    for (place, caller) in stack.iter().enumerate() {
        let Some(coroutine) = caller.coroutine else {
            continue;
        };
        if stack.get(place + 1).is_some_and(|next| next.coroutine.is_some()) {
            continue;
        }
        let found = origins.find(coroutine);
        if found.is_some() || task.is_none() {
            in_task = place + 1;
        }
        task = found.or(task);
    }
    if task.is_none() && without == Without::WholeStack {
        in_task = stack.len();
    }
    let mut begins_task = true;
    stack[..in_task].iter().rev().fold(
        task.map_or(Origin::default(), |task| task.origin),
        |parent, caller| {
            let place = Place {
                frame: caller.frame,
                fingerprint: caller.fingerprint,
                begins_task: std::mem::take(&mut begins_task),
            };
            origins.intern(parent, place)
        },
    )
}
