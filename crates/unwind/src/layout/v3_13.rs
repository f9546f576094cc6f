//! CPython 3.13: table from the headers of 3.13.0, and where its exported offsets lie.
//!
//! The thread state names the youngest frame itself; the instruction pointer names the current
//! instruction; a frame's executable need not be a code object.

use super::debug_offsets::{GilWords, Words};
use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 632,
    },
    interpreter: InterpreterLayout {
        id: 7272,
        next: 7264,
        threads_head: 7344,
    },
    gil: GilLayout::Interpreter {
        pointer: 16,
        last_holder: 8,
        locked: 16,
    },
    thread: ThreadLayout {
        head: 248,
        next: 8,
        interp: 16,
        thread_id: 152,
        os_thread_id: OsThreadIdLink::Field {
            native_thread_id: 160,
        },
        id: 224,
        context: 208,
        frame_link: FrameLink::Thread { current_frame: 72 },
        stack: StackLink::Chunks {
            datastack_chunk: 232,
            datastack_top: 240,
            chunk: ChunkLayout::ALL,
        },
    },
    frame: FrameLayout {
        head: 72,
        previous: 8,
        code: 0,
        code_tag: 0,
        instruction: InstructionLink::Pointer(56),
        owner: OwnerLink::Byte(70),
        entry: EntryMark::Shim { first: 3, last: 3 },
        life: LifeMark::Depth { stacktop: 64 },
        value_stack: None,
    },
    code: CodeLayout {
        size: 200,
        bytecode: BytecodeLink::Inline { firsttraceable: 184 },
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

/// `struct _Py_DebugOffsets` of 3.13, in 8-byte words.
pub(super) const WORDS: Words = Words {
    length: 73,
    interpreters_head: 5,
    interpreter_id: 7,
    interpreter_next: 8,
    threads_head: 9,
    gil: GilWords::Interpreter {
        ceval_gil: 14,
        own: 15,
        locked: 17,
        holder: 18,
    },
    thread_size: 19,
    thread_next: 21,
    thread_interp: 22,
    current_frame: 23,
    thread_id: 24,
    native_thread_id: 25,
    datastack_chunk: 26,
    frame_size: 28,
    frame_previous: 29,
    frame_executable: 30,
    frame_instr_ptr: 31,
    frame_owner: 33,
    code_filename: 35,
    code_qualname: 37,
    code_linetable: 38,
    code_firstlineno: 39,
    co_code_adaptive: 43,
    ob_type: 45,
    bytes_size: 65,
    bytes_data: 66,
    text_state: 68,
    text_length: 69,
    ascii_size: 70,
};
