//! Deep and long texts: they parse, or are refused, and never end the process.

use firesteel_spec::*;
use firesteel_sql::*;

fn class<T>(result: SparkResult<T>) -> Option<String> {
    result.err().map(|error| error.class)
}

#[test]
fn expressions_nest_deep() {
    let nested = |depth: usize| format!("{}a{}", "f(".repeat(depth), ")".repeat(depth));
    assert_eq!(class(parse_expression(&nested(2_000))), None);
    assert_eq!(class(parse_expression(&nested(4_900))), None);
    assert_eq!(class(parse_expression(&nested(20_000))).as_deref(), Some("FAILED_TO_PARSE_TOO_COMPLEX"));
    let parentheses = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(class(parse_expression(&parentheses(2_000))), None);
    assert_eq!(class(parse_expression(&parentheses(20_000))).as_deref(), Some("FAILED_TO_PARSE_TOO_COMPLEX"));
}

#[test]
fn parsing_itself_needs_little_of_the_stack() {
    let depth = 5_000;
    let text = format!("{}a", "trim(substring(case when (".repeat(depth));
    assert_eq!(class(parse_expression(&text)).as_deref(), Some("FAILED_TO_PARSE_TOO_COMPLEX"));
    let text = format!("SELECT {}1", "(SELECT ".repeat(2_000));
    assert_eq!(class(parse_query(&text, &Parameters::None)).as_deref(), Some("PARSE_SYNTAX_ERROR"));
}

#[test]
fn queries_and_types_nest_deep() {
    let query = format!("{}SELECT 1{}", "SELECT * FROM (".repeat(2_000), ")".repeat(2_000));
    assert_eq!(class(parse_query(&query, &Parameters::None)), None);
    let scalar = format!("{}SELECT 1{}", "SELECT (".repeat(2_000), ")".repeat(2_000));
    assert_eq!(class(parse_query(&scalar, &Parameters::None)), None);
    let joins = format!("SELECT * FROM {}a{}", "(".repeat(2_000), " JOIN b)".repeat(2_000));
    assert_eq!(class(parse_query(&joins, &Parameters::None)), None);
    let array = |depth: usize| format!("{}int{}", "array<".repeat(depth), ">".repeat(depth));
    assert_eq!(class(parse_data_type(&array(2_000))), None);
    assert_eq!(class(parse_data_type(&array(20_000))).as_deref(), Some("FAILED_TO_PARSE_TOO_COMPLEX"));
}

/// `AND` and `OR` make balanced trees, so that these need no deep stack at all.
#[test]
fn long_conditions_are_shallow() {
    for operator in [" OR ", " AND "] {
        let text = vec!["a = 1"; 100_000].join(operator);
        assert_eq!(class(parse_expression(&text)), None);
    }
    let list: Vec<_> = (0..100_000).map(|value| value.to_string()).collect();
    assert_eq!(class(parse_expression(&format!("a IN ({})", list.join(", ")))), None);
    let rows = vec!["(1, 'a')"; 50_000].join(", ");
    assert_eq!(class(parse_query(&format!("VALUES {rows}"), &Parameters::None)), None);
}

#[test]
fn chains_of_operators_have_a_bound() {
    for (first, rest) in [("a", " + a"), ("a", "[0]"), ("a", "::int"), ("f(a)", ".b")] {
        let text = |length: usize| format!("{first}{}", rest.repeat(length));
        assert_eq!(class(parse_expression(&text(4_999))), None, "{rest}");
        let refused = class(parse_expression(&text(30_000)));
        assert_eq!(refused.as_deref(), Some("FAILED_TO_PARSE_TOO_COMPLEX"), "{rest}");
    }
    assert_eq!(class(parse_expression(&format!("{}a", "- ".repeat(4_999)))), None);
    assert_eq!(class(parse_expression(&format!("{}a", "NOT ".repeat(4_999)))), None);
    let unions = vec!["SELECT 1"; 4_999].join(" UNION ALL ");
    assert_eq!(class(parse_query(&unions, &Parameters::None)), None);
}

/// The texts that expressions carry with them stay small.
#[test]
fn places_of_long_chains_are_bounded() {
    let parsed = parse_expression(&format!("a{}", " + a".repeat(4_999))).unwrap();
    let (mut open, mut bytes) = (vec![&parsed], 0);
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Located { expr, origin } => {
                if let Origin::Sql(context) = origin.as_ref() {
                    bytes += context.fragment.len();
                }
                open.push(expr);
            }
            Expr::Function(call) => open.extend(&call.arguments),
            _ => {}
        }
    }
    assert!(bytes < 2 << 20, "{bytes}");
}
