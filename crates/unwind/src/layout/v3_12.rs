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
    thread: ThreadLayout {
        head: 256,
        next: 8,
        interp: 16,
        thread_id: 136,
        native_thread_id: 144,
        id: 224,
        datastack_chunk: 232,
        datastack_top: 240,
        frame_link: FrameLink::CFrame {
            cframe: 56,
            current_frame: 0,
            previous: 8,
        },
    },
    chunk: ChunkLayout {
        previous: 0,
        size: 8,
        top: 16,
        data: 24,
    },
    frame: FrameLayout {
        head: 72,
        previous: 8,
        code: 0,
        instruction: 56,
        owner: 70,
        entry: EntryMark::Shim { owner: 3 },
        stacktop: 64,
    },
    code: CodeLayout {
        bytecode: 192,
        firstlineno: 68,
        firsttraceable: 176,
        filename: 112,
        qualname: 128,
        linetable: 136,
    },
    object: ObjectLayout {
        ob_type: 8,
        ob_size: 16,
        bytes_data: 32,
    },
    text: TextLayout {
        length: 16,
        state: 32,
        kind_shift: 2,
        compact_bit: 5,
        ascii_bit: 6,
        ascii_data: 40,
        compact_data: 56,
    },
    gil: GilLayout::Interpreter {
        gil: 384,
        last_holder: 8,
        locked: 16,
    },
};
