//! Operators over constants. Expected values are real Spark's.

use crate::support::eval;
use firesteel_spec::DataType;
use firesteel_spec::Literal::{Decimal, Double, Integer, Long, Null};

fn decimal(unscaled: i128, precision: u8, scale: i8) -> firesteel_spec::Literal {
    Decimal { unscaled, precision, scale }
}

#[test]
fn arithmetic() {
    for (name, arguments, expected) in [
        ("+", vec![Integer(1), Integer(2)], "3"),
        ("+", vec![Integer(i32::MAX), Integer(1)], "ARITHMETIC_OVERFLOW"),
        ("try_add", vec![Integer(i32::MAX), Integer(1)], "NULL"),
        ("+", vec![Integer(i32::MAX), Long(1)], "2147483648"),
        ("/", vec![Integer(1), Integer(2)], "0.5"),
        ("/", vec![Integer(1), Integer(0)], "DIVIDE_BY_ZERO"),
        ("try_divide", vec![Integer(1), Integer(0)], "NULL"),
        ("%", vec![Integer(-7), Integer(3)], "-1"),
        ("pmod", vec![Integer(-7), Integer(3)], "2"),
        ("%", vec![Integer(7), Integer(0)], "REMAINDER_BY_ZERO"),
        ("div", vec![Integer(7), Integer(2)], "3"),
        ("/", vec![decimal(100, 3, 2), decimal(300, 3, 2)], "0.333333"),
        ("*", vec![decimal(150, 3, 2), decimal(150, 3, 2)], "2.2500"),
        ("+", vec![Null(DataType::Integer), Integer(1)], "NULL"),
        ("*", vec![Double(1.5), Integer(2)], "3.0"),
    ] {
        assert_eq!(eval(name, &arguments), expected, "{name} {arguments:?}");
    }
}
