//! Aggregate functions.

mod approx_distinct;
mod approximate;
mod bitmap;
mod bivariate;
mod checked_sum;
mod collected;
mod collected_groups;
mod concatenated;
mod extreme_by;
mod first;
mod frequent;
mod histogram;
mod moments;
mod only;
pub(crate) mod own;
mod percentile;
mod random;
mod simple;
mod sketch;
mod sum;
mod vector;

pub(crate) use first::first_value;
pub use only::only_value;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;

use crate::registry::{Family, Function, Implementations};

/// The aggregate to call in a plan over rows that are sorted for it, if its answer depends on their order.
pub fn in_order(function: &Arc<AggregateUDF>) -> Option<Arc<AggregateUDF>> {
    match function.name() {
        "spark_first" | "string_agg" | "spark_collect_in_order" => Some(Arc::clone(function)),
        _ => None,
    }
}

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::aggregate("any", simple::bool_or),
        Function::aggregate("some", simple::bool_or),
        Function::aggregate("bool_or", simple::bool_or),
        Function::aggregate("every", simple::bool_and),
        Function::aggregate("bool_and", simple::bool_and),
        Function::aggregate("any_value", simple::first_or_last),
        Function::aggregate("first", simple::first_or_last),
        Function::aggregate("first_value", simple::first_or_last),
        Function::aggregate("last", simple::first_or_last),
        Function::aggregate("last_value", simple::first_or_last),
        Function::aggregate("count", simple::count),
        Function::aggregate("count_if", simple::count_if),
        Function::aggregate("approx_count_distinct", approx_distinct::approx_count_distinct),
        Function::aggregate("max", simple::max),
        Function::aggregate("min", simple::min),
        Function::aggregate("max_by", extreme_by::max_by),
        Function::aggregate("min_by", extreme_by::min_by),
        Function::aggregate("bit_and", simple::bits),
        Function::aggregate("bit_or", simple::bits),
        Function::aggregate("bit_xor", simple::bits),
        Function::aggregate("array_agg", simple::collect_list),
        Function::aggregate("collect_list", simple::collect_list),
        Function::aggregate("collect_set", simple::collect_set),
        Function::aggregate("listagg", simple::listagg),
        Function::aggregate("string_agg", simple::listagg),
        Function::aggregate("sum", sum::sum),
        Function::aggregate("try_sum", sum::sum),
        Function::aggregate("avg", sum::avg),
        Function::aggregate("mean", sum::avg),
        Function::aggregate("try_avg", sum::avg),
        Function::aggregate("product", bitmap::product),
        Function::aggregate("vector_avg", vector::vector),
        Function::aggregate("vector_sum", vector::vector),
        Function::aggregate("std", moments::moment),
        Function::aggregate("stddev", moments::moment),
        Function::aggregate("stddev_pop", moments::moment),
        Function::aggregate("stddev_samp", moments::moment),
        Function::aggregate("variance", moments::moment),
        Function::aggregate("var_pop", moments::moment),
        Function::aggregate("var_samp", moments::moment),
        Function::aggregate("skewness", moments::moment),
        Function::aggregate("kurtosis", moments::moment),
        Function::aggregate("corr", bivariate::covariance),
        Function::aggregate("covar_pop", bivariate::covariance),
        Function::aggregate("covar_samp", bivariate::covariance),
        Function::aggregate("regr_count", simple::regr_count),
        Function::aggregate("regr_avgx", bivariate::regression),
        Function::aggregate("regr_avgy", bivariate::regression),
        Function::aggregate("regr_intercept", bivariate::regression),
        Function::aggregate("regr_r2", bivariate::regression),
        Function::aggregate("regr_slope", bivariate::regression),
        Function::aggregate("regr_sxx", bivariate::regression),
        Function::aggregate("regr_sxy", bivariate::regression),
        Function::aggregate("regr_syy", bivariate::regression),
        Function::aggregate("median", percentile::median),
        Function::aggregate("percentile", percentile::percentile),
        Function::aggregate("percentile_cont", percentile::within_group),
        Function::aggregate("percentile_disc", percentile::within_group),
        Function::aggregate("approx_percentile", approximate::percentile_approx),
        Function::aggregate("percentile_approx", approximate::percentile_approx),
        Function::aggregate("mode", frequent::mode),
        Function::aggregate("approx_top_k", frequent::approx_top_k),
        Function::aggregate("freq_items", frequent::freq_items),
        Function::aggregate("histogram_numeric", histogram::histogram_numeric),
        Function::aggregate("count_min_sketch", sketch::count_min_sketch),
        Function::aggregate("bitmap_construct_agg", bitmap::bitmap),
        Function::aggregate("bitmap_or_agg", bitmap::bitmap),
        Function::aggregate("bitmap_and_agg", bitmap::bitmap),
    ],
    implementations: || Implementations {
        aggregate: [
            &approx_distinct::APPROX_DISTINCT,
            &approximate::PERCENTILE_APPROX,
            &bitmap::BITMAP,
            &bitmap::PRODUCT,
            &bivariate::BIVARIATE,
            &checked_sum::CHECKED_SUM,
            &collected::COLLECT_IN_ORDER,
            &concatenated::CONCATENATED,
            &extreme_by::EXTREME_BY,
            &first::FIRST,
            &frequent::FREQUENT_ITEMS,
            &frequent::MODE,
            &frequent::TOP_K,
            &histogram::HISTOGRAM,
            &moments::MOMENT,
            &only::ONLY,
            &percentile::PERCENTILE,
            &sketch::COUNT_MIN,
            &vector::VECTOR,
        ]
        .into_iter()
        .map(|function| Arc::clone(function))
        .chain([datafusion_spark::function::aggregate::collect_set()])
        .collect(),
        ..Implementations::default()
    },
};
