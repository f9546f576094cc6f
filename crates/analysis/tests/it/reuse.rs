//! Hit rates against caches that really run.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use pyrometer_analysis::ReuseCurve;
use pyrometer_analysis::reuse::EXACT;

/// A cache as `functools.lru_cache` is one.
struct Lru {
    maxsize: usize,
    turn: u64,
    by_key: HashMap<u64, u64>,
    by_turn: BTreeMap<u64, u64>,
}

impl Lru {
    fn hits(maxsize: usize, keys: &[u64]) -> usize {
        let mut cache = Self {
            maxsize,
            turn: 0,
            by_key: HashMap::new(),
            by_turn: BTreeMap::new(),
        };
        keys.iter().filter(|&&key| cache.access(key)).count()
    }

    fn access(&mut self, key: u64) -> bool {
        self.turn += 1;
        let before = self.by_key.insert(key, self.turn);
        if let Some(before) = before {
            self.by_turn.remove(&before);
        }
        self.by_turn.insert(self.turn, key);
        if self.by_key.len() > self.maxsize
            && let Some((_, oldest)) = self.by_turn.pop_first()
        {
            self.by_key.remove(&oldest);
        }
        before.is_some()
    }
}

/// A digest, as the recorder makes it: all bits look random.
fn digest(key: u64) -> u64 {
    let mixed = (key ^ (key >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn curve_of(keys: &[u64]) -> ReuseCurve {
    let mut curve = ReuseCurve::new();
    keys.iter().for_each(|&key| curve.access(digest(key)));
    curve
}

/// Largest difference from real caches, in points, over the sizes of interest.
fn worst(name: &str, keys: &[u64]) -> f64 {
    let curve = curve_of(keys);
    let mut worst = 0_f64;
    for maxsize in [
        1, 2, 16, 100, 128, 512, EXACT, 1500, 2048, 3000, 4096, 10_000, 50_000,
    ] {
        let real = Lru::hits(maxsize, keys) as f64 / keys.len() as f64;
        let found = curve.hit_rate(maxsize as u64);
        if maxsize <= EXACT {
            assert!(
                (real - found).abs() < 1e-12,
                "{name} {maxsize}: {found} for {real}"
            );
        }
        worst = worst.max(100.0 * (real - found).abs());
    }
    println!("{name}: {worst:.2} points, error {:.4}", curve.error());
    worst
}

/// Keys by Zipf's law: rank r with weight 1 / r^s.
fn zipf(count: usize, keys: usize, s: f64) -> Vec<u64> {
    let mut sums = Vec::with_capacity(keys);
    let mut sum = 0.0;
    for rank in 1..=keys {
        sum += (rank as f64).powf(-s);
        sums.push(sum);
    }
    let mut random = Random(7);
    (0..count)
        .map(|_| {
            let wanted = random.unit() * sum;
            sums.partition_point(|&sum| sum < wanted) as u64
        })
        .collect()
}

#[test]
fn few_keys_are_exact_at_every_size() {
    for keys in [zipf(50_000, 1_000, 0.9), zipf(50_000, 8_000, 0.5)] {
        // Beyond the exact sizes a bucket is 1/64 wide.
        assert!(worst("few keys", &keys) < 0.5);
    }
}

#[test]
fn many_keys_are_within_three_points() {
    let loops = |length: u64| (0..150_000).map(|step| step % length).collect::<Vec<u64>>();
    let scans: Vec<u64> = (0..150_000_u64)
        .map(|step| {
            if step % 3 == 0 {
                1_000_000 + step
            } else {
                step % 700
            }
        })
        .collect();
    for (name, keys) in [
        ("zipf 0.8", zipf(150_000, 100_000, 0.8)),
        ("zipf 1.1", zipf(150_000, 100_000, 1.1)),
        ("uniform", zipf(150_000, 40_000, 0.0)),
        ("loop of 3600", loops(3_600)),
        ("scan", scans),
    ] {
        assert!(worst(name, &keys) < 3.0, "{name}");
    }
}

#[test]
fn the_advised_size_is_the_smallest_good_one() {
    // Fifty keys in turn: 49 entries never hit, 50 always.
    let keys: Vec<u64> = (0..10_000).map(|step| step % 50).collect();
    let curve = curve_of(&keys);
    assert_eq!((curve.accesses(), curve.distinct()), (10_000, 50));
    assert_eq!(curve.hit_rate(49), 0.0);
    assert!((curve.best() - 0.995).abs() < 1e-9);
    assert_eq!(curve.advised_maxsize(0.02), Some(50));
    assert_eq!(curve.points().last(), Some(&(50, curve.best())));
}

#[test]
fn nothing_to_hit_gives_no_advice() {
    assert_eq!(ReuseCurve::new().advised_maxsize(0.02), None);
    assert_eq!(ReuseCurve::new().points(), []);
    let curve = curve_of(&(0..5_000).collect::<Vec<u64>>());
    assert_eq!((curve.best(), curve.advised_maxsize(0.02)), (0.0, None));
}

proptest! {
    #[test]
    fn any_short_sequence_is_exact_and_never_falls(keys in prop::collection::vec(0_u64..40, 1..300)) {
        let curve = curve_of(&keys);
        let mut last = 0.0;
        for maxsize in 1..45 {
            let real = Lru::hits(maxsize, &keys) as f64 / keys.len() as f64;
            let found = curve.hit_rate(maxsize as u64);
            prop_assert!((real - found).abs() < 1e-12);
            prop_assert!(found >= last);
            last = found;
        }
    }
}
