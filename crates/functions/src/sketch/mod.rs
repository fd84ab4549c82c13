//! Sketches of Apache DataSketches: HLL, Theta, Tuple and KLL, as columns of bytes. Their bytes are those that Spark's
//! Java library writes, so that sketches of either can be read by the other.
//!
//! HLL, Theta and Tuple give Spark's estimates. KLL drops values by chance, as Spark's does: beyond some 200 values its
//! quantiles are within its error of the true ones, and no two runs agree.

mod accumulate;
mod argument;
mod error;
mod hll;
mod key;
mod kll;
mod kll_query;
mod kll_summary;
mod theta;
mod tuple;
mod tuple_aggregate;
mod tuple_sketch;

use std::sync::Arc;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::aggregate("hll_sketch_agg", hll::sketch_agg),
        Function::aggregate("hll_union_agg", hll::union_agg),
        Function::scalar("hll_sketch_estimate", hll::estimate),
        Function::scalar("hll_union", hll::union),
        Function::aggregate("theta_sketch_agg", theta::sketch_agg),
        Function::aggregate("theta_union_agg", theta::union_agg),
        Function::aggregate("theta_intersection_agg", theta::intersection_agg),
        Function::scalar("theta_sketch_estimate", theta::estimate),
        Function::scalar("theta_union", theta::union),
        Function::scalar("theta_intersection", theta::combine),
        Function::scalar("theta_difference", theta::combine),
        Function::aggregate("tuple_sketch_agg_double", tuple_aggregate::sketch_agg),
        Function::aggregate("tuple_sketch_agg_integer", tuple_aggregate::sketch_agg),
        Function::aggregate("tuple_union_agg_double", tuple_aggregate::union_agg),
        Function::aggregate("tuple_union_agg_integer", tuple_aggregate::union_agg),
        Function::aggregate("tuple_intersection_agg_double", tuple_aggregate::intersection_agg),
        Function::aggregate("tuple_intersection_agg_integer", tuple_aggregate::intersection_agg),
        Function::scalar("tuple_sketch_estimate_double", tuple::query),
        Function::scalar("tuple_sketch_estimate_integer", tuple::query),
        Function::scalar("tuple_sketch_theta_double", tuple::query),
        Function::scalar("tuple_sketch_theta_integer", tuple::query),
        Function::scalar("tuple_sketch_summary_double", tuple::summary),
        Function::scalar("tuple_sketch_summary_integer", tuple::summary),
        Function::scalar("tuple_union_double", tuple::union),
        Function::scalar("tuple_union_integer", tuple::union),
        Function::scalar("tuple_union_theta_double", tuple::union),
        Function::scalar("tuple_union_theta_integer", tuple::union),
        Function::scalar("tuple_intersection_double", tuple::intersection),
        Function::scalar("tuple_intersection_integer", tuple::intersection),
        Function::scalar("tuple_intersection_theta_double", tuple::intersection),
        Function::scalar("tuple_intersection_theta_integer", tuple::intersection),
        Function::scalar("tuple_difference_double", tuple::difference),
        Function::scalar("tuple_difference_integer", tuple::difference),
        Function::scalar("tuple_difference_theta_double", tuple::difference),
        Function::scalar("tuple_difference_theta_integer", tuple::difference),
        Function::aggregate("kll_sketch_agg_bigint", kll::sketch_agg),
        Function::aggregate("kll_sketch_agg_double", kll::sketch_agg),
        Function::aggregate("kll_sketch_agg_float", kll::sketch_agg),
        Function::aggregate("kll_merge_agg_bigint", kll::merge_agg),
        Function::aggregate("kll_merge_agg_double", kll::merge_agg),
        Function::aggregate("kll_merge_agg_float", kll::merge_agg),
        Function::scalar("kll_sketch_merge_bigint", kll_query::merge),
        Function::scalar("kll_sketch_merge_double", kll_query::merge),
        Function::scalar("kll_sketch_merge_float", kll_query::merge),
        Function::scalar("kll_sketch_get_n_bigint", kll_query::count),
        Function::scalar("kll_sketch_get_n_double", kll_query::count),
        Function::scalar("kll_sketch_get_n_float", kll_query::count),
        Function::scalar("kll_sketch_get_quantile_bigint", kll_query::quantile),
        Function::scalar("kll_sketch_get_quantile_double", kll_query::quantile),
        Function::scalar("kll_sketch_get_quantile_float", kll_query::quantile),
        Function::scalar("kll_sketch_get_rank_bigint", kll_query::rank),
        Function::scalar("kll_sketch_get_rank_double", kll_query::rank),
        Function::scalar("kll_sketch_get_rank_float", kll_query::rank),
        Function::scalar("kll_sketch_to_string_bigint", kll_query::text),
        Function::scalar("kll_sketch_to_string_double", kll_query::text),
        Function::scalar("kll_sketch_to_string_float", kll_query::text),
    ],
    implementations: || Implementations {
        scalar: [
            &hll::ESTIMATE,
            &hll::UNION,
            &theta::ESTIMATE,
            &theta::COMBINE,
            &tuple::QUERY,
            &tuple::SUMMARY,
            &tuple::COMBINE,
            &kll_query::MERGE,
            &kll_query::COUNT,
            &kll_query::QUANTILE,
            &kll_query::RANK,
            &kll_query::TEXT,
        ]
        .into_iter()
        .map(|function| Arc::clone(function))
        .collect(),
        aggregate: [
            &hll::SKETCH_AGG,
            &hll::UNION_AGG,
            &theta::SKETCH_AGG,
            &theta::UNION_AGG,
            &theta::INTERSECTION_AGG,
            &tuple_aggregate::SKETCH_AGG,
            &tuple_aggregate::UNION_AGG,
            &tuple_aggregate::INTERSECTION_AGG,
            &kll::SKETCH_AGG,
            &kll::MERGE_AGG,
        ]
        .into_iter()
        .map(|function| Arc::clone(function))
        .collect(),
        ..Implementations::default()
    },
};
