//! Which stacks a thread's CPU time belongs to.
//!
//! How much CPU a thread used is exact: its CPU clock says so. Where, is sampled: a tick that finds
//! the thread executing counts for the stack it has then. At the end of a window the exact time is
//! shared out in proportion to those counts.
//!
//! Giving each tick's stack the CPU since the tick before would be wrong: a worker that served a
//! request in between and waits again now would be charged with it in its wait.

use crate::labelled::Place;

/// One thread's CPU in the open window.
#[derive(Debug, Default)]
pub(crate) struct CpuAccount {
    used_ns: u64,
    /// The stack of every tick that found the thread executing, with the weight of the tick.
    executing: Vec<(Place, u32)>,
}

impl CpuAccount {
    /// The thread has used this much more.
    pub(crate) fn use_ns(&mut self, nanoseconds: u64) {
        self.used_ns += nanoseconds;
    }

    /// A tick found it executing, with this certainty, above 0.
    pub(crate) fn found_executing(&mut self, stack: Place, weight: u32) {
        self.executing.push((stack, weight));
    }

    /// Shares out what was used. A thread that used some but was never found executing keeps it for
    /// the next window.
    pub(crate) fn settle(&mut self, mut add: impl FnMut(Place, u64)) {
        self.executing.sort_unstable();
        let sum = |run: &[(Place, u32)]| run.iter().map(|&(_, weight)| u128::from(weight)).sum::<u128>();
        let total = sum(&self.executing);
        let (mut given, mut seen) = (0_u64, 0_u128);
        for run in self.executing.chunk_by(|one, other| one.0 == other.0) {
            seen += sum(run);
            let due = (u128::from(self.used_ns) * seen / total) as u64;
            add(run[0].0, due - given);
            given = due;
        }
        self.used_ns -= given;
        self.executing.clear();
    }

    /// Shares out everything: the thread has ended, and what is left belongs to its last stack.
    pub(crate) fn settle_for_good(&mut self, last: Option<Place>, mut add: impl FnMut(Place, u64)) {
        self.settle(&mut add);
        if let Some(stack) = last.filter(|_| self.used_ns > 0) {
            add(stack, std::mem::take(&mut self.used_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrometer_model::StackId;

    fn settled(account: &mut CpuAccount) -> Vec<(u32, u64)> {
        let mut shares = Vec::new();
        account.settle(|place, nanoseconds| shares.push((place.stack.0, nanoseconds)));
        shares
    }

    #[test]
    fn time_is_shared_out_to_the_last_nanosecond() {
        let mut account = CpuAccount::default();
        account.use_ns(100);
        for (stack, weight) in [(7, 1024), (3, 1024), (7, 1000), (7, 24)] {
            account.found_executing(StackId(stack).into(), weight);
        }
        assert_eq!(settled(&mut account), [(3, 33), (7, 67)]);
        assert_eq!(settled(&mut account), []);
    }

    #[test]
    fn time_without_a_stack_waits_for_one() {
        let mut account = CpuAccount::default();
        account.use_ns(10);
        assert_eq!(settled(&mut account), []);
        account.use_ns(5);
        account.found_executing(StackId(2).into(), 1);
        assert_eq!(settled(&mut account), [(2, 15)]);
        account.use_ns(4);
        let mut last = Vec::new();
        account.settle_for_good(Some(StackId(9).into()), |place, ns| {
            last.push((place.stack.0, ns))
        });
        assert_eq!(last, [(9, 4)]);
    }
}
