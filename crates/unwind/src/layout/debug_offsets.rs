//! Reads the offsets that CPython 3.13 and later export at the start of `_PyRuntime`.
//!
//! # Where this sits
//! Called once at attach. The process's own table is put over the built-in one, because patch
//! releases and builds move fields. It is input like any other: bounded here, then validated as
//! a whole by [`Layout::validate`](super::Layout::validate).
//!
//! # Contract
//! A field that is not exported is derived from an exported neighbour where the two are known to
//! move together (`datastack_top` follows `datastack_chunk`), else taken from the built-in table.
//!
//! # Sources
//! `struct _Py_DebugOffsets`, `Include/internal/pycore_runtime.h` (3.13), `pycore_debug_offsets.h`
//! (3.14, 3.15).

use super::{
    BytecodeLink, FrameLink, GilLayout, InstructionLink, Layout, LifeMark, OsThreadIdLink, OwnerLink,
    StackLink,
};
use crate::ids::PythonVersion;
use crate::memory::Fields;

/// First bytes of the table.
pub(crate) const COOKIE: &[u8; 8] = b"xdebugpy";
const VERSION_WORD: usize = 1;
const FREE_THREADED_WORD: usize = 2;

/// Which 8-byte word of the table of one minor release holds which offset.
#[derive(Debug)]
pub(crate) struct Words {
    /// Words in the table.
    pub(crate) length: usize,
    pub(crate) interpreters_head: usize,
    pub(crate) interpreter_id: usize,
    pub(crate) interpreter_next: usize,
    pub(crate) threads_head: usize,
    pub(crate) gil: GilWords,
    pub(crate) thread_size: usize,
    pub(crate) thread_next: usize,
    pub(crate) thread_interp: usize,
    pub(crate) current_frame: usize,
    pub(crate) thread_id: usize,
    pub(crate) native_thread_id: usize,
    pub(crate) datastack_chunk: usize,
    pub(crate) frame_size: usize,
    pub(crate) frame_previous: usize,
    pub(crate) frame_executable: usize,
    pub(crate) frame_instr_ptr: usize,
    pub(crate) frame_owner: usize,
    pub(crate) code_filename: usize,
    pub(crate) code_qualname: usize,
    pub(crate) code_linetable: usize,
    pub(crate) code_firstlineno: usize,
    pub(crate) co_code_adaptive: usize,
    pub(crate) ob_type: usize,
    pub(crate) bytes_size: usize,
    pub(crate) bytes_data: usize,
    pub(crate) text_state: usize,
    pub(crate) text_length: usize,
    pub(crate) ascii_size: usize,
}

/// Which words say where the holder of the GIL is found.
#[derive(Debug)]
pub(crate) enum GilWords {
    /// The pointer to the GIL in use; and the interpreter's own GIL, with its parts, from whose
    /// distances the fields of any GIL follow.
    Interpreter {
        ceval_gil: usize,
        own: usize,
        locked: usize,
        holder: usize,
    },
    Thread {
        holds: usize,
        requested: usize,
    },
}

/// Why a table was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A free-threaded build.
    FreeThreaded,
    /// A field that is missing or out of bounds.
    Field(&'static str),
}

/// Puts the exported offsets in `table` over `layout`, and validates the result.
pub(crate) fn apply(
    mut layout: Layout,
    words: &Words,
    table: &[u8],
    version: PythonVersion,
) -> Result<Layout, Refusal> {
    if table.get(..COOKIE.len()) != Some(&COOKIE[..]) {
        return Err(Refusal::Field("cookie"));
    }
    let raw = |word: usize| table.word(word * 8);
    let stated = PythonVersion::from_hex(raw(VERSION_WORD).ok_or(Refusal::Field("version"))?);
    if (stated.major, stated.minor) != (version.major, version.minor) {
        return Err(Refusal::Field("version"));
    }
    if raw(FREE_THREADED_WORD) != Some(0) {
        return Err(Refusal::FreeThreaded);
    }
    if table.len() < words.length * 8 {
        return Err(Refusal::Field("length"));
    }
    let get = |word: usize| -> usize {
        // Out of range becomes a value that no bound of `validate` admits.
        raw(word)
            .and_then(|value| usize::try_from(value).ok())
            .unwrap_or(usize::MAX)
    };

    layout.runtime.interpreters_head = get(words.interpreters_head);
    layout.interpreter.id = get(words.interpreter_id);
    layout.interpreter.next = get(words.interpreter_next);
    layout.interpreter.threads_head = get(words.threads_head);

    match (&mut layout.gil, &words.gil) {
        (
            gil @ GilLayout::Interpreter { .. },
            GilWords::Interpreter {
                ceval_gil,
                own,
                locked,
                holder,
            },
        ) => {
            *gil = GilLayout::Interpreter {
                pointer: get(*ceval_gil),
                last_holder: get(*holder).wrapping_sub(get(*own)),
                locked: get(*locked).wrapping_sub(get(*own)),
            };
        }
        (
            GilLayout::Thread { holds, requested },
            GilWords::Thread {
                holds: h,
                requested: r,
            },
        ) => {
            (*holds, *requested) = (get(*h), get(*r));
        }
        _ => return Err(Refusal::Field("gil")),
    }

    let thread = &mut layout.thread;
    let mut last = thread.id;
    if let StackLink::Chunks {
        datastack_chunk,
        datastack_top,
        ..
    } = &mut thread.stack
    {
        let moved_by = get(words.datastack_chunk).wrapping_sub(*datastack_chunk);
        *datastack_chunk = get(words.datastack_chunk);
        *datastack_top = datastack_top.wrapping_add(moved_by);
        thread.context = thread.context.wrapping_add(moved_by);
        last = last.max(*datastack_top).max(thread.context);
    }
    if let OsThreadIdLink::Field { native_thread_id } = &mut thread.os_thread_id {
        *native_thread_id = get(words.native_thread_id);
        last = last.max(*native_thread_id);
    }
    thread.next = get(words.thread_next);
    thread.interp = get(words.thread_interp);
    thread.thread_id = get(words.thread_id);
    if let FrameLink::Thread { current_frame } = &mut thread.frame_link {
        *current_frame = get(words.current_frame);
    }
    thread.head = last.saturating_add(8).min(get(words.thread_size));

    let frame = &mut layout.frame;
    frame.previous = get(words.frame_previous);
    frame.code = get(words.frame_executable);
    let instruction = get(words.frame_instr_ptr);
    frame.instruction = InstructionLink::Pointer(instruction);
    let owner = get(words.frame_owner);
    frame.owner = OwnerLink::Byte(owner);
    let mut last = frame.previous.max(frame.code).max(instruction).max(owner);
    if let LifeMark::Depth { stacktop } = &mut frame.life {
        *stacktop = instruction.saturating_add(8);
        last = last.max(*stacktop);
    }
    frame.head = (last | 7).saturating_add(1).min(get(words.frame_size));

    let code = &mut layout.code;
    let code_grown_by = get(words.co_code_adaptive).wrapping_sub(code.size);
    code.size = get(words.co_code_adaptive);
    if let BytecodeLink::Inline { firsttraceable } = &mut code.bytecode {
        *firsttraceable = firsttraceable.wrapping_add(code_grown_by);
    }
    code.filename = get(words.code_filename);
    code.qualname = get(words.code_qualname);
    code.linetable = get(words.code_linetable);
    code.firstlineno = get(words.code_firstlineno);

    layout.object.ob_type = get(words.ob_type);
    layout.object.ob_size = get(words.bytes_size);
    layout.object.bytes_data = get(words.bytes_data);
    let compact_extra = layout.text.compact_data - layout.text.ascii_data;
    layout.text.state = get(words.text_state);
    layout.text.length = get(words.text_length);
    layout.text.ascii_data = get(words.ascii_size);
    layout.text.compact_data = layout.text.ascii_data.saturating_add(compact_extra);

    layout.validate().map_err(Refusal::Field)?;
    Ok(layout)
}

#[cfg(test)]
mod tests {
    use super::super::{Source, v3_13};
    use super::*;

    const V3_13: PythonVersion = PythonVersion {
        major: 3,
        minor: 13,
        patch: 0,
    };

    /// The table of a real 3.13.0, as far as this crate reads it.
    fn table() -> Vec<u8> {
        let mut words = [0_u64; 73];
        words[0] = u64::from_le_bytes(*COOKIE);
        words[VERSION_WORD] = 0x030d_00f0;
        for (word, value) in [
            (5, 632),
            (7, 7272),
            (8, 7264),
            (9, 7344),
            (14, 16),
            (15, 7752),
            (17, 7768),
            (18, 7760),
            (19, 304),
            (21, 8),
            (22, 16),
            (23, 72),
            (24, 152),
            (25, 160),
            (26, 232),
            (28, 80),
            (29, 8),
            (30, 0),
            (31, 56),
            (33, 70),
            (35, 112),
            (37, 128),
            (38, 136),
            (39, 68),
            (43, 200),
            (45, 8),
            (65, 16),
            (66, 32),
            (68, 32),
            (69, 16),
            (70, 40),
        ] {
            words[word] = value;
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn apply_table(table: &[u8]) -> Result<Layout, Refusal> {
        let Some(Source::Exported(layout, words)) = Layout::source(V3_13) else {
            panic!("no table")
        };
        apply(layout, words, table, V3_13)
    }

    #[test]
    fn the_exported_table_gives_the_built_in_layout() {
        assert_eq!(apply_table(&table()), Ok(v3_13::LAYOUT));
    }

    #[test]
    fn moved_fields_are_followed() {
        let mut table = table();
        table[26 * 8..27 * 8].copy_from_slice(&240_u64.to_le_bytes());
        let StackLink::Chunks { datastack_top, .. } = apply_table(&table).unwrap().thread.stack else {
            panic!("no chunks")
        };
        assert_eq!(datastack_top, 248);
    }

    #[test]
    fn bad_tables_are_refused() {
        let check = |word: usize, value: u64, expect: Refusal| {
            let mut table = table();
            table[word * 8..word * 8 + 8].copy_from_slice(&value.to_le_bytes());
            assert_eq!(apply_table(&table), Err(expect), "word {word} = {value}");
        };
        check(0, 0, Refusal::Field("cookie"));
        check(1, 0x030e_00f0, Refusal::Field("version"));
        check(2, 1, Refusal::FreeThreaded);
        check(28, 64, Refusal::Field("interpreter_frame.owner"));
        check(33, 4096, Refusal::Field("interpreter_frame.owner"));
        check(43, 1 << 40, Refusal::Field("code_object.co_code_adaptive"));
        assert_eq!(apply_table(&table()[..300]), Err(Refusal::Field("length")));
        assert_eq!(apply_table(&[]), Err(Refusal::Field("cookie")));
    }

    #[test]
    fn any_damage_gives_a_bounded_layout_or_a_refusal() {
        for word in 3..73 {
            for value in [0, 1, 7, 0xffff, u64::from(u32::MAX), u64::MAX, u64::MAX - 7] {
                let mut table = table();
                table[word * 8..word * 8 + 8].copy_from_slice(&value.to_le_bytes());
                if let Ok(layout) = apply_table(&table) {
                    assert_eq!(layout.validate(), Ok(()));
                }
            }
        }
    }
}
