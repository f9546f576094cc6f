//! Reads greenlets: which one runs on a thread, and what it stands under.
//!
//! # Where this sits
//! Beside [`crate::walker`]: a thread's frames are always those of the running greenlet, from its first
//! function on. A [`GreenletReader`] adds what that greenlet was spawned by: the stack that gevent keeps
//! of each spawn, or the suspended stack of a plain greenlet's parent.
//!
//! # Contract
//! - Nothing is installed in the program, so a switch costs nothing. The running greenlet is read out
//!   of the thread-local variable in which the library keeps it, by way of the C library's own table of
//!   those (`dtv`; glibc on x86-64).
//! - Where the library is laid out otherwise, nothing fits and stacks stay as they are: an object is
//!   a greenlet only if its class derives from the library's own.
//! - Every count and every chain is bounded.
//!
//! # Sources
//! greenlet 3 `TThreadStateCreator.hpp`, `TThreadState.hpp`, `TGreenlet.hpp`, `TPythonState.cpp`
//! (frames of a suspended greenlet leave out those on the C stack); gevent `_gevent_cgreenlet.pxd`;
//! glibc `sysdeps/x86_64/nptl/tls.h`, `sysdeps/generic/dl-dtv.h`.

use std::collections::HashMap;

use crate::activation::Read;
use crate::calls::AddressHash;
use crate::ids::Address;
use crate::layout::OWNER_GENERATOR;
use crate::layout::asyncio::AsyncioLayout;
use crate::memory::{Fields, Memory, read_pointer};
use crate::target::Target;
use crate::thread::ThreadSnapshot;
use crate::walker::Frame;

/// Most greenlets from one to the first that spawned it.
const MAX_SPAWNS: usize = 16;
/// Most frames of one stack of spawning, or of a suspended parent.
const MAX_FRAMES: usize = 128;
/// Most bytes of a greenlet object and of what the library keeps behind it.
const MAX_OBJECT: usize = 384;
/// Most words of the library's thread-local variables.
const MAX_VARIABLES: usize = 16;
/// Classes met. Beyond it all are forgotten.
const MAX_CLASSES: usize = 256;
/// Classes between one and the library's own.
const MAX_BASES: usize = 8;

/// `PyGreenlet`: object head, weak references, dict, implementation.
const IMPLEMENTATION: usize = 32;
const FIRST_OF_SUBCLASS: u64 = 40;
/// `tcbhead_t.dtv`, and the bytes of one entry.
const DTV: u64 = 8;
const DTV_ENTRY: u64 = 16;

/// Where the library is in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greenlets {
    /// The type `greenlet.greenlet`.
    pub class: Address,
    /// Number of the library's thread-local storage.
    pub tls_module: u64,
    /// Bytes of it.
    pub tls_bytes: u64,
}

/// What a thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The running greenlet.
    pub greenlet: Address,
    /// The thread's own, which it began with.
    pub main: Address,
}

/// What a greenlet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// gevent's event loop.
    Hub,
    /// gevent's own, with the places of its spawner and of the stack then.
    Gevent { spawner: usize, stack: usize },
    /// Any other.
    Plain,
    /// No greenlet.
    Other,
}

/// What a running greenlet stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    /// gevent's event loop, which nobody spawned.
    Hub,
    /// The frames that were told.
    Spawned,
    /// Nothing is known.
    Unknown,
}

/// Reads greenlets of one target.
#[derive(Debug)]
pub struct GreenletReader {
    at: Greenlets,
    asyncio: &'static AsyncioLayout,
    classes: HashMap<Address, Class, AddressHash>,
    /// Where a thread's state is linked, by thread.
    links: HashMap<u64, Address>,
    /// Where the implementation keeps the parent and the youngest frame, once seen.
    parent: Option<usize>,
    top_frame: Option<usize>,
}

impl GreenletReader {
    /// A reader; `None` for a release whose objects are not known.
    #[must_use]
    pub fn new<M: Memory>(target: &Target<M>, at: Greenlets) -> Option<Self> {
        Some(Self {
            at,
            asyncio: AsyncioLayout::of(target.version())?,
            classes: HashMap::default(),
            links: HashMap::new(),
            parent: None,
            top_frame: None,
        })
    }

    /// The greenlet that a thread runs; `None` if the thread has used none. Two system calls for a
    /// thread that has, once it is known.
    pub fn running<M: Memory>(&mut self, target: &Target<M>, thread: &ThreadSnapshot) -> Option<Running> {
        let state = match self.links.get(&thread.unique_id) {
            Some(link) => read_pointer(&target.memory, *link).ok()?,
            None => self.find_state(target, thread)?,
        };
        let mut pair = [0; 16];
        target.memory.read(state, &mut pair).ok()?;
        Some(Running {
            main: pair.pointer(0)?,
            greenlet: pair.pointer(8)?,
        })
    }

    /// Forgets threads, which may have ended.
    pub fn forget_threads(&mut self) {
        self.links.clear();
    }

    /// Looks through the library's variables of one thread for the one that leads to two greenlets.
    fn find_state<M: Memory>(&mut self, target: &Target<M>, thread: &ThreadSnapshot) -> Option<Address> {
        let memory = &target.memory;
        let dtv = read_pointer(memory, Address(thread.python_thread_id).plus(DTV)).ok()?;
        let block = read_pointer(memory, dtv.plus(self.at.tls_module.checked_mul(DTV_ENTRY)?)).ok()?;
        for index in 0..(self.at.tls_bytes / 8).min(MAX_VARIABLES as u64) {
            let link = block.plus(index * 8);
            let Ok(state) = read_pointer(memory, link) else {
                continue;
            };
            let mut pair = [0; 16];
            if state.0 > 1 && memory.read(state, &mut pair).is_ok() {
                let (main, current) = (pair.pointer(0)?, pair.pointer(8)?);
                let is_main = self.type_of(target, main) == Some(self.at.class);
                if is_main && self.class(target, current) != Class::Other {
                    self.links.insert(thread.unique_id, link);
                    return Some(state);
                }
            }
        }
        None
    }

    /// Appends, leaf first, what a running greenlet stands under.
    pub fn footing<M: Memory>(
        &mut self,
        target: &Target<M>,
        running: Running,
        out: &mut Vec<Frame>,
    ) -> Footing {
        let mut greenlet = running.greenlet;
        for spawns in 0..MAX_SPAWNS {
            if greenlet == running.main {
                break;
            }
            match self.class(target, greenlet) {
                Class::Hub if spawns == 0 => return Footing::Hub,
                Class::Hub | Class::Other => break,
                Class::Gevent { spawner, stack } => {
                    let field =
                        |offset: usize| read_pointer(&target.memory, greenlet.plus(offset as u64)).ok();
                    let Some(stack) = field(stack) else { break };
                    self.spawning_stack(target, stack, out);
                    let reference = field(spawner).unwrap_or(Address::NULL);
                    let referent = reference.plus(self.asyncio.referent as u64);
                    greenlet = read_pointer(&target.memory, referent).unwrap_or(Address::NULL);
                }
                Class::Plain => {
                    let Some(parent) = self.parent_of(target, greenlet) else {
                        break;
                    };
                    self.suspended(target, parent, out);
                    greenlet = parent;
                }
            }
        }
        if out.is_empty() {
            Footing::Unknown
        } else {
            Footing::Spawned
        }
    }

    /// Appends the frames that gevent kept of a spawn: code, line (i32), and the caller's.
    fn spawning_stack<M: Memory>(&self, target: &Target<M>, stack: Address, out: &mut Vec<Frame>) {
        const CODE: usize = 16;
        const LINE: usize = 24;
        const BACK: usize = 32;
        let mut kept = stack;
        let class = self.type_of(target, kept);
        for _ in 0..MAX_FRAMES {
            let mut object = [0; 40];
            if kept.is_null() || target.memory.read(kept, &mut object).is_err() {
                return;
            }
            if object.pointer(target.layout.object.ob_type) != class {
                // None: the end.
                return;
            }
            let (Some(code), Some(line), Some(back)) =
                (object.pointer(CODE), object.int(LINE), object.pointer(BACK))
            else {
                return;
            };
            out.push(Frame::of_line(code, line));
            kept = back;
        }
    }

    fn parent_of<M: Memory>(&mut self, target: &Target<M>, greenlet: Address) -> Option<Address> {
        let implementation = read_pointer(&target.memory, greenlet.plus(IMPLEMENTATION as u64)).ok()?;
        if self.parent.is_none() {
            // Itself, the thread's own and the parent, in this order.
            let words = words(target, implementation);
            let is_greenlet = |word: &Address| self.class(target, *word) != Class::Other;
            let found: Vec<usize> = words
                .iter()
                .map(is_greenlet)
                .enumerate()
                .filter(|(_, is)| *is)
                .map(|(at, _)| at)
                .collect();
            self.parent = found.get(2).map(|place| place * 8);
        }
        let parent = read_pointer(&target.memory, implementation.plus(self.parent? as u64)).ok()?;
        (self.class(target, parent) != Class::Other).then_some(parent)
    }

    /// Appends the frames of a suspended greenlet.
    fn suspended<M: Memory>(
        &mut self,
        target: &Target<M>,
        greenlet: Address,
        out: &mut Vec<Frame>,
    ) -> Option<()> {
        const FRAME_OF_OBJECT: u64 = 24;
        let implementation = read_pointer(&target.memory, greenlet.plus(IMPLEMENTATION as u64)).ok()?;
        if self.top_frame.is_none() {
            let words = words(target, implementation);
            let is_frame = |word: &Address| {
                self.type_of(target, *word)
                    .is_some_and(|class| self.name_of(target, class).starts_with(b"frame\0"))
            };
            self.top_frame = words.iter().position(is_frame).map(|place| place * 8);
        }
        let object = read_pointer(&target.memory, implementation.plus(self.top_frame? as u64)).ok()?;
        let mut frame = read_pointer(&target.memory, object.plus(FRAME_OF_OBJECT)).ok()?;
        let layout = &target.layout.frame;
        let mut head = vec![0; layout.head];
        for _ in 0..MAX_FRAMES {
            target.memory.read(frame, &mut head).ok()?;
            let read = Read::new(&target.layout, frame, &head, 0)?;
            if read.raw.owner <= OWNER_GENERATOR {
                out.extend(Frame::at(&target.layout, read.raw.code, read.raw.instruction));
            }
            frame = read.previous;
        }
        Some(())
    }

    fn type_of<M: Memory>(&self, target: &Target<M>, object: Address) -> Option<Address> {
        if object.is_null() || !object.0.is_multiple_of(8) {
            return None;
        }
        read_pointer(&target.memory, object.plus(target.layout.object.ob_type as u64)).ok()
    }

    fn class<M: Memory>(&mut self, target: &Target<M>, greenlet: Address) -> Class {
        let Some(class) = self.type_of(target, greenlet) else {
            return Class::Other;
        };
        if let Some(known) = self.classes.get(&class) {
            return *known;
        }
        let found = self.classify(target, greenlet, class);
        if self.classes.len() >= MAX_CLASSES {
            self.classes.clear();
        }
        self.classes.insert(class, found);
        found
    }

    fn classify<M: Memory>(&self, target: &Target<M>, greenlet: Address, class: Address) -> Class {
        let (mut base, mut is_gevent, mut is_hub) = (class, false, false);
        for _ in 0..MAX_BASES {
            if base == self.at.class {
                return match (is_hub, is_gevent) {
                    (true, _) => Class::Hub,
                    (false, true) => self.places(target, greenlet).unwrap_or(Class::Plain),
                    (false, false) => Class::Plain,
                };
            }
            let name = self.name_of(target, base);
            is_gevent |= name.starts_with(b"gevent._gevent_cgreenlet.Greenlet\0");
            is_hub |= name.starts_with(b"gevent._gevent_c_hub_primitives.WaitOperationsGreenlet\0");
            let Ok(next) = read_pointer(&target.memory, base.plus(self.asyncio.type_base as u64)) else {
                break;
            };
            base = next;
        }
        Class::Other
    }

    /// Looks a greenlet of gevent through for its spawner and the stack kept of its spawn.
    fn places<M: Memory>(&self, target: &Target<M>, greenlet: Address) -> Option<Class> {
        let words = words(target, greenlet.plus(FIRST_OF_SUBCLASS));
        let place_of = |wanted: &[u8]| {
            let is_wanted = |word: &Address| {
                self.type_of(target, *word)
                    .is_some_and(|class| self.name_of(target, class).starts_with(wanted))
            };
            let place = words.iter().position(is_wanted)?;
            Some(FIRST_OF_SUBCLASS as usize + place * 8)
        };
        Some(Class::Gevent {
            spawner: place_of(b"weakref")?,
            stack: place_of(b"gevent._gevent_cgreenlet._Frame\0")?,
        })
    }

    /// The first bytes of a type's name.
    fn name_of<M: Memory>(&self, target: &Target<M>, class: Address) -> [u8; 64] {
        let mut name = [0; 64];
        let at = read_pointer(&target.memory, class.plus(self.asyncio.type_name as u64));
        if let Ok(at) = at {
            // What cannot be read whole lies at the end of a mapping, and is none of the names.
            if target.memory.read(at, &mut name).is_err() {
                name.fill(0);
            }
        }
        name
    }
}

/// The words of an object, as many as there are.
fn words<M: Memory>(target: &Target<M>, object: Address) -> Vec<Address> {
    let mut bytes = vec![0; MAX_OBJECT];
    if target.memory.read(object, &mut bytes).is_err() {
        bytes.truncate(96);
        if target.memory.read(object, &mut bytes).is_err() {
            return Vec::new();
        }
    }
    (0..bytes.len() / 8)
        .filter_map(|index| bytes.pointer(index * 8))
        .collect()
}
