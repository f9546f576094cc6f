//! Where CPython keeps what we read: offsets, and how releases differ in meaning.
//!
//! # Where this sits
//! Data only. One file per release ([`v3_9`] to [`v3_15`]), [`validate`], and [`debug_offsets`],
//! which replaces the offsets that 3.13 and later export by those of the process itself. Everything
//! else takes a [`Layout`] and asks it; there is no version test outside this folder.
//!
//! # Contract
//! - Offsets are bytes from the start of the structure they belong to, for 64-bit Linux: x86-64, and
//!   AArch64 by the same rules of alignment. Builds with the GIL only.
//! - A layout that [`Layout::validate`] accepts cannot make a reader touch more than
//!   [`MAX_STRUCT`] bytes of a structure.
//!
//! # Sources
//! `Include/internal/pycore_{runtime,interp,frame,interpframe_structs,code,gil}.h`,
//! `Include/cpython/{pystate,code,frameobject}.h` of the releases named, by `offsetof` against their
//! own headers.

pub(crate) mod asyncio;
pub(crate) mod debug_offsets;
mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_14;
mod v3_15;
mod v3_9;
mod validate;

use std::ops::Range;

use crate::ids::PythonVersion;

/// No structure whose head we read whole is longer. Exported sizes above it are refused.
pub(crate) const MAX_STRUCT: usize = 4096;

/// An interpreter state is large (380 KB on 3.12); its fields lie within this.
pub(crate) const MAX_INTERPRETER: usize = 16 << 20;

/// Everything that a reader of one release must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) runtime: RuntimeLayout,
    pub(crate) interpreter: InterpreterLayout,
    pub(crate) gil: GilLayout,
    pub(crate) thread: ThreadLayout,
    pub(crate) frame: FrameLayout,
    pub(crate) code: CodeLayout,
    pub(crate) object: ObjectLayout,
    pub(crate) text: TextLayout,
}

/// `_PyRuntimeState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeLayout {
    pub(crate) interpreters_head: usize,
}

/// `PyInterpreterState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterpreterLayout {
    pub(crate) id: usize,
    pub(crate) next: usize,
    pub(crate) threads_head: usize,
}

/// Who holds the GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GilLayout {
    /// The runtime names the thread state of the holder, null where it is free.
    Runtime { tstate_current: usize },
    /// The interpreter points to its GIL (`struct _gil_runtime_state`), which names who held it last
    /// and whether it is held.
    Interpreter {
        pointer: usize,
        last_holder: usize,
        locked: usize,
    },
    /// Each thread state says whether its thread holds it (`holds_gil`) or asks for it.
    Thread { holds: usize, requested: usize },
}

/// `PyThreadState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadLayout {
    /// Length of the head that holds every field below.
    pub(crate) head: usize,
    pub(crate) next: usize,
    pub(crate) interp: usize,
    pub(crate) thread_id: usize,
    pub(crate) os_thread_id: OsThreadIdLink,
    pub(crate) id: usize,
    pub(crate) context: usize,
    pub(crate) frame_link: FrameLink,
    pub(crate) stack: StackLink,
}

/// Where the kernel's id of a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OsThreadIdLink {
    /// In the thread state.
    Field { native_thread_id: usize },
    /// Nowhere in CPython: the C library has it, in the structure that `thread_id` is the address
    /// of. Where in there is learnt from the main thread, whose id the runtime has.
    Pthread { runtime_main_thread: usize },
}

/// How a thread names its youngest frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameLink {
    /// Through a `_PyCFrame` on the C stack.
    CFrame {
        cframe: usize,
        current_frame: usize,
        previous: usize,
    },
    /// In the thread state.
    Thread { current_frame: usize },
}

/// Where the frames of a thread lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StackLink {
    /// Each for itself on the heap, as Python objects.
    Heap,
    /// One behind the other in chunks of the thread's data stack; generators on the heap.
    Chunks {
        datastack_chunk: usize,
        datastack_top: usize,
        chunk: ChunkLayout,
    },
}

/// `_PyStackChunk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkLayout {
    pub(crate) previous: usize,
    pub(crate) size: usize,
    pub(crate) top: usize,
    pub(crate) data: usize,
}

impl ChunkLayout {
    /// The same from 3.11 to 3.15.
    const ALL: Self = Self {
        previous: 0,
        size: 8,
        top: 16,
        data: 24,
    };
}

/// `_PyInterpreterFrame`, or `PyFrameObject` before 3.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameLayout {
    /// Length of the head that holds every field below.
    pub(crate) head: usize,
    pub(crate) previous: usize,
    /// `f_code` or `f_executable`.
    pub(crate) code: usize,
    /// Bits of `code` that are not of the address.
    pub(crate) code_tag: u64,
    pub(crate) instruction: InstructionLink,
    pub(crate) owner: OwnerLink,
    pub(crate) entry: EntryMark,
    pub(crate) life: LifeMark,
    /// Where frames do not lie side by side: their value stacks are evidence for their calls.
    pub(crate) value_stack: Option<ValueStackLink>,
}

/// The value stack of a frame on the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueStackLink {
    /// In the frame: pointer to its lowest value.
    pub(crate) pointer: usize,
    /// In the code object: the most values there are, i32.
    pub(crate) code_depth: usize,
}

/// How a frame names its instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstructionLink {
    /// By address: `prev_instr` or `instr_ptr`.
    Pointer(usize),
    /// By distance from the first, in units of so many bytes: `f_lasti`, -1 before the first.
    Index { offset: usize, bytes: i64 },
}

/// How a frame says who keeps it alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerLink {
    /// A byte, [`OWNER_THREAD`] or [`OWNER_GENERATOR`] for frames with code.
    Byte(usize),
    /// A pointer to the generator, or null.
    Generator(usize),
}

/// How a frame that was entered from C is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryMark {
    /// All are.
    Every,
    /// The frame itself says so (`is_entry`).
    Flag { is_entry: usize },
    /// A frame without code, of an owner in this range, lies between it and its caller.
    Shim { first: u8, last: u8 },
}

/// How the frame that runs, one that calls, and one that has returned are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeMark {
    /// The depth of its value stack, i32, is negative while it executes.
    ///
    /// A frame that calls Python without going through C stores its depth first, and takes it back
    /// when it goes on. So a frame whose callee has no entry mark must have a depth stored; one that
    /// has not is the running frame, and whatever seems to be its callee was left behind. A frame
    /// that has returned keeps a depth stored.
    Depth { stacktop: usize },
    /// A frame that has returned names no code any more.
    Code,
    /// A byte that has this value while the frame runs or calls.
    State { offset: usize, running: u8 },
}

/// `PyCodeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeLayout {
    /// Length of the fixed fields. From 3.11 on the bytecode follows them (`co_code_adaptive`).
    pub(crate) size: usize,
    pub(crate) bytecode: BytecodeLink,
    pub(crate) firstlineno: usize,
    pub(crate) filename: usize,
    /// `co_qualname`, or `co_name` before 3.11.
    pub(crate) qualname: usize,
    pub(crate) linetable: usize,
    pub(crate) lines: LineFormat,
    /// Fields that stay the same through its life, and differ between most code objects.
    pub(crate) constant: [Span; 2],
    pub(crate) identity: Identity,
}

/// A range of offsets, as plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) usize, pub(crate) usize);

impl Span {
    /// As a range.
    pub(crate) fn range(self) -> Range<usize> {
        self.0..self.1
    }
}

/// Where the bytecode is, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BytecodeLink {
    /// Behind the fixed fields; the object's size counts its units.
    Inline { firsttraceable: usize },
    /// In a bytes object (`co_code`).
    Bytes { code: usize },
}

/// What tells apart two code objects that were at the same address one after the other, with all
/// their parts where those of the other were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Each has a version of its own (`co_version`), within its constant fields.
    Version,
    /// Nothing in the object: the hash of its name, which every interned string keeps.
    Name,
}

/// How `linetable` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFormat {
    /// `co_lnotab`: pairs of bytecode and line deltas.
    Lnotab,
    /// The `co_linetable` of 3.10: pairs of bytecode and line deltas, with a mark for no line.
    Pairs,
    /// The location table of 3.11 and later.
    Locations,
}

/// `PyObject`, `PyVarObject` and `PyBytesObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectLayout {
    pub(crate) ob_type: usize,
    pub(crate) ob_size: usize,
    pub(crate) bytes_data: usize,
}

impl ObjectLayout {
    /// In all releases with a GIL.
    const ALL: Self = Self {
        ob_type: 8,
        ob_size: 16,
        bytes_data: 32,
    };
}

/// `PyASCIIObject` and `PyCompactUnicodeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextLayout {
    pub(crate) length: usize,
    pub(crate) hash: usize,
    pub(crate) state: usize,
    pub(crate) kind_shift: u32,
    pub(crate) compact_bit: u32,
    pub(crate) ascii_bit: u32,
    pub(crate) ascii_data: usize,
    pub(crate) compact_data: usize,
}

impl TextLayout {
    /// Since 3.12.
    const COMPACT: Self = Self {
        length: 16,
        hash: 24,
        state: 32,
        kind_shift: 2,
        compact_bit: 5,
        ascii_bit: 6,
        ascii_data: 40,
        compact_data: 56,
    };
    /// Until 3.11, when str had a cache of `wchar_t`.
    const WITH_WCHAR: Self = Self {
        ascii_data: 48,
        compact_data: 72,
        ..Self::COMPACT
    };
}

/// Who keeps a frame alive: values of its `owner` field that a linked frame may have.
pub(crate) const OWNER_THREAD: u8 = 0;
/// See [`OWNER_THREAD`].
pub(crate) const OWNER_GENERATOR: u8 = 1;

/// Where the offsets of a release come from.
pub(crate) enum Source {
    /// The table built in.
    BuiltIn(Layout),
    /// The table built in, with the exported offsets of the process put over it.
    Exported(Layout, &'static debug_offsets::Words),
}

impl Layout {
    /// The layout of a release, or `None` if it is not known.
    pub(crate) fn source(version: PythonVersion) -> Option<Source> {
        match (version.major, version.minor) {
            (3, 9) => Some(Source::BuiltIn(v3_9::LAYOUT)),
            (3, 10) => Some(Source::BuiltIn(v3_10::LAYOUT)),
            (3, 11) => Some(Source::BuiltIn(v3_11::LAYOUT)),
            (3, 12) => Some(Source::BuiltIn(v3_12::LAYOUT)),
            (3, 13) => Some(Source::Exported(v3_13::LAYOUT, &v3_13::WORDS)),
            (3, 14) => Some(Source::Exported(v3_14::LAYOUT, &v3_14::WORDS)),
            (3, 15) => Some(Source::Exported(v3_15::LAYOUT, &v3_15::WORDS)),
            _ => None,
        }
    }
}
