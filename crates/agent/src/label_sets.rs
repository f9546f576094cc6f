//! The label sets that code of the program has entered, by the address of the object that stands
//! for each.
//!
//! # Where this sits
//! `pyrometer.label(...)` sets a context variable to an object that stands for all labels in force;
//! the sampler reads the variable's value, an address, and asks here what it means.
//!
//! # Contract
//! - Append-only, without a lock: written with the GIL held, read at any time, the same after a fork.
//! - At most [`MAX_SETS`] sets in the life of a process. Their objects must live as long.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyrometer_model::Labels;
use pyrometer_unwind::{Address, ContextVariable};

/// Most label sets of one process. What comes later shares [`OVERFLOW`].
pub const MAX_SETS: usize = 1024;

/// A label set by its number in this process; 0 is the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelSetId(pub u32);

struct Entry {
    object: Address,
    labels: Labels,
}

static VARIABLE: OnceLock<ContextVariable> = OnceLock::new();
static SETS: [OnceLock<Entry>; MAX_SETS] = [const { OnceLock::new() }; MAX_SETS];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Names the `ContextVar` that label sets are entered by: its address, and its `hash()`. Once in the
/// life of a process, and it must live as long.
pub fn set_variable(address: u64, hash: i64) {
    let _ = VARIABLE.set(ContextVariable::new(Address(address), hash));
}

/// The variable, as soon as there is a set that it could have as its value.
#[must_use]
pub fn variable() -> Option<ContextVariable> {
    (COUNT.load(Ordering::Acquire) > 0).then(|| VARIABLE.get().copied())?
}

/// Adds a set, which the object at this address stands for from now on. False when there is no room.
///
/// To be called with the GIL held: two calls at the same time would take the same place.
pub fn add(object: u64, labels: Labels) -> bool {
    let object = Address(object);
    let place = COUNT.load(Ordering::Relaxed);
    let Some(slot) = SETS.get(place) else {
        return false;
    };
    let added = slot.set(Entry { object, labels }).is_ok();
    COUNT.store(place + 1, Ordering::Release);
    added
}

/// The set that an object stands for. A scan of at most [`MAX_SETS`] entries: samplers remember.
#[must_use]
pub fn id_of(object: Address) -> Option<LabelSetId> {
    let count = COUNT.load(Ordering::Acquire);
    let place = SETS[..count]
        .iter()
        .position(|slot| slot.get().is_some_and(|entry| entry.object == object))?;
    Some(LabelSetId(place as u32 + 1))
}

/// The labels of a set; none of [`LabelSetId`] 0 and of one that does not exist.
#[must_use]
pub fn labels(id: LabelSetId) -> Labels {
    let place = (id.0 as usize).checked_sub(1);
    let entry = place.and_then(|place| SETS.get(place)?.get());
    entry.map(|entry| entry.labels.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_found_by_their_object_until_there_is_no_room() {
        assert_eq!(variable(), None);
        let wanted = |n: usize| Labels::from_iter([("n".to_owned(), n.to_string())]);
        for place in 0..MAX_SETS {
            assert!(add(place as u64 * 16 + 16, wanted(place)));
        }
        assert!(!add(8, wanted(0)));
        assert_eq!(id_of(Address(16)), Some(LabelSetId(1)));
        assert_eq!(id_of(Address(8)), None);
        assert_eq!(labels(id_of(Address(32)).unwrap()), wanted(1));
        assert_eq!(labels(LabelSetId(0)), Labels::new());
        assert_eq!(labels(LabelSetId(u32::MAX)), Labels::new());
    }
}
