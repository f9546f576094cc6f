//! What an object is, by the name of its type and of that type's bases.
//!
//! # Contract
//! A type is read once and remembered by address, up to [`MAX_TYPES`]. A class that was freed and
//! replaced by another at its address is mistaken for it; whoever follows a link checks its other
//! end, so that costs a link and no more.

use std::collections::HashMap;

use crate::calls::AddressHash;
use crate::ids::Address;
use crate::layout::asyncio::AsyncioLayout;
use crate::memory::{Fields, Memory};
use crate::target::Target;

/// Types remembered. Beyond it all are forgotten.
const MAX_TYPES: usize = 4096;
/// Classes between one and the asyncio class that it derives from.
const MAX_BASES: usize = 16;
/// Longest name that matters, with its end.
const NAME: usize = 40;

/// What the links of an object mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `_asyncio.Task` or a class derived from it.
    Task,
    /// Any other `_asyncio.Future`.
    Future,
    /// A coroutine, generator or asynchronous generator: it has a frame inside.
    Generator,
    /// An awaitable that stands for the object in its first field.
    Proxy,
    /// A method, of Python or of C, or a `functools.partial`: bound to one object or a tuple.
    Bound,
    /// A Python function.
    Function,
    Tuple,
    List,
    Other,
}

/// Types met.
#[derive(Debug, Default)]
pub(super) struct Kinds(HashMap<Address, Kind, AddressHash>);

impl Kinds {
    /// The kind of the objects of a type.
    pub(super) fn of_type<M: Memory>(
        &mut self,
        target: &Target<M>,
        layout: &AsyncioLayout,
        class: Address,
    ) -> Kind {
        if let Some(kind) = self.0.get(&class) {
            return *kind;
        }
        let kind = classify(target, layout, class);
        if self.0.len() >= MAX_TYPES {
            self.0.clear();
        }
        self.0.insert(class, kind);
        kind
    }
}

fn classify<M: Memory>(target: &Target<M>, layout: &AsyncioLayout, class: Address) -> Kind {
    let mut base = class;
    for _ in 0..MAX_BASES {
        let mut head = [0; 264];
        let length = layout.type_base + 8;
        let Some(head) = head.get_mut(..length) else {
            return Kind::Other;
        };
        if base.is_null() || target.memory.read(base, head).is_err() {
            return Kind::Other;
        }
        let name = head.pointer(layout.type_name).unwrap_or(Address::NULL);
        let mut text = [0; NAME];
        let known = read_name(target, name, &mut text);
        match known {
            b"_asyncio.Task" => return Kind::Task,
            b"_asyncio.Future" => return Kind::Future,
            // What follows are no base classes of anything.
            _ if base != class => {}
            b"coroutine" | b"generator" | b"async_generator" => return Kind::Generator,
            b"coroutine_wrapper"
            | b"async_generator_asend"
            | b"async_generator_athrow"
            | b"anext_awaitable" => {
                return Kind::Proxy;
            }
            b"builtin_function_or_method" | b"method" | b"functools.partial" => return Kind::Bound,
            b"function" => return Kind::Function,
            b"tuple" => return Kind::Tuple,
            b"list" => return Kind::List,
            _ => {}
        }
        base = head.pointer(layout.type_base).unwrap_or(Address::NULL);
    }
    Kind::Other
}

/// Reads a C string of at most [`NAME`] bytes; empty where there is none that short.
fn read_name<'a, M: Memory>(target: &Target<M>, at: Address, text: &'a mut [u8; NAME]) -> &'a [u8] {
    // It may end with its page: a shorter read is tried then.
    let whole = target.memory.read(at, text).is_ok();
    if !whole {
        text.fill(0);
        let rest = usize::try_from(4096 - at.0 % 4096).unwrap_or(0).min(NAME);
        if target.memory.read(at, &mut text[..rest]).is_err() {
            return &[];
        }
    }
    match text.iter().position(|byte| *byte == 0) {
        Some(end) => &text[..end],
        None => &[],
    }
}
