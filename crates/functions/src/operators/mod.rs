//! Operators, comparisons, logic and conditions.

mod arithmetic;
mod comparison;
mod conditional;
mod decimal;
mod logic;
mod overflow;

pub(crate) use decimal::divide_to;
pub(crate) use overflow::arithmetic_overflow;

use std::sync::Arc;

use crate::registry::{Family, Function, Implementations};

pub(crate) static FAMILY: Family = Family {
    functions: &[
        Function::scalar("+", arithmetic::add),
        Function::scalar("-", arithmetic::subtract),
        Function::scalar("*", arithmetic::multiply),
        Function::scalar("/", arithmetic::divide),
        Function::scalar("%", arithmetic::remainder),
        Function::scalar("mod", arithmetic::remainder),
        Function::scalar("pmod", arithmetic::positive_remainder),
        Function::scalar("div", arithmetic::integral_divide),
        Function::scalar("negative", arithmetic::negative),
        Function::scalar("positive", arithmetic::positive),
        Function::scalar("abs", arithmetic::abs),
        Function::scalar("try_add", arithmetic::try_add),
        Function::scalar("try_subtract", arithmetic::try_subtract),
        Function::scalar("try_multiply", arithmetic::try_multiply),
        Function::scalar("try_divide", arithmetic::try_divide),
        Function::scalar("try_mod", arithmetic::try_remainder),
        Function::scalar("==", comparison::equal),
        Function::scalar("=", comparison::equal),
        Function::scalar("!=", comparison::not_equal),
        Function::scalar("<>", comparison::not_equal),
        Function::scalar("<=>", comparison::null_safe_equal),
        Function::scalar("equal_null", comparison::null_safe_equal),
        Function::scalar("<", comparison::less),
        Function::scalar("<=", comparison::less_or_equal),
        Function::scalar(">", comparison::greater),
        Function::scalar(">=", comparison::greater_or_equal),
        Function::scalar("in", comparison::is_in),
        Function::scalar("between", comparison::between),
        Function::scalar("greatest", comparison::greatest),
        Function::scalar("least", comparison::least),
        Function::scalar("and", logic::and),
        Function::scalar("or", logic::or),
        Function::scalar("not", logic::not),
        Function::scalar("!", logic::not),
        Function::scalar("isnull", logic::is_null),
        Function::scalar("isnotnull", logic::is_not_null),
        Function::scalar("isnan", logic::is_nan),
        Function::scalar("when", conditional::when),
        Function::scalar("if", conditional::if_else),
        Function::scalar("coalesce", conditional::coalesce),
        Function::scalar("nvl", conditional::nvl),
        Function::scalar("ifnull", conditional::nvl),
        Function::scalar("nvl2", conditional::nvl2),
        Function::scalar("nullif", conditional::null_if),
        Function::scalar("nullifzero", conditional::null_if_zero),
        Function::scalar("zeroifnull", conditional::zero_if_null),
        Function::scalar("nanvl", conditional::nanvl),
    ],
    implementations: || Implementations {
        scalar: vec![Arc::clone(&overflow::CHECKED), Arc::clone(&decimal::DECIMAL)],
        ..Implementations::default()
    },
};
