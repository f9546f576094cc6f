//! One worker's tables on their way into a store.
//!
//! A worker numbers its functions and stacks as it meets them; a store numbers them again, per place
//! that holds them (a day file). The session keeps the worker's tables, checks that an answer fits
//! them, and remembers where each stack went. It lives in memory: after a restart the collector
//! asks for the full tables again.

use std::collections::{BTreeMap, HashMap};

use pyrometer_model::{Function, FunctionId, Generation, Labels, StackId, StackNode, Window, Worker};

use crate::Totals;
use crate::trie::Trie;

/// Most labels of one block.
pub const MAX_BLOCK_LABELS: usize = 64;

/// Most of anything in one block: a thousand threads for a week. Larger sums are damage, and would
/// in the end overflow the sums of a day.
const MAX_WINDOW_SUM: u64 = 1 << 50;

/// Places (day files) that a session remembers at once: today's and the one before.
const MAX_PLACES: usize = 2;

/// Why an answer does not fit what came before. Ask again for the full tables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// Another process answers at this address.
    #[error("another incarnation answers: {0}")]
    Incarnation(String),
    /// Table entries begin after what is known.
    #[error("the tables of generation {generation} do not continue what was delivered before")]
    Tables {
        /// The generation.
        generation: u32,
    },
    /// A window refers to a stack that was not delivered.
    #[error("window {seq} refers to stacks that were not delivered")]
    Stack {
        /// The window.
        seq: u64,
    },
    /// A window contradicts itself.
    #[error("window {seq}: {what}")]
    Window {
        /// The window.
        seq: u64,
        /// What does not fit.
        what: &'static str,
    },
}

/// Tables of one generation, in the worker's own numbers.
#[derive(Clone, Debug, Default)]
struct Tables {
    functions: Vec<Function>,
    /// Stack `id` at position `id - 1`.
    stacks: Vec<StackNode>,
}

/// The tables of one incarnation.
#[derive(Debug)]
pub struct Session {
    worker: Worker,
    generations: BTreeMap<u32, Tables>,
    places: HashMap<u64, HashMap<u32, Vec<Option<StackId>>>>,
}

impl Session {
    /// A session that knows nothing yet.
    #[must_use]
    pub fn new(worker: Worker) -> Self {
        Self {
            worker,
            generations: BTreeMap::new(),
            places: HashMap::new(),
        }
    }

    /// Whose session this is.
    #[must_use]
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    /// What need not be sent again: the newest generation, and the ids of the function and the
    /// stack that come next in it.
    #[must_use]
    pub fn have(&self) -> Option<(u32, u32, u32)> {
        let (&number, tables) = self.generations.last_key_value()?;
        Some((
            number,
            tables.functions.len() as u32,
            tables.stacks.len() as u32 + 1,
        ))
    }

    /// Takes in new table entries if they, and the windows, fit. A table that starts at its
    /// beginning replaces what was known of that generation.
    ///
    /// # Errors
    /// [`Misfit`]; the session is unchanged then.
    pub fn accept(
        &mut self,
        worker: &Worker,
        generations: Vec<Generation>,
        windows: &[Window],
    ) -> Result<(), Misfit> {
        if worker.incarnation != self.worker.incarnation || worker.service != self.worker.service {
            return Err(Misfit::Incarnation(worker.incarnation.0.clone()));
        }
        let mut sizes: BTreeMap<u32, usize> = self
            .generations
            .iter()
            .map(|(&number, tables)| (number, tables.stacks.len()))
            .collect();
        for generation in &generations {
            let known = self.generations.get(&generation.number);
            let known = known.map_or((0, 0), |tables| (tables.functions.len(), tables.stacks.len()));
            let from = (
                generation.functions_from as usize,
                (generation.stacks_from as usize).saturating_sub(1),
            );
            let seen_twice = generations
                .iter()
                .filter(|other| other.number == generation.number)
                .count()
                > 1;
            if !generation.is_well_formed() || seen_twice || (from != known && from != (0, 0)) {
                return Err(Misfit::Tables {
                    generation: generation.number,
                });
            }
            sizes.insert(generation.number, from.1 + generation.stacks.len());
        }
        if let Some(pair) = windows.windows(2).find(|pair| pair[0].seq >= pair[1].seq) {
            return Err(Misfit::Window {
                seq: pair[1].seq,
                what: "it does not follow the one before",
            });
        }
        for window in windows {
            check_window(window, sizes.get(&window.generation).copied())?;
        }
        generations
            .into_iter()
            .for_each(|generation| self.extend(generation));
        let oldest_used = windows
            .iter()
            .map(|window| window.generation)
            .min()
            .unwrap_or(u32::MAX);
        let newest = self.generations.last_key_value().map_or(0, |(&number, _)| number);
        let keep = oldest_used.min(newest);
        self.generations.retain(|&number, _| number >= keep);
        self.places
            .values_mut()
            .for_each(|place| place.retain(|&number, _| number >= keep));
        Ok(())
    }

    fn extend(&mut self, new: Generation) {
        let tables = self.generations.entry(new.number).or_default();
        if new.functions_from == 0 && new.stacks_from == 1 {
            *tables = Tables::default();
            self.places.values_mut().for_each(|place| {
                place.remove(&new.number);
            });
        }
        tables.functions.extend(new.functions);
        tables.stacks.extend(new.stacks);
    }

    /// The labels of a block's series. Who the worker is cannot be overridden by its own labels.
    pub(crate) fn series_labels(&self, block: &Labels) -> Labels {
        let mut worker = self.worker.clone();
        block
            .iter()
            .for_each(|(name, value)| worker.labels.set(name, value));
        worker
            .series_labels()
            .with("incarnation", self.worker.incarnation.0.as_str())
    }

    /// The number that a worker's stack has in `trie`, which belongs to `place`; new or old.
    /// `None` if the worker never delivered it.
    pub(crate) fn stack_in(
        &mut self,
        place: u64,
        trie: &mut Trie,
        generation: u32,
        stack: StackId,
    ) -> Option<StackId> {
        if stack == StackId::ROOT {
            return Some(stack);
        }
        let tables = self.generations.get(&generation)?;
        if !self.places.contains_key(&place) && self.places.len() >= MAX_PLACES {
            self.places.clear();
        }
        let known = self
            .places
            .entry(place)
            .or_default()
            .entry(generation)
            .or_default();
        known.resize(tables.stacks.len() + 1, None);
        known[0] = Some(StackId::ROOT);
        let mut path = Vec::new();
        let mut next = stack;
        let mut found = loop {
            match known.get(next.0 as usize)? {
                Some(found) => break *found,
                None => path.push(next),
            }
            next = tables.stacks[next.0 as usize - 1].parent;
        };
        for step in path.into_iter().rev() {
            let node = tables.stacks[step.0 as usize - 1];
            let FunctionId(function) = node.function;
            let function = trie.functions.intern(tables.functions.get(function as usize)?);
            found = trie.stacks.intern(StackNode {
                parent: found,
                function,
                line: node.line,
            });
            known[step.0 as usize] = Some(found);
        }
        Some(found)
    }

    /// Forgets what was numbered in a place, after a transaction there was taken back.
    pub(crate) fn forget(&mut self, place: u64) {
        self.places.remove(&place);
    }
}

fn check_window(window: &Window, stacks: Option<usize>) -> Result<(), Misfit> {
    let seq = window.seq;
    let misfit = |what| Misfit::Window { seq, what };
    if i64::try_from(window.span.end.0).is_err() || window.span.end < window.span.start {
        return Err(misfit("its time cannot be"));
    }
    if seq == 0 || i64::try_from(seq).is_err() {
        return Err(misfit("its number cannot be"));
    }
    for (position, block) in window.blocks.iter().enumerate() {
        let stacks = stacks.ok_or(Misfit::Stack { seq })?;
        if block.stacks.iter().any(|stack| stack.0 as usize > stacks) {
            return Err(Misfit::Stack { seq });
        }
        let width = block.kind.columns().len();
        let even = block
            .columns
            .iter()
            .all(|column| column.len() == block.stacks.len());
        if block.columns.len() != width || !even {
            return Err(misfit("its columns are not equally long"));
        }
        let sums = Totals::of_columns(block.kind, &block.columns);
        if sums.samples.max(sums.wall_ns).max(sums.cpu_ns).max(sums.wait_ns) > MAX_WINDOW_SUM {
            return Err(misfit("its sums cannot be"));
        }
        if block.labels.len() > MAX_BLOCK_LABELS {
            return Err(misfit("a block has more than 64 labels"));
        }
        let same = |other: &pyrometer_model::Block| other.kind == block.kind && other.labels == block.labels;
        if window.blocks[..position].iter().any(same) {
            return Err(misfit("a label set stands twice"));
        }
    }
    Ok(())
}
