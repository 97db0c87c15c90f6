//! Numbers and what is made of them: quantiles of times, medians of runs.

use std::time::Duration;

/// What one run measured, by name, in the order of the report. Names end in their unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    /// Adds a number; what could not be measured (NaN) is left out.
    pub fn put(&mut self, name: &'static str, value: f64) {
        if value.is_finite() {
            self.0.push((name, value));
        }
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A count that is there or nought.
    pub fn count(&self, name: &str) -> f64 {
        self.get(name).unwrap_or(0.0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.0.iter().copied()
    }

    /// The median of each number over the runs in which it was measured.
    pub fn medians(runs: &[Self]) -> Self {
        let mut medians = Self::default();
        for (name, _) in runs.first().map_or(&[][..], |run| &run.0) {
            let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(name)).collect();
            values.sort_by(f64::total_cmp);
            medians.put(name, quantile(&values, 500));
        }
        medians
    }
}

/// The smallest value that `permille` thousandths of an ascending list do not exceed; NaN of an empty one.
pub fn quantile(ascending: &[f64], permille: usize) -> f64 {
    let place = (ascending.len() * permille).div_ceil(1000);
    ascending.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts, bytes and nanoseconds of a run are far below 2^53")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// Milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        for (permille, expected) in [(0, 1.0), (10, 1.0), (500, 50.0), (990, 99.0), (991, 100.0), (1000, 100.0)] {
            assert_eq!(quantile(&hundred, permille).to_bits(), f64::to_bits(expected), "{permille} ‰");
        }
        assert_eq!(quantile(&[7.0], 990).to_bits(), 7.0_f64.to_bits());
        assert!(quantile(&[], 500).is_nan());
    }

    #[test]
    fn the_median_of_three_runs_is_taken_number_by_number() {
        let run = |rate: f64, lost: f64| {
            let mut figures = Figures::default();
            figures.put("accepted_per_s", rate);
            figures.put("lost", lost);
            figures.put("unknown", f64::NAN);
            figures
        };
        let medians = Figures::medians(&[run(3.0, 0.0), run(1.0, 5.0), run(2.0, 0.0)]);
        assert_eq!(medians, run(2.0, 0.0));
        assert_eq!(medians.get("unknown"), None, "what was not measured has no figure");
        assert_eq!(Figures::medians(&[]), Figures::default());
    }
}
