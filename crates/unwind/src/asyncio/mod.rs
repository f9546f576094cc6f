//! Reads asyncio's tasks: what each waits for, who waits for it, which tasks there are.
//!
//! # Where this sits
//! Beside [`crate::walker`], which reads the stack of the task that runs. A [`TaskReader`] adds what
//! that stack cannot show: the frames of suspended tasks, and the links between them.
//!
//! | module | reads |
//! |---|---|
//! | [`kinds`] | what an object is, by its type |
//! | [`coroutines`] | the frames of a suspended task, along what each coroutine awaits |
//! | [`awaiters`] | the tasks that a future's callbacks wake |
//! | [`registry`] | the tasks alive, out of asyncio's own sets |
//!
//! # Contract
//! - Everything goes through [`Memory`]: objects may be freed while they are read, which gives
//!   nothing or something stale, never a fault. Links are believed only where both ends agree.
//! - Every count and every chain is bounded.
//! - No system call unless one of the functions here is called.

mod awaiters;
mod coroutines;
mod kinds;
mod registry;

use crate::calls::AddressHash;
use crate::ids::Address;
use crate::layout::asyncio::{AsyncioLayout, fixed};
use crate::memory::{Batch, Fields, Memory};
use crate::target::Target;
use kinds::{Kind, Kinds};
pub use registry::{Population, TaskSet};
use std::collections::HashMap;

/// What was read of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The task object.
    pub address: Address,
    /// Its outermost coroutine.
    pub coroutine: Address,
    /// Whether it has not ended.
    pub is_pending: bool,
    waits_for: Address,
    callback0: Address,
    callbacks: Address,
}

/// Reads tasks of one target. Holds what it learnt of types.
#[derive(Debug)]
pub struct TaskReader {
    layout: &'static AsyncioLayout,
    kinds: Kinds,
    led_to: HashMap<Address, Vec<Task>, AddressHash>,
    batch: Batch,
    bytes: Vec<u8>,
}

impl TaskReader {
    /// A reader for the target's release; `None` if where it keeps tasks is not known.
    #[must_use]
    pub fn new<M: Memory>(target: &Target<M>) -> Option<Self> {
        Some(Self {
            layout: AsyncioLayout::of(target.version())?,
            kinds: Kinds::default(),
            led_to: HashMap::default(),
            batch: Batch::new(),
            bytes: Vec::new(),
        })
    }

    /// The coroutine that a frame of [`crate::Stack::resumed`] lies in.
    #[must_use]
    pub fn coroutine_of(&self, frame: Address) -> Address {
        Address(frame.0.wrapping_sub(self.layout.generator.frame as u64))
    }

    /// Reads a task: one system call, more when its type is met for the first time. `None` if there
    /// is none at the address.
    pub fn task<M: Memory>(&mut self, target: &Target<M>, address: Address) -> Option<Task> {
        let layout = &self.layout.task;
        self.bytes.resize(layout.head, 0);
        target.memory.read(address, &mut self.bytes).ok()?;
        let task = Task::new(self.layout, address, &self.bytes)?;
        let kind = self.bytes.pointer(target.layout.object.ob_type)?;
        (self.kinds.of_type(target, self.layout, kind) == Kind::Task).then_some(task)
    }

    /// Reads what an object is, and the fields of its head.
    fn object<M: Memory>(
        &mut self,
        target: &Target<M>,
        address: Address,
    ) -> Option<(Kind, [u8; fixed::LINKS])> {
        if address.is_null() {
            return None;
        }
        let mut head = [0; fixed::LINKS];
        target.memory.read(address, &mut head).ok()?;
        let class = head.pointer(target.layout.object.ob_type)?;
        Some((self.kinds.of_type(target, self.layout, class), head))
    }
}

impl Task {
    fn new(layout: &AsyncioLayout, address: Address, head: &[u8]) -> Option<Self> {
        let task = &layout.task;
        Some(Self {
            address,
            coroutine: head.pointer(task.coroutine)?,
            is_pending: head.int(task.state)? == 0,
            waits_for: head.pointer(task.waiter)?,
            callback0: head.pointer(task.callback0)?,
            callbacks: head.pointer(task.callbacks)?,
        })
    }
}
