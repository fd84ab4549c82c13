//! Mathematics and bits.

mod base;
mod bits;
mod bucket;
pub(crate) mod elementary;
mod rounding;
mod strict;
pub(crate) mod vector;

use std::sync::Arc;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("acos", elementary::unary),
        Function::scalar("acosh", elementary::unary),
        Function::scalar("asin", elementary::unary),
        Function::scalar("asinh", elementary::unary),
        Function::scalar("atan", elementary::unary),
        Function::scalar("atanh", elementary::unary),
        Function::scalar("cbrt", elementary::unary),
        Function::scalar("cos", elementary::unary),
        Function::scalar("cosh", elementary::unary),
        Function::scalar("cot", elementary::unary),
        Function::scalar("csc", elementary::unary),
        Function::scalar("degrees", elementary::unary),
        Function::scalar("exp", elementary::unary),
        Function::scalar("expm1", elementary::unary),
        Function::scalar("ln", elementary::unary),
        Function::scalar("log10", elementary::unary),
        Function::scalar("log1p", elementary::unary),
        Function::scalar("log2", elementary::unary),
        Function::scalar("radians", elementary::unary),
        Function::scalar("rint", elementary::unary),
        Function::scalar("sec", elementary::unary),
        Function::scalar("sin", elementary::unary),
        Function::scalar("sinh", elementary::unary),
        Function::scalar("sqrt", elementary::unary),
        Function::scalar("tan", elementary::unary),
        Function::scalar("tanh", elementary::unary),
        Function::scalar("sign", elementary::sign),
        Function::scalar("signum", elementary::sign),
        Function::scalar("log", elementary::log),
        Function::scalar("atan2", elementary::binary),
        Function::scalar("hypot", elementary::binary),
        Function::scalar("pow", elementary::binary),
        Function::scalar("power", elementary::binary),
        Function::scalar("e", elementary::constant),
        Function::scalar("pi", elementary::constant),
        Function::scalar("round", rounding::round),
        Function::scalar("bround", rounding::round),
        Function::scalar("ceil", rounding::ceil_or_floor),
        Function::scalar("ceiling", rounding::ceil_or_floor),
        Function::scalar("floor", rounding::ceil_or_floor),
        Function::scalar("bin", base::bin),
        Function::scalar("conv", base::conv),
        Function::scalar("hex", base::hex),
        Function::scalar("unhex", base::unhex),
        Function::scalar("factorial", base::factorial),
        Function::scalar("width_bucket", bucket::width_bucket),
        Function::scalar("vector_cosine_similarity", vector::of_two),
        Function::scalar("vector_inner_product", vector::of_two),
        Function::scalar("vector_l2_distance", vector::of_two),
        Function::scalar("vector_norm", vector::norm),
        Function::scalar("vector_normalize", vector::norm),
        Function::scalar("bit_count", bits::count),
        Function::scalar("bit_get", bits::get),
        Function::scalar("getbit", bits::get),
        Function::scalar("shiftleft", bits::shift),
        Function::scalar("shiftright", bits::shift),
        Function::scalar("shiftrightunsigned", bits::shift),
        Function::scalar("<<", bits::shift),
        Function::scalar(">>", bits::shift),
        Function::scalar(">>>", bits::shift),
        Function::scalar("&", bits::binary),
        Function::scalar("|", bits::binary),
        Function::scalar("^", bits::binary),
        Function::scalar("~", bits::not),
    ],
    implementations: || Implementations {
        scalar: [
            &elementary::UNARY,
            &elementary::BINARY,
            &rounding::ROUND,
            &rounding::CEIL,
            &rounding::FLOOR,
            &base::BIN,
            &base::CONV,
            &base::HEX,
            &base::UNHEX,
            &base::FACTORIAL,
            &bucket::WIDTH_BUCKET,
            &vector::OF_TWO,
            &vector::NORM,
            &vector::NORMALIZE,
            &bits::COUNT,
            &bits::GET,
            &bits::NOT,
            &bits::SHIFT_LEFT,
            &bits::SHIFT_RIGHT,
            &bits::SHIFT_RIGHT_UNSIGNED,
        ]
        .into_iter()
        .map(|function| Arc::clone(function))
        .collect(),
        ..Implementations::default()
    },
};
