//! Distances in buckets: exact up to 64, within 1/64 beyond, from 1 to 2^40.

const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;
/// Distances beyond it count as this.
const MOST: u64 = 1 << 40;

/// How often each distance came, with fractional weights.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    weights: Vec<f64>,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self {
            weights: vec![0.0; bucket(MOST) + 1],
        }
    }

    pub(super) fn add(&mut self, distance: u64, weight: f64) {
        self.weights[bucket(distance.clamp(1, MOST))] += weight;
    }

    pub(super) fn scale(&mut self, factor: f64) {
        self.weights.iter_mut().for_each(|weight| *weight *= factor);
    }

    /// Weight of the distances up to `distance`; of the bucket that it lies in, a proportional part.
    pub(super) fn up_to(&self, distance: u64) -> f64 {
        match distance {
            0 => return 0.0,
            MOST.. => return self.weights.iter().sum(),
            _ => {}
        }
        let last = bucket(distance);
        let (first, width) = range(last);
        let part = (distance + 1 - first) as f64 / width as f64;
        self.weights[..last].iter().sum::<f64>() + self.weights[last] * part
    }
}

fn bucket(distance: u64) -> usize {
    let octave = distance.max(SUB).ilog2() - SUB_BITS;
    ((u64::from(octave) << SUB_BITS) + (distance >> octave)) as usize
}

/// First distance of a bucket, and how many it has.
fn range(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    let octave = (bucket >> SUB_BITS).saturating_sub(1);
    ((bucket - (octave << SUB_BITS)) << octave, 1 << octave)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distance_is_in_the_bucket_that_says_so() {
        for distance in (0..40).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) * 3 / 2]) {
            let (first, width) = range(bucket(distance));
            assert!(
                (first..first + width).contains(&distance),
                "{distance}: {first} {width}"
            );
        }
        for place in 1..bucket(MOST) {
            let (first, width) = range(place);
            assert_eq!((bucket(first), bucket(first + width - 1)), (place, place));
        }
    }

    #[test]
    fn sums_are_exact_for_small_distances() {
        let mut histogram = Histogram::new();
        (1..=100).for_each(|distance| histogram.add(distance, 2.0));
        assert_eq!((histogram.up_to(0), histogram.up_to(50)), (0.0, 100.0));
        assert_eq!(histogram.up_to(u64::MAX), 200.0);
        histogram.add(u64::MAX, 1.0);
        assert_eq!(histogram.up_to(u64::MAX), 201.0);
    }
}
