//! The labels in force in a thread: what its context variable stands for.
//!
//! Costs nothing until code of the program has entered a label for the first time; then one system
//! call for each stack that is read.

use std::collections::HashMap;

use pyrometer_unwind::{Address, ContextReader, OwnProcess, Target, ThreadSnapshot};

use crate::label_sets::{self, LabelSetId};

/// Reads labels. Remembers what each object stands for.
#[derive(Debug, Default)]
pub(super) struct ThreadLabels {
    reader: ContextReader,
    known: HashMap<Address, LabelSetId>,
}

impl ThreadLabels {
    /// The labels in force in a thread right now. None for a value that is no label set of ours, as
    /// in a context that changes just now.
    pub(super) fn of(&mut self, target: &Target<OwnProcess>, thread: &ThreadSnapshot) -> LabelSetId {
        let value = label_sets::variable().and_then(|variable| self.reader.value(target, thread, variable));
        let Some(object) = value else {
            return LabelSetId::default();
        };
        if let Some(id) = self.known.get(&object) {
            return *id;
        }
        let id = label_sets::id_of(object).unwrap_or_default();
        if id != LabelSetId::default() {
            self.known.insert(object, id);
        }
        id
    }
}
