//! CPython 3.12, built-in table (taken from the headers of 3.12.1).
//!
//! As 3.11, except that a shim frame on the C stack stands between a frame entered from C and its
//! caller, and that str lost its `wchar_t` cache.

use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 40,
    },
    interpreter: InterpreterLayout {
        id: 8,
        next: 0,
        threads_head: 72,
    },
    gil: GilLayout::Interpreter {
        pointer: 384,
        last_holder: 8,
        locked: 16,
    },
    thread: ThreadLayout {
        head: 256,
        next: 8,
        interp: 16,
        thread_id: 136,
        os_thread_id: OsThreadIdLink::Field {
            native_thread_id: 144,
        },
        id: 224,
        context: 208,
        frame_link: FrameLink::CFrame {
            cframe: 56,
            current_frame: 0,
            previous: 8,
        },
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
        size: 192,
        bytecode: BytecodeLink::Inline { firsttraceable: 176 },
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
