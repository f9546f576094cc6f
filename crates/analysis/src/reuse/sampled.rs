//! Reuse distances of a sample of the keys, the same keys every time.
//!
//! A key belongs to the sample while a hash of it lies below a threshold. Once more than `capacity`
//! keys do, the threshold falls, so memory stays the same while the share of sampled keys shrinks.
//! Between two accesses to a sampled key there are `1 / share` times as many keys as sampled ones.

use std::collections::BinaryHeap;

use super::histogram::Histogram;
use super::recency::Recency;

/// Thresholds and hashes are below 2^32.
const ALL: u64 = 1 << 32;

/// See the head of this file.
#[derive(Clone, Debug)]
pub(super) struct Sampled {
    capacity: usize,
    accesses: u64,
    threshold: u64,
    recent: Recency,
    /// Hashes of the sampled keys, the largest first out.
    by_hash: BinaryHeap<(u64, u64)>,
    distances: Histogram,
    /// Accesses to sampled keys, in today's share.
    weight: f64,
}

impl Sampled {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            accesses: 0,
            threshold: ALL,
            // It never forgets by itself: keys leave by their hash.
            recent: Recency::new(capacity + 1),
            by_hash: BinaryHeap::new(),
            distances: Histogram::new(),
            weight: 0.0,
        }
    }

    pub(super) fn access(&mut self, key: u64) {
        self.accesses += 1;
        let hash = hash(key);
        if hash >= self.threshold {
            return;
        }
        self.weight += 1.0;
        match self.recent.access(key) {
            Some(distance) => {
                let scaled = (distance as f64 / self.share()).round() as u64;
                self.distances.add(scaled, 1.0);
            }
            None => {
                self.by_hash.push((hash, key));
                if self.by_hash.len() > self.capacity {
                    self.lower_threshold();
                }
            }
        }
    }

    fn share(&self) -> f64 {
        self.threshold as f64 / ALL as f64
    }

    fn lower_threshold(&mut self) {
        let Some(&(largest, _)) = self.by_hash.peek() else {
            return;
        };
        while let Some(&(hash, key)) = self.by_hash.peek()
            && hash >= largest
        {
            self.by_hash.pop();
            self.recent.remove(key);
        }
        let factor = largest as f64 / self.threshold as f64;
        self.distances.scale(factor);
        self.weight *= factor;
        self.threshold = largest;
    }

    pub(super) fn distinct(&self) -> u64 {
        (self.recent.len() as f64 / self.share()).round() as u64
    }

    /// What the sample says of a cache of this size.
    ///
    /// A few keys that come all the time may be in the sample or not. How many accesses the sample
    /// should have had is known, so the difference is counted as hits at the smallest distance,
    /// where such keys are (the correction of SHARDS).
    pub(super) fn hit_rate(&self, maxsize: u64) -> f64 {
        let expected = self.accesses as f64 * self.share();
        if expected <= 0.0 {
            return 0.0;
        }
        let missing = expected - self.weight;
        ((self.distances.up_to(maxsize) + missing) / expected).clamp(0.0, 1.0)
    }

    /// Standard error of the hit rate: none while all keys are followed.
    pub(super) fn error(&self) -> f64 {
        if self.threshold == ALL {
            0.0
        } else {
            0.5 / (self.recent.len().max(1) as f64).sqrt()
        }
    }
}

/// 32 bits that are independent of those by which hash tables place the digest
/// (the finaliser of splitmix64, Steele et al. 2014).
fn hash(digest: u64) -> u64 {
    let mut mixed = digest.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 32
}
