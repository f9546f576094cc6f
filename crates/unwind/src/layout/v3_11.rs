//! CPython 3.11, built-in table (taken from the headers of 3.11.7).
//!
//! Frames hang from a `_PyCFrame` on the C stack; a frame entered from C carries a flag; the
//! instruction pointer names the code unit before the next instruction.

use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 40,
    },
    interpreter: InterpreterLayout {
        id: 48,
        next: 0,
        threads_head: 16,
    },
    gil: GilLayout::Runtime { tstate_current: 576 },
    thread: ThreadLayout {
        head: 320,
        next: 8,
        interp: 16,
        thread_id: 152,
        os_thread_id: OsThreadIdLink::Field {
            native_thread_id: 160,
        },
        id: 240,
        context: 224,
        frame_link: FrameLink::CFrame {
            cframe: 56,
            current_frame: 8,
            previous: 16,
        },
        stack: StackLink::Chunks {
            datastack_chunk: 296,
            datastack_top: 304,
            chunk: ChunkLayout::ALL,
        },
    },
    frame: FrameLayout {
        head: 72,
        previous: 48,
        code: 32,
        code_tag: 0,
        instruction: InstructionLink::Pointer(56),
        owner: OwnerLink::Byte(69),
        entry: EntryMark::Flag { is_entry: 68 },
        life: LifeMark::Depth { stacktop: 64 },
        value_stack: None,
    },
    code: CodeLayout {
        size: 184,
        bytecode: BytecodeLink::Inline { firsttraceable: 168 },
        firstlineno: 72,
        filename: 112,
        qualname: 128,
        linetable: 136,
        lines: LineFormat::Locations,
        constant: [Span(8, 52), Span(56, 144)],
        identity: Identity::Name,
    },
    object: ObjectLayout::ALL,
    text: TextLayout::WITH_WCHAR,
};
