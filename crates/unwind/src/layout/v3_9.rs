//! CPython 3.9, built-in table (taken from the headers of 3.9.18).
//!
//! Frames are objects on the heap, linked by `f_back`; every call goes through C. There is no
//! qualified name, no kernel thread id, and lines are in `co_lnotab`.

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
        head: 120,
        previous: 24,
        code: 32,
        code_tag: 0,
        instruction: InstructionLink::Index {
            offset: 104,
            bytes: 1,
        },
        owner: OwnerLink::Generator(96),
        entry: EntryMark::Every,
        life: LifeMark::State {
            offset: 116,
            running: 1,
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
        lines: LineFormat::Lnotab,
        constant: [Span(8, 128), Span(128, 128)],
        identity: Identity::Name,
    },
    object: ObjectLayout::ALL,
    text: TextLayout::WITH_WCHAR,
};
