//! The value that one context variable has in a thread's current context.
//!
//! # Where this sits
//! Called by samplers that follow a variable of theirs, such as the labels of a request. A context
//! is what `contextvars` gives to each thread, asyncio task and greenlet, so its value is right under
//! all of them. Knows the structures of `contextvars`, nothing of stacks.
//!
//! # Contract
//! - One batched read while the thread's context lies where it lay last time, a read per structure
//!   otherwise; [`MAX_LEVELS`] of them at most, whatever the memory says.
//! - The value is that of a moment shortly after the stack was read: nothing ties the two together.
//!
//! # Sources
//! `Include/internal/pycore_{context,hamt}.h`, `Python/hamt.c`; unchanged from 3.9 to 3.15 in builds
//! with a GIL.

use std::collections::HashMap;

use crate::calls::AddressHash;
use crate::error::ReadError;
use crate::ids::Address;
use crate::memory::{Batch, Fields, Memory, Slot, read_pointer};
use crate::target::Target;
use crate::thread::ThreadSnapshot;

/// Offset of the name in a type.
const TYPE_NAME: u64 = 24;
/// Offset of the mapping in a context.
const CONTEXT_VARS: u64 = 24;
/// Offset of the root node in a mapping.
const MAPPING_ROOT: u64 = 16;
/// Offset of the number of entries in a bitmap or collision node.
const NODE_SIZE: usize = 16;
/// Offset of the bitmap of a bitmap node.
const NODE_BITMAP: usize = 24;
/// Offset of the entries in a bitmap or collision node.
const NODE_ENTRIES: usize = 32;
/// Offset of the children in an array node.
const ARRAY_CHILDREN: usize = 16;
/// Bytes read of a node at once: the root of a context with up to 8 variables.
const NODE_HEAD: usize = NODE_ENTRIES + 16 * 8;
/// Levels of a tree that takes 5 of 32 bits at each, and one for keys that share all of them.
const MAX_LEVELS: u32 = 8;
/// Most entries looked at in a node of keys with the same hash.
const MAX_COLLISIONS: usize = 64;

/// A `contextvars.ContextVar` that is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextVariable {
    address: Address,
    hash: u32,
}

impl ContextVariable {
    /// The variable at `address`, whose `hash()` is `hash`. It must stay alive.
    #[must_use]
    pub fn new(address: Address, hash: i64) -> Self {
        let folded = hash as u32 ^ (hash >> 32) as u32;
        // As everywhere in CPython, -1 is not a hash.
        let hash = if folded == u32::MAX { u32::MAX - 1 } else { folded };
        Self { address, hash }
    }
}

/// Where a thread's context lay last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Path {
    context: Address,
    mapping: Address,
    root: Address,
}

/// What kind of node an object is, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Bitmap,
    Array,
    Collision,
    Other,
}

/// The first bytes of a node.
#[derive(Clone, Copy, Debug)]
struct NodeHead {
    bytes: [u8; NODE_HEAD],
    length: usize,
}

impl NodeHead {
    /// A node may be shorter and lie at the end of what is mapped: then only its fixed part is read,
    /// and its entries one by one.
    fn read<M: Memory>(target: &Target<M>, address: Address) -> Option<Self> {
        let mut bytes = [0; NODE_HEAD];
        let length = [NODE_HEAD, NODE_ENTRIES]
            .into_iter()
            .find(|&length| target.memory.read(address, &mut bytes[..length]).is_ok())?;
        Some(Self { bytes, length })
    }
}

/// Reads one variable in the contexts of threads. Remembers where each thread's lay.
#[derive(Debug, Default)]
pub struct ContextReader {
    paths: HashMap<Address, Path, AddressHash>,
    kinds: HashMap<Address, Node, AddressHash>,
    batch: Batch,
}

impl ContextReader {
    /// A reader that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The object that `variable` is set to for the thread; `None` if it is not set there, or if
    /// what was read makes no sense.
    pub fn value<M: Memory>(
        &mut self,
        target: &Target<M>,
        thread: &ThreadSnapshot,
        variable: ContextVariable,
    ) -> Option<Address> {
        if self.paths.len() > crate::thread::MAX_THREADS {
            self.paths.clear();
        }
        let path = self.paths.get(&thread.tstate).copied().unwrap_or_default();
        let (path, root) = match self.predicted(target, thread.tstate, path) {
            Some(root) => (path, root),
            None => {
                let path = follow(target, thread.tstate).ok().flatten();
                self.paths.insert(thread.tstate, path.unwrap_or_default());
                (path?, NodeHead::read(target, path?.root)?)
            }
        };
        self.find(target, path.root, root, variable)
    }

    /// The root node, if the thread's context still lies where it did.
    fn predicted<M: Memory>(&mut self, target: &Target<M>, tstate: Address, path: Path) -> Option<NodeHead> {
        if path.root.is_null() {
            return None;
        }
        let batch = &mut self.batch;
        batch.clear();
        let links = [
            (tstate.plus(target.layout.thread.context as u64), path.context),
            (path.context.plus(CONTEXT_VARS), path.mapping),
            (path.mapping.plus(MAPPING_ROOT), path.root),
        ];
        let slots = links.map(|(from, to)| (batch.push(from, 8), to));
        let root = batch.push(path.root, NODE_HEAD);
        target.memory.read_batch(batch).ok()?;
        let holds =
            |(slot, to): (Slot, Address)| batch.bytes(slot).and_then(|link| link.pointer(0)) == Some(to);
        slots.into_iter().all(holds).then_some(())?;
        Some(NodeHead {
            bytes: *batch.bytes(root)?.first_chunk()?,
            length: NODE_HEAD,
        })
    }

    /// Goes down the tree by the hash of the variable.
    fn find<M: Memory>(
        &mut self,
        target: &Target<M>,
        mut address: Address,
        mut node: NodeHead,
        variable: ContextVariable,
    ) -> Option<Address> {
        for level in 0..MAX_LEVELS {
            let branch = variable.hash.checked_shr(5 * level).unwrap_or(0) & 31;
            let head = &node.bytes[..node.length];
            let entry = |index: usize| {
                let place = NODE_ENTRIES + 16 * index;
                let mut pair = [0; 16];
                match head.get(place..place + 16) {
                    Some(bytes) => pair.copy_from_slice(bytes),
                    None => target.memory.read(address.plus(place as u64), &mut pair).ok()?,
                }
                Some((pair.pointer(0)?, pair.pointer(8)?))
            };
            address = match self.kind(target, head.pointer(target.layout.object.ob_type)?) {
                Node::Bitmap => {
                    let bitmap = head.int(NODE_BITMAP)?;
                    if bitmap >> branch & 1 == 0 {
                        return None;
                    }
                    let before = bitmap & ((1 << branch) - 1);
                    match entry(before.count_ones() as usize)? {
                        (Address::NULL, child) => child,
                        (key, value) => return (key == variable.address).then_some(value),
                    }
                }
                Node::Array => {
                    let place = ARRAY_CHILDREN + 8 * branch as usize;
                    read_pointer(&target.memory, address.plus(place as u64)).ok()?
                }
                Node::Collision => {
                    let entries = usize::try_from(head.word(NODE_SIZE)?).ok()? / 2;
                    let found = (0..entries.min(MAX_COLLISIONS)).filter_map(entry);
                    return found
                        .filter(|(key, _)| *key == variable.address)
                        .map(|(_, value)| value)
                        .next();
                }
                Node::Other => return None,
            };
            node = NodeHead::read(target, address)?;
        }
        None
    }

    /// What objects of a type are: the types have no symbols, but names.
    fn kind<M: Memory>(&mut self, target: &Target<M>, type_object: Address) -> Node {
        if let Some(kind) = self.kinds.get(&type_object) {
            return *kind;
        }
        let mut name = [0; 24];
        let read = read_pointer(&target.memory, type_object.plus(TYPE_NAME))
            .and_then(|address| target.memory.read(address, &mut name));
        let kind = match (read, name.split(|&byte| byte == 0).next()) {
            (Ok(()), Some(b"hamt_bitmap_node")) => Node::Bitmap,
            (Ok(()), Some(b"hamt_array_node")) => Node::Array,
            (Ok(()), Some(b"hamt_collision_node")) => Node::Collision,
            // Not remembered: torn memory has any number of types.
            _ => return Node::Other,
        };
        self.kinds.insert(type_object, kind);
        kind
    }
}

/// Where the thread's context lies; `None` if it has none yet, or an empty one.
fn follow<M: Memory>(target: &Target<M>, tstate: Address) -> Result<Option<Path>, ReadError> {
    let link = |from: Address| match from {
        Address::NULL => Ok(Address::NULL),
        from => read_pointer(&target.memory, from),
    };
    let past = |address: Address, offset: u64| match address {
        Address::NULL => Address::NULL,
        address => address.plus(offset),
    };
    let context = link(tstate.plus(target.layout.thread.context as u64))?;
    let mapping = link(past(context, CONTEXT_VARS))?;
    let root = link(past(mapping, MAPPING_ROOT))?;
    Ok((!root.is_null()).then_some(Path {
        context,
        mapping,
        root,
    }))
}
