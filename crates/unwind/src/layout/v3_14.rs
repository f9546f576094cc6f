//! CPython 3.14: table from the headers of 3.14.8, and where its exported offsets lie.
//!
//! References in frames carry tag bits, and a frame that ends loses its code at once. Frames no
//! longer say whether they execute.

use super::debug_offsets::{GilWords, Words};
use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 808,
    },
    interpreter: InterpreterLayout {
        id: 7280,
        next: 7272,
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
        head: 80,
        previous: 8,
        code: 0,
        code_tag: 7,
        instruction: InstructionLink::Pointer(56),
        owner: OwnerLink::Byte(74),
        entry: EntryMark::Shim { first: 3, last: 4 },
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

/// `struct _Py_DebugOffsets` of 3.14, in 8-byte words.
pub(super) const WORDS: Words = Words {
    length: 95,
    interpreters_head: 5,
    interpreter_id: 7,
    interpreter_next: 8,
    threads_head: 9,
    gil: GilWords::Interpreter {
        ceval_gil: 15,
        own: 16,
        locked: 18,
        holder: 19,
    },
    thread_size: 22,
    thread_next: 24,
    thread_interp: 25,
    current_frame: 26,
    thread_id: 27,
    native_thread_id: 28,
    datastack_chunk: 29,
    frame_size: 31,
    frame_previous: 32,
    frame_executable: 33,
    frame_instr_ptr: 34,
    frame_owner: 36,
    code_filename: 40,
    code_qualname: 42,
    code_linetable: 43,
    code_firstlineno: 44,
    co_code_adaptive: 48,
    ob_type: 51,
    bytes_size: 75,
    bytes_data: 76,
    text_state: 78,
    text_length: 79,
    ascii_size: 80,
};
