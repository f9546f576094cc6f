//! Checks a layout: every field within its structure, every structure within its bound.
//!
//! # Where this sits
//! The last step of attaching. What it accepts cannot make a reader touch more than
//! [`MAX_STRUCT`](super::MAX_STRUCT) bytes of a structure, wherever the offsets came from.

use super::*;

/// Name as CPython has it, offset, width, and the length of the structure.
type Field = (&'static str, usize, usize, usize);

impl Layout {
    /// Names the first field that does not lie within its structure.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let mut fields = vec![
            (
                "runtime_state.interpreters_head",
                self.runtime.interpreters_head,
                8,
                MAX_STRUCT,
            ),
            ("interpreter_state.id", self.interpreter.id, 8, MAX_INTERPRETER),
            (
                "interpreter_state.next",
                self.interpreter.next,
                8,
                MAX_INTERPRETER,
            ),
            (
                "interpreter_state.threads_head",
                self.interpreter.threads_head,
                8,
                MAX_INTERPRETER,
            ),
        ];
        self.gil_fields(&mut fields);
        self.thread_fields(&mut fields);
        self.frame_fields(&mut fields);
        self.code_fields(&mut fields);
        let Self {
            object, text, code, ..
        } = self;
        fields.extend([
            ("pyobject.ob_type", object.ob_type, 8, code.size),
            (
                "bytes_object.ob_size",
                object.ob_size,
                8,
                object.bytes_data.min(code.size),
            ),
            ("bytes_object.ob_sval", object.bytes_data, 0, MAX_STRUCT),
            ("unicode_object.length", text.length, 8, text.ascii_data),
            ("unicode_object.hash", text.hash, 8, text.ascii_data),
            ("unicode_object.state", text.state, 4, text.ascii_data),
            (
                "unicode_object.asciiobject_size",
                text.ascii_data,
                0,
                text.compact_data,
            ),
            ("unicode_object.size", text.compact_data, 0, MAX_STRUCT),
        ]);
        let outside =
            |&&(_, offset, width, bound): &&Field| offset.checked_add(width).is_none_or(|end| end > bound);
        fields
            .iter()
            .find(outside)
            .map_or(Ok(()), |&(name, ..)| Err(name))
    }

    fn gil_fields(&self, fields: &mut Vec<Field>) {
        match self.gil {
            GilLayout::Runtime { tstate_current } => {
                fields.push(("runtime_state.tstate_current", tstate_current, 8, MAX_STRUCT));
            }
            GilLayout::Interpreter {
                pointer,
                last_holder,
                locked,
            } => fields.extend([
                ("interpreter_state.ceval_gil", pointer, 8, MAX_INTERPRETER),
                ("gil.last_holder", last_holder, 8, MAX_STRUCT),
                ("gil.locked", locked, 4, MAX_STRUCT),
            ]),
            GilLayout::Thread { holds, requested } => fields.extend([
                ("thread_state.holds_gil", holds, 4, self.thread.head),
                ("thread_state.gil_requested", requested, 4, self.thread.head),
            ]),
        }
    }

    fn thread_fields(&self, fields: &mut Vec<Field>) {
        let thread = &self.thread;
        let link = match thread.frame_link {
            FrameLink::CFrame { cframe, .. } => cframe,
            FrameLink::Thread { current_frame } => current_frame,
        };
        fields.extend([
            ("thread_state.size", thread.head, 0, MAX_STRUCT),
            ("thread_state.next", thread.next, 8, thread.head),
            ("thread_state.interp", thread.interp, 8, thread.head),
            ("thread_state.thread_id", thread.thread_id, 8, thread.head),
            ("thread_state.id", thread.id, 8, thread.head),
            ("thread_state.context", thread.context, 8, thread.head),
            ("thread_state.current_frame", link, 8, thread.head),
            match thread.os_thread_id {
                OsThreadIdLink::Field { native_thread_id } => {
                    ("thread_state.native_thread_id", native_thread_id, 8, thread.head)
                }
                OsThreadIdLink::Pthread { runtime_main_thread } => {
                    ("runtime_state.main_thread", runtime_main_thread, 8, MAX_STRUCT)
                }
            },
        ]);
        if let StackLink::Chunks {
            datastack_chunk,
            datastack_top,
            chunk,
        } = thread.stack
        {
            fields.extend([
                ("thread_state.datastack_chunk", datastack_chunk, 8, thread.head),
                ("thread_state.datastack_top", datastack_top, 8, thread.head),
                ("stack_chunk.previous", chunk.previous, 8, chunk.data),
                ("stack_chunk.size", chunk.size, 8, chunk.data),
                ("stack_chunk.top", chunk.top, 8, chunk.data),
                ("stack_chunk.data", chunk.data, 0, MAX_STRUCT),
            ]);
        }
    }

    fn frame_fields(&self, fields: &mut Vec<Field>) {
        let frame = &self.frame;
        let head = frame.head;
        fields.extend([
            ("interpreter_frame.size", head, 0, MAX_STRUCT),
            ("interpreter_frame.previous", frame.previous, 8, head),
            ("interpreter_frame.executable", frame.code, 8, head),
            match frame.instruction {
                InstructionLink::Pointer(offset) => ("interpreter_frame.instr_ptr", offset, 8, head),
                InstructionLink::Index { offset, .. } => ("frame.f_lasti", offset, 4, head),
            },
            match frame.owner {
                OwnerLink::Byte(offset) => ("interpreter_frame.owner", offset, 1, head),
                OwnerLink::Generator(offset) => ("frame.f_gen", offset, 8, head),
            },
        ]);
        if let EntryMark::Flag { is_entry } = frame.entry {
            fields.push(("interpreter_frame.is_entry", is_entry, 1, head));
        }
        match frame.life {
            LifeMark::Depth { stacktop } => fields.push(("interpreter_frame.stacktop", stacktop, 4, head)),
            LifeMark::State { offset, .. } => fields.push(("frame.f_state", offset, 1, head)),
            LifeMark::Code => {}
        }
        if let Some(ValueStackLink { pointer, code_depth }) = frame.value_stack {
            fields.push(("frame.f_valuestack", pointer, 8, head));
            fields.push(("code_object.co_stacksize", code_depth, 4, self.code.size));
        }
    }

    fn code_fields(&self, fields: &mut Vec<Field>) {
        let code = &self.code;
        fields.extend([
            ("code_object.co_code_adaptive", code.size, 0, MAX_STRUCT),
            ("code_object.firstlineno", code.firstlineno, 4, code.size),
            ("code_object.filename", code.filename, 8, code.size),
            ("code_object.qualname", code.qualname, 8, code.size),
            ("code_object.linetable", code.linetable, 8, code.size),
            match code.bytecode {
                BytecodeLink::Inline { firsttraceable } => {
                    ("code_object.firsttraceable", firsttraceable, 4, code.size)
                }
                BytecodeLink::Bytes { code: bytes } => ("code_object.co_code", bytes, 8, code.size),
            },
        ]);
        fields.extend(
            code.constant
                .iter()
                .map(|range| ("code_object.constant", range.1, 0, code.size)),
        );
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
            assert_eq!(source.is_some(), (9..=15).contains(&minor), "3.{minor}");
            if let Some(Source::BuiltIn(layout) | Source::Exported(layout, _)) = source {
                assert_eq!(layout.validate(), Ok(()), "3.{minor}");
            }
        }
    }

    #[test]
    fn a_field_outside_its_structure_is_named() {
        let mut layout = v3_13::LAYOUT;
        layout.frame.owner = OwnerLink::Byte(layout.frame.head);
        assert_eq!(layout.validate(), Err("interpreter_frame.owner"));
        layout.frame.owner = OwnerLink::Byte(usize::MAX);
        assert_eq!(layout.validate(), Err("interpreter_frame.owner"));
    }
}
