//! Where CPython keeps what we read: offsets, and how releases differ in meaning.
//!
//! # Where this sits
//! Data only. One file per release ([`v3_11`], [`v3_12`], [`v3_13`]) and [`debug_offsets`], which
//! replaces the offsets that 3.13 and later export by those of the process itself. Everything else
//! takes a [`Layout`] and asks it; there is no version test outside this folder.
//!
//! # Contract
//! - Offsets are bytes from the start of the structure they belong to, x86-64 Linux, LP64.
//! - A layout that [`Layout::validate`] accepts cannot make a reader touch more than
//!   [`MAX_STRUCT`] bytes of a structure.
//!
//! # Sources
//! `Include/internal/pycore_{runtime,interp,frame,code}.h`, `Include/cpython/{pystate,code}.h` of
//! the releases named, by `offsetof` against their own headers.

pub(crate) mod debug_offsets;
mod v3_11;
mod v3_12;
mod v3_13;

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
    pub(crate) thread: ThreadLayout,
    pub(crate) chunk: ChunkLayout,
    pub(crate) frame: FrameLayout,
    pub(crate) code: CodeLayout,
    pub(crate) object: ObjectLayout,
    pub(crate) text: TextLayout,
    pub(crate) gil: GilLayout,
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

/// Where the GIL tells who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GilLayout {
    /// The runtime's current thread state: one GIL for all interpreters, null while it is free.
    Runtime { current: usize },
    /// A structure that the interpreter points to: its last holder, and whether it is held.
    Interpreter {
        gil: usize,
        last_holder: usize,
        locked: usize,
    },
}

impl GilLayout {
    /// Bytes to read from [`ThreadSnapshot::gil`](crate::ThreadSnapshot::gil).
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Runtime { .. } => 8,
            Self::Interpreter {
                last_holder, locked, ..
            } => (last_holder + 8).max(locked + 4),
        }
    }
}

/// `PyThreadState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadLayout {
    /// Length of the head that holds every field below.
    pub(crate) head: usize,
    pub(crate) next: usize,
    pub(crate) interp: usize,
    pub(crate) thread_id: usize,
    pub(crate) native_thread_id: usize,
    pub(crate) id: usize,
    pub(crate) datastack_chunk: usize,
    pub(crate) datastack_top: usize,
    pub(crate) frame_link: FrameLink,
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

/// `_PyStackChunk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkLayout {
    pub(crate) previous: usize,
    pub(crate) size: usize,
    pub(crate) top: usize,
    pub(crate) data: usize,
}

/// `_PyInterpreterFrame`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameLayout {
    /// Length of the head that holds every field below.
    pub(crate) head: usize,
    pub(crate) previous: usize,
    /// `f_code` or `f_executable`.
    pub(crate) code: usize,
    /// `prev_instr` or `instr_ptr`.
    pub(crate) instruction: usize,
    pub(crate) owner: usize,
    pub(crate) entry: EntryMark,
    /// Depth of the value stack, i32, negative while the frame executes.
    ///
    /// A frame that calls Python without going through C stores its depth first, and takes it back
    /// when it goes on. So a frame whose callee has no entry mark must have a depth stored; one that
    /// has not is the running frame, and whatever seems to be its callee was left behind.
    pub(crate) stacktop: usize,
}

/// How a frame that was entered from C is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryMark {
    /// The frame itself says so (`is_entry`).
    Flag { is_entry: usize },
    /// A frame on the C stack, with this owner and without code, lies between it and its caller.
    Shim { owner: u8 },
}

/// `PyCodeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeLayout {
    /// Offset of `co_code_adaptive`: the bytecode follows the fixed fields.
    pub(crate) bytecode: usize,
    pub(crate) firstlineno: usize,
    pub(crate) firsttraceable: usize,
    pub(crate) filename: usize,
    pub(crate) qualname: usize,
    pub(crate) linetable: usize,
}

/// `PyObject`, `PyVarObject` and `PyBytesObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectLayout {
    pub(crate) ob_type: usize,
    pub(crate) ob_size: usize,
    pub(crate) bytes_data: usize,
}

/// `PyASCIIObject` and `PyCompactUnicodeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextLayout {
    pub(crate) length: usize,
    pub(crate) state: usize,
    pub(crate) kind_shift: u32,
    pub(crate) compact_bit: u32,
    pub(crate) ascii_bit: u32,
    pub(crate) ascii_data: usize,
    pub(crate) compact_data: usize,
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
            (3, 11) => Some(Source::BuiltIn(v3_11::LAYOUT)),
            (3, 12) => Some(Source::BuiltIn(v3_12::LAYOUT)),
            (3, 13) => Some(Source::Exported(v3_13::LAYOUT, &v3_13::WORDS)),
            _ => None,
        }
    }

    /// Checks that every field lies within its structure and every structure within its bound.
    /// Names the first field that does not.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let Self {
            runtime,
            interpreter,
            thread,
            chunk,
            frame,
            code,
            object,
            text,
            gil,
        } = self;
        let link = match thread.frame_link {
            FrameLink::CFrame { cframe, .. } => cframe,
            FrameLink::Thread { current_frame } => current_frame,
        };
        let is_entry = match frame.entry {
            EntryMark::Flag { is_entry } => is_entry,
            EntryMark::Shim { .. } => frame.owner,
        };
        let gil_fields = match *gil {
            GilLayout::Runtime { current } => [("runtime_state.tstate_current", current, 8, MAX_STRUCT); 3],
            GilLayout::Interpreter {
                gil,
                last_holder,
                locked,
            } => [
                ("interpreter_state.ceval_gil", gil, 8, MAX_INTERPRETER),
                ("gil_runtime_state.holder", last_holder, 8, MAX_STRUCT),
                ("gil_runtime_state.locked", locked, 4, MAX_STRUCT),
            ],
        };
        let fields = [
            (
                "runtime_state.interpreters_head",
                runtime.interpreters_head,
                8,
                MAX_STRUCT,
            ),
            ("interpreter_state.id", interpreter.id, 8, MAX_INTERPRETER),
            ("interpreter_state.next", interpreter.next, 8, MAX_INTERPRETER),
            (
                "interpreter_state.threads_head",
                interpreter.threads_head,
                8,
                MAX_INTERPRETER,
            ),
            ("thread_state.size", thread.head, 0, MAX_STRUCT),
            ("thread_state.next", thread.next, 8, thread.head),
            ("thread_state.interp", thread.interp, 8, thread.head),
            ("thread_state.thread_id", thread.thread_id, 8, thread.head),
            (
                "thread_state.native_thread_id",
                thread.native_thread_id,
                8,
                thread.head,
            ),
            ("thread_state.id", thread.id, 8, thread.head),
            (
                "thread_state.datastack_chunk",
                thread.datastack_chunk,
                8,
                thread.head,
            ),
            ("thread_state.datastack_top", thread.datastack_top, 8, thread.head),
            ("thread_state.current_frame", link, 8, thread.head),
            ("stack_chunk.previous", chunk.previous, 8, chunk.data),
            ("stack_chunk.size", chunk.size, 8, chunk.data),
            ("stack_chunk.top", chunk.top, 8, chunk.data),
            ("stack_chunk.data", chunk.data, 0, MAX_STRUCT),
            ("interpreter_frame.size", frame.head, 0, MAX_STRUCT),
            ("interpreter_frame.previous", frame.previous, 8, frame.head),
            ("interpreter_frame.executable", frame.code, 8, frame.head),
            ("interpreter_frame.instr_ptr", frame.instruction, 8, frame.head),
            ("interpreter_frame.owner", frame.owner, 1, frame.head),
            ("interpreter_frame.is_entry", is_entry, 1, frame.head),
            ("interpreter_frame.stacktop", frame.stacktop, 4, frame.head),
            ("code_object.co_code_adaptive", code.bytecode, 0, MAX_STRUCT),
            ("code_object.firstlineno", code.firstlineno, 4, code.bytecode),
            (
                "code_object.firsttraceable",
                code.firsttraceable,
                4,
                code.bytecode,
            ),
            ("code_object.filename", code.filename, 8, code.bytecode),
            ("code_object.qualname", code.qualname, 8, code.bytecode),
            ("code_object.linetable", code.linetable, 8, code.bytecode),
            ("pyobject.ob_type", object.ob_type, 8, code.bytecode),
            ("bytes_object.ob_size", object.ob_size, 8, object.bytes_data),
            ("bytes_object.ob_sval", object.bytes_data, 0, MAX_STRUCT),
            ("unicode_object.length", text.length, 8, text.ascii_data),
            ("unicode_object.state", text.state, 4, text.ascii_data),
            (
                "unicode_object.asciiobject_size",
                text.ascii_data,
                0,
                text.compact_data,
            ),
            ("unicode_object.size", text.compact_data, 0, MAX_STRUCT),
        ];
        for (name, offset, width, bound) in fields.into_iter().chain(gil_fields) {
            if offset.checked_add(width).is_none_or(|end| end > bound) {
                return Err(name);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_tables_are_valid_and_unknown_releases_have_none() {
        for minor in 0..=u8::MAX {
            let source = Layout::source(PythonVersion {
                major: 3,
                minor,
                patch: 0,
            });
            assert_eq!(source.is_some(), (11..=13).contains(&minor), "3.{minor}");
            if let Some(Source::BuiltIn(layout) | Source::Exported(layout, _)) = source {
                assert_eq!(layout.validate(), Ok(()), "3.{minor}");
            }
        }
    }

    #[test]
    fn a_field_outside_its_structure_is_named() {
        let mut layout = v3_13::LAYOUT;
        layout.frame.owner = layout.frame.head;
        assert_eq!(layout.validate(), Err("interpreter_frame.owner"));
        layout.frame.owner = usize::MAX;
        assert_eq!(layout.validate(), Err("interpreter_frame.owner"));
    }
}
