//! The tasks that wait for a future, found from the future's own callbacks.
//!
//! `await task` leaves a builtin method bound to the waiting task among the callbacks. `gather`,
//! `wait` and `shield` leave a function whose closure holds another future, `wait_for` of 3.11 a
//! `partial`; that future's callbacks lead on. So no task has to be searched for.
//!
//! # Contract
//! - A task is an awaiter only if it waits for the very future that its wake-up was found at.
//! - What a callback leads to is remembered until [`TaskReader::forget`]: all children of one `gather`
//!   share it.

use super::kinds::Kind;
use super::{Task, TaskReader};
use crate::ids::Address;
use crate::layout::asyncio::fixed;
use crate::memory::{Batch, Fields, Memory, Slot};
use crate::target::Target;

/// Most callbacks of one future looked at.
const MAX_CALLBACKS: usize = 64;
/// Most cells of a closure, or items of a `partial`'s arguments, looked at.
const MAX_CELLS: usize = 8;
/// Futures between a task and one that waits for it: `gather` of `shield` of it has two.
const MAX_FUTURES: usize = 4;
/// Most awaiters of one task told.
const MAX_AWAITERS: usize = 64;

/// Where awaiters are looked for, and what was found.
struct Search<'a> {
    out: &'a mut Vec<Task>,
    depth: usize,
}

impl TaskReader {
    /// Finds the tasks that wait for `task` into `out`; empty when nobody does. Two system calls per
    /// awaiter, six behind a `gather`.
    pub fn awaiters<M: Memory>(&mut self, target: &Target<M>, task: &Task, out: &mut Vec<Task>) {
        out.clear();
        let search = Search { out, depth: 0 };
        self.future(target, task.address, [task.callback0, task.callbacks], search);
    }

    /// Forgets what callbacks led to. To be called before every new look at the program.
    pub fn forget(&mut self) {
        self.led_to.clear();
    }

    fn future<M: Memory>(
        &mut self,
        target: &Target<M>,
        future: Address,
        [first, list]: [Address; 2],
        search: Search<'_>,
    ) {
        let Search { out, depth } = search;
        self.callback(target, future, first, Search { out, depth });
        if list.is_null() {
            return;
        }
        let Some((Kind::List, head)) = self.object(target, list) else {
            return;
        };
        let count = count(target, &head, MAX_CALLBACKS);
        let start = head.pointer(self.layout.list_items).unwrap_or(Address::NULL);
        let mut pairs = vec![0; count * 8];
        if target.memory.read(start, &mut pairs).is_err() {
            return;
        }
        // Each is a tuple of callback and context.
        for pair in (0..count).filter_map(|index| pairs.pointer(index * 8)) {
            if let Some((Kind::Tuple, tuple)) = self.object(target, pair) {
                let callback = tuple.pointer(self.layout.tuple_items).unwrap_or(Address::NULL);
                self.callback(target, future, callback, Search { out, depth });
            }
        }
    }

    fn callback<M: Memory>(
        &mut self,
        target: &Target<M>,
        future: Address,
        callback: Address,
        search: Search<'_>,
    ) {
        let Search { out, depth } = search;
        if callback.is_null() || depth > MAX_FUTURES || out.len() >= MAX_AWAITERS {
            return;
        }
        if let Some(known) = self.led_to.get(&callback) {
            out.extend_from_slice(known);
            return;
        }
        let Some((kind, links)) = self.object(target, callback) else {
            return;
        };
        let linked = match kind {
            Kind::Bound => links.pointer(fixed::BOUND),
            Kind::Function => links.pointer(self.layout.closure),
            _ => None,
        };
        let unlinked = (Kind::Other, [0; fixed::LINKS]);
        let (linked_kind, linked_head) = linked
            .and_then(|linked| self.object(target, linked))
            .unwrap_or(unlinked);
        let found = out.len();
        match (kind, linked_kind) {
            (Kind::Bound, Kind::Task) => {
                let awaiter = linked.and_then(|linked| Task::new(self.layout, linked, &linked_head));
                out.extend(awaiter.filter(|task| task.is_pending && task.waits_for == future));
                return;
            }
            (Kind::Bound | Kind::Function, Kind::Tuple) => {
                let items = (0..count(target, &linked_head, MAX_CELLS))
                    .filter_map(|index| linked_head.pointer(self.layout.tuple_items + 8 * index));
                let mut objects: Vec<Address> = items.collect();
                if kind == Kind::Function {
                    objects = self.fields(target, &objects, fixed::CONTENT);
                }
                self.others(
                    target,
                    future,
                    &objects,
                    Search {
                        out,
                        depth: depth + 1,
                    },
                );
            }
            _ => {}
        }
        // What is bound to one future alone is not met again.
        if kind == Kind::Function {
            self.led_to.insert(callback, out[found..].to_vec());
        }
    }

    /// Goes on from the futures among some objects.
    fn others<M: Memory>(
        &mut self,
        target: &Target<M>,
        future: Address,
        objects: &[Address],
        search: Search<'_>,
    ) {
        let Search { out, depth } = search;
        let mut batch = Batch::new();
        for object in objects {
            batch.push(*object, self.layout.task.callbacks + 8);
        }
        let _gone = target.memory.read_batch(&mut batch);
        for (slot, object) in objects.iter().enumerate() {
            let Some(head) = batch.bytes(Slot(slot)).filter(|_| *object != future) else {
                continue;
            };
            let class = head
                .pointer(target.layout.object.ob_type)
                .unwrap_or(Address::NULL);
            if self.kinds.of_type(target, self.layout, class) == Kind::Future {
                let layout = &self.layout.task;
                let callbacks = [layout.callback0, layout.callbacks];
                let callbacks = callbacks.map(|at| head.pointer(at).unwrap_or(Address::NULL));
                self.future(target, *object, callbacks, Search { out, depth });
            }
        }
    }
}

/// The length of a tuple or list, bounded.
fn count<M: Memory>(target: &Target<M>, head: &[u8], most: usize) -> usize {
    let count = head.word(target.layout.object.ob_size).unwrap_or(0);
    usize::try_from(count).map_or(most, |count| count.min(most))
}
