//! CPython 3.10, built-in table (taken from the headers of 3.10.13).
//!
//! As 3.9, except that frames count instructions in units of two bytes, say how they fare in one
//! byte of states, and that lines are in a table of pairs.

use super::*;

pub(super) const LAYOUT: Layout = Layout {
    runtime: RuntimeLayout {
        interpreters_head: 32,
    },
    interpreter: InterpreterLayout {
        id: 24,
        next: 0,
        threads_head: 8,
    },
    gil: GilLayout::Runtime { tstate_current: 568 },
    thread: ThreadLayout {
        head: 264,
        next: 8,
        interp: 16,
        thread_id: 176,
        os_thread_id: OsThreadIdLink::Pthread {
            runtime_main_thread: 72,
        },
        id: 256,
        context: 240,
        frame_link: FrameLink::Thread { current_frame: 24 },
        stack: StackLink::Heap,
    },
    frame: FrameLayout {
        head: 112,
        previous: 24,
        code: 32,
        code_tag: 0,
        instruction: InstructionLink::Index { offset: 96, bytes: 2 },
        owner: OwnerLink::Generator(88),
        entry: EntryMark::Every,
        life: LifeMark::State {
            offset: 108,
            running: 0,
        },
        value_stack: Some(ValueStackLink {
            pointer: 64,
            code_depth: 32,
        }),
    },
    code: CodeLayout {
        size: 176,
        bytecode: BytecodeLink::Bytes { code: 48 },
        firstlineno: 40,
        filename: 104,
        qualname: 112,
        linetable: 120,
        lines: LineFormat::Pairs,
        constant: [Span(8, 128), Span(128, 128)],
        identity: Identity::Name,
    },
    object: ObjectLayout::ALL,
    text: TextLayout::WITH_WCHAR,
};
