//! CPython 3.15: table from the headers of 3.15.0, and where its exported offsets lie.
//!
//! As 3.14, except that each thread says whether it holds the GIL or asks for it, and that the
//! oldest frame of a thread lies in its thread state.

use super::debug_offsets::{GilWords, Words};
use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 936,
    },
    interpreter: InterpreterLayout {
        id: 7272,
        next: 7264,
        threads_head: 7336,
    },
    gil: GilLayout::Thread {
        holds: 36,
        requested: 40,
    },
    thread: ThreadLayout {
        head: 272,
        next: 8,
        interp: 16,
        thread_id: 176,
        os_thread_id: OsThreadIdLink::Field {
            native_thread_id: 184,
        },
        id: 248,
        context: 232,
        frame_link: FrameLink::Thread { current_frame: 72 },
        stack: StackLink::Chunks {
            datastack_chunk: 256,
            datastack_top: 264,
            chunk: ChunkLayout::ALL,
        },
    },
    frame: FrameLayout {
        head: 80,
        previous: 8,
        code: 0,
        code_tag: 7,
        instruction: InstructionLink::Pointer(56),
        owner: OwnerLink::Byte(74),
        entry: EntryMark::Shim { first: 3, last: 3 },
        life: LifeMark::Code,
        value_stack: None,
    },
    code: CodeLayout {
        size: 208,
        bytecode: BytecodeLink::Inline { firsttraceable: 192 },
        firstlineno: 68,
        filename: 112,
        qualname: 128,
        linetable: 136,
        lines: LineFormat::Locations,
        constant: [Span(8, 144), Span(144, 144)],
        identity: Identity::Version,
    },
    object: ObjectLayout::ALL,
    text: TextLayout::COMPACT,
};

/// `struct _Py_DebugOffsets` of 3.15, in 8-byte words.
pub(super) const WORDS: Words = Words {
    length: 111,
    interpreters_head: 5,
    interpreter_id: 7,
    interpreter_next: 8,
    threads_head: 9,
    gil: GilWords::Thread {
        holds: 34,
        requested: 35,
    },
    thread_size: 22,
    thread_next: 24,
    thread_interp: 25,
    current_frame: 26,
    thread_id: 30,
    native_thread_id: 31,
    datastack_chunk: 32,
    frame_size: 39,
    frame_previous: 40,
    frame_executable: 41,
    frame_instr_ptr: 42,
    frame_owner: 44,
    code_filename: 48,
    code_qualname: 50,
    code_linetable: 51,
    code_firstlineno: 52,
    co_code_adaptive: 56,
    ob_type: 59,
    bytes_size: 87,
    bytes_data: 88,
    text_state: 90,
    text_length: 91,
    ascii_size: 92,
};
