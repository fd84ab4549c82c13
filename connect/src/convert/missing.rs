//! `DataFrame.na` and `DataFrame.stat`: missing values and statistics.

use firesteel_spec::{RelationKind, SparkError, SparkResult};

use super::literal::literal;
use super::{Converter, required, size};
use crate::proto;

impl Converter<'_> {
    pub(super) fn fill_na(&mut self, fill: proto::NaFill) -> SparkResult<RelationKind> {
        if fill.values.is_empty() {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.NA_FILL_VALUES_EMPTY",
                "The Spark Connect plan is invalid. values must contains at least 1 item!",
            ));
        }
        if fill.values.len() > 1 && fill.values.len() != fill.cols.len() {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.NA_FILL_VALUES_LENGTH_MISMATCH",
                "The Spark Connect plan is invalid. When values contains more than 1 items, values and cols should \
                 have the same length!",
            ));
        }
        Ok(RelationKind::FillNa {
            input: self.input(fill.input)?,
            columns: fill.cols,
            values: fill.values.into_iter().map(literal).collect::<SparkResult<_>>()?,
        })
    }

    pub(super) fn drop_na(&mut self, drop: proto::NaDrop) -> SparkResult<RelationKind> {
        Ok(RelationKind::DropNa {
            input: self.input(drop.input)?,
            columns: drop.cols,
            min_non_nulls: drop.min_non_nulls.map(size),
        })
    }

    pub(super) fn replace(&mut self, replace: proto::NaReplace) -> SparkResult<RelationKind> {
        let replacements = replace.replacements.into_iter().map(|replacement| {
            let old = literal(required(replacement.old_value, "NAReplace.Replacement.old_value")?)?;
            let new = literal(required(replacement.new_value, "NAReplace.Replacement.new_value")?)?;
            Ok((old, new))
        });
        let replacements = replacements.collect::<SparkResult<_>>()?;
        Ok(RelationKind::Replace { input: self.input(replace.input)?, columns: replace.cols, replacements })
    }

    pub(super) fn summary(&mut self, summary: proto::StatSummary) -> SparkResult<RelationKind> {
        Ok(RelationKind::Summary { input: self.input(summary.input)?, statistics: summary.statistics })
    }

    pub(super) fn describe(&mut self, describe: proto::StatDescribe) -> SparkResult<RelationKind> {
        Ok(RelationKind::Describe { input: self.input(describe.input)?, columns: describe.cols })
    }

    pub(super) fn crosstab(&mut self, crosstab: proto::StatCrosstab) -> SparkResult<RelationKind> {
        let input = self.input(crosstab.input)?;
        Ok(RelationKind::Crosstab { input, left: crosstab.col1, right: crosstab.col2 })
    }

    pub(super) fn covariance(&mut self, covariance: proto::StatCov) -> SparkResult<RelationKind> {
        let input = self.input(covariance.input)?;
        Ok(RelationKind::Covariance { input, left: covariance.col1, right: covariance.col2 })
    }

    pub(super) fn correlation(&mut self, correlation: proto::StatCorr) -> SparkResult<RelationKind> {
        Ok(RelationKind::Correlation {
            input: self.input(correlation.input)?,
            left: correlation.col1,
            right: correlation.col2,
            method: correlation.method,
        })
    }

    pub(super) fn approx_quantile(&mut self, quantile: proto::StatApproxQuantile) -> SparkResult<RelationKind> {
        Ok(RelationKind::ApproxQuantile {
            input: self.input(quantile.input)?,
            columns: quantile.cols,
            probabilities: quantile.probabilities,
            relative_error: quantile.relative_error,
        })
    }

    pub(super) fn freq_items(&mut self, items: proto::StatFreqItems) -> SparkResult<RelationKind> {
        /// Spark's default.
        const SUPPORT: f64 = 0.01;
        Ok(RelationKind::FrequentItems {
            input: self.input(items.input)?,
            columns: items.cols,
            support: items.support.unwrap_or(SUPPORT),
        })
    }

    pub(super) fn sample_by(&mut self, sample: proto::StatSampleBy) -> SparkResult<RelationKind> {
        let fractions = sample.fractions.into_iter().map(|fraction| {
            Ok((literal(required(fraction.stratum, "StatSampleBy.Fraction.stratum")?)?, fraction.fraction))
        });
        let fractions = fractions.collect::<SparkResult<_>>()?;
        Ok(RelationKind::SampleBy {
            input: self.input(sample.input)?,
            column: self.boxed(sample.col, "StatSampleBy.col")?,
            fractions,
            seed: sample.seed,
        })
    }
}
