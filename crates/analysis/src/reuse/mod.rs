//! The hit rate of a least-recently-used cache of every size, from one pass over the keys.
//!
//! # Where this sits
//! The cache recorder feeds it the digest of each call's arguments. A call hits a cache of `maxsize`
//! entries if fewer than `maxsize` other keys came since the last call with the same key: its reuse
//! distance is at most `maxsize`. So a histogram of distances holds the answer for all sizes.
//!
//! # Contract
//! - Sizes up to [`EXACT`] are exact, whatever the number of keys.
//! - Larger ones are exact too until [`TRACKED`] keys have been seen; from then on the keys are
//!   sampled and the rate is an estimate, with [`ReuseCurve::error`] as its standard error.
//! - Memory is bounded: about 750 KiB, whatever comes. A key costs 100 to 300 ns.
//!
//! # Sources
//! Mattson et al., Evaluation techniques for storage hierarchies (1970); Waldspurger et al.,
//! Efficient MRC construction with SHARDS (2015): fixed size, with their count correction.

mod histogram;
mod recency;
mod sampled;

use recency::Recency;
use sampled::Sampled;

/// Largest cache size whose hit rate is always exact. `lru_cache` has 128 entries by default.
pub const EXACT: usize = 1024;
/// Keys followed for larger sizes.
pub const TRACKED: usize = 8192;

/// Everything known of one sequence of keys.
#[derive(Clone, Debug)]
pub struct ReuseCurve {
    accesses: u64,
    recent: Recency,
    /// How many accesses had the distance 1, 2, …, [`EXACT`].
    exact: Vec<u64>,
    sampled: Sampled,
}

impl Default for ReuseCurve {
    fn default() -> Self {
        Self {
            accesses: 0,
            recent: Recency::new(EXACT),
            exact: vec![0; EXACT],
            sampled: Sampled::new(TRACKED),
        }
    }
}

impl ReuseCurve {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next key, by a digest that is as good as random in all 64 bits.
    pub fn access(&mut self, digest: u64) {
        self.accesses += 1;
        if let Some(distance) = self.recent.access(digest) {
            self.exact[distance - 1] += 1;
        }
        self.sampled.access(digest);
    }

    /// How many keys came, repetitions included.
    #[must_use]
    pub fn accesses(&self) -> u64 {
        self.accesses
    }

    /// How many different keys came, about; exactly up to [`TRACKED`].
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.sampled.distinct()
    }

    /// Share of accesses, 0 to 1, that a cache of this size would have answered.
    #[must_use]
    pub fn hit_rate(&self, maxsize: u64) -> f64 {
        if self.accesses == 0 {
            return 0.0;
        }
        let near = usize::try_from(maxsize).unwrap_or(EXACT).min(EXACT);
        let hits: u64 = self.exact[..near].iter().sum();
        let exact = hits as f64 / self.accesses as f64;
        if maxsize as usize <= EXACT {
            exact
        } else {
            // A larger cache never hits less.
            exact.max(self.sampled.hit_rate(maxsize)).min(1.0)
        }
    }

    /// Standard error of [`ReuseCurve::hit_rate`] beyond [`EXACT`], 0 to 0.5.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.sampled.error()
    }

    /// The hit rate of a cache that never forgets.
    #[must_use]
    pub fn best(&self) -> f64 {
        self.hit_rate(u64::MAX)
    }

    /// The smallest size whose hit rate is within `margin` of the best one; `None` where there is
    /// nothing to hit.
    #[must_use]
    pub fn advised_maxsize(&self, margin: f64) -> Option<u64> {
        let wanted = self.best() - margin;
        if self.best() <= 0.0 || wanted <= 0.0 {
            return None;
        }
        // The rate never falls with the size, so the first good one is found by halving.
        let (mut low, mut high) = (1, self.distinct().max(1));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.hit_rate(middle) >= wanted {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }

    /// Sizes with their hit rates, four to an octave, from 1 to the number of distinct keys.
    #[must_use]
    pub fn points(&self) -> Vec<(u64, f64)> {
        let last = self.distinct();
        let mut sizes: Vec<u64> = (0..)
            .map(|step| 2_f64.powf(f64::from(step) / 4.0).round() as u64)
            .take_while(|&size| size < last)
            .collect();
        sizes.extend((last > 0).then_some(last));
        sizes.dedup();
        sizes
            .into_iter()
            .map(|size| (size, self.hit_rate(size)))
            .collect()
    }
}
