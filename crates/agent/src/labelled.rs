//! What was observed under labels in the open window.
//!
//! # Where this sits
//! Beside the unlabelled stacks of [`crate::windows`], which are most and lie in an array. What is
//! labelled is sparse, so it lies in a map, of at most [`MAX_PLACES`] entries: beyond it samples
//! count without their labels, and are counted as folded.

use std::collections::BTreeMap;

use pyrometer_model::{Block, ProfileKind, StackId};

use crate::label_sets::{self, LabelSetId};
use crate::observed::Slot;

/// Most stacks under labels in one window: about 5 MB.
const MAX_PLACES: usize = 1 << 16;

/// Where a sample belongs: a stack, under the labels in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) labels: LabelSetId,
    pub(crate) stack: StackId,
}

impl From<StackId> for Place {
    fn from(stack: StackId) -> Self {
        Self {
            labels: LabelSetId::default(),
            stack,
        }
    }
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Labelled {
    slots: BTreeMap<Place, Slot>,
}

impl Labelled {
    /// The slot of a place; `None` for one without labels, or when there is no room.
    pub(crate) fn slot(&mut self, place: Place) -> Option<&mut Slot> {
        if place.labels == LabelSetId::default() {
            return None;
        }
        if self.slots.len() >= MAX_PLACES && !self.slots.contains_key(&place) {
            return None;
        }
        Some(self.slots.entry(place).or_default())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (StackId, &Slot)> {
        self.slots.iter().map(|(place, slot)| (place.stack, slot))
    }

    /// One block per label set, of everything since the last time. Remainders stay.
    pub(crate) fn close(&mut self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut labels = LabelSetId::default();
        for (place, slot) in &mut self.slots {
            if blocks.is_empty() || place.labels != labels {
                labels = place.labels;
                let mut block = Block::new(ProfileKind::Sampler);
                block.labels = label_sets::labels(labels);
                blocks.push(block);
            }
            if let Some(block) = blocks.last_mut() {
                block.push(place.stack, &slot.take());
            }
        }
        // A place that is not seen again must not be kept for less than 100 µs of it.
        self.slots.retain(|_, slot| std::mem::take(&mut slot.is_touched));
        blocks.retain(|block| !block.stacks.is_empty());
        blocks
    }

    /// Forgets all: the stacks of a new generation are others.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.slots.len() * (size_of::<Place>() + size_of::<Slot>())
    }
}
