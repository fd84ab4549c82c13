//! Which of Spark's Java exceptions an error class is thrown as. Clients choose their own exception by these names.

use firesteel_spec::SparkError;

type Hierarchy = &'static [&'static str];

const PARSE: Hierarchy = &[
    "org.apache.spark.sql.catalyst.parser.ParseException",
    "org.apache.spark.sql.AnalysisException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const ANALYSIS: Hierarchy =
    &["org.apache.spark.sql.AnalysisException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"];
const ARITHMETIC: Hierarchy = &[
    "org.apache.spark.SparkArithmeticException",
    "java.lang.ArithmeticException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const NUMBER_FORMAT: Hierarchy = &[
    "org.apache.spark.SparkNumberFormatException",
    "java.lang.NumberFormatException",
    "java.lang.IllegalArgumentException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const DATE_TIME: Hierarchy = &[
    "org.apache.spark.SparkDateTimeException",
    "java.time.DateTimeException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const ILLEGAL_ARGUMENT: Hierarchy = &[
    "org.apache.spark.SparkIllegalArgumentException",
    "java.lang.IllegalArgumentException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const ARRAY_INDEX: Hierarchy = &[
    "org.apache.spark.SparkArrayIndexOutOfBoundsException",
    "java.lang.ArrayIndexOutOfBoundsException",
    "java.lang.IndexOutOfBoundsException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const NO_SUCH_ELEMENT: Hierarchy = &[
    "org.apache.spark.SparkNoSuchElementException",
    "java.util.NoSuchElementException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const UNSUPPORTED: Hierarchy = &[
    "org.apache.spark.SparkUnsupportedOperationException",
    "java.lang.UnsupportedOperationException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const RUNTIME: Hierarchy = &[
    "org.apache.spark.SparkRuntimeException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const UPGRADE: Hierarchy = &[
    "org.apache.spark.SparkUpgradeException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const SQL: Hierarchy = &[
    "org.apache.spark.SparkSQLException",
    "java.sql.SQLException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const INVALID_PLAN: Hierarchy = &[
    "org.apache.spark.sql.connect.common.InvalidPlanInput",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const PYTHON: Hierarchy = &[
    "org.apache.spark.api.python.PythonException",
    "java.lang.RuntimeException",
    "java.lang.Exception",
    "java.lang.Throwable",
    "java.lang.Object",
];
const SPARK: Hierarchy =
    &["org.apache.spark.SparkException", "java.lang.Exception", "java.lang.Throwable", "java.lang.Object"];

/// By main classes, as Spark's `QueryExecutionErrors`, `QueryParsingErrors` and `ExecutionErrors` throw them. What
/// stands in no list is thrown by the analyzer.
const THROWN: &[(Hierarchy, &[&str])] = &[
    (
        PARSE,
        &[
            "ALL_PARAMETERS_MUST_BE_NAMED",
            "DUPLICATED_CTE_NAMES",
            "DUPLICATE_CLAUSES",
            "DUPLICATE_KEY",
            "IDENTIFIER_TOO_MANY_NAME_PARTS",
            "INCOMPLETE_TYPE_DEFINITION",
            "INVALID_ESC",
            "INVALID_IDENTIFIER",
            "INVALID_NUMERIC_LITERAL_RANGE",
            "INVALID_PROPERTY_KEY",
            "INVALID_PROPERTY_VALUE",
            "INVALID_SQL_SYNTAX",
            "INVALID_STATEMENT_OR_CLAUSE",
            "INVALID_TYPED_LITERAL",
            "NOT_ALLOWED_IN_FROM",
            "SHOW_COLUMNS_WITH_CONFLICT_NAMESPACE",
            "SPECIFY_BUCKETING_IS_NOT_ALLOWED",
            "UNCLOSED_BRACKETED_COMMENT",
            "UNSUPPORTED_DATATYPE",
            "UNSUPPORTED_TYPED_LITERAL",
        ],
    ),
    (
        ARITHMETIC,
        &[
            "ARITHMETIC_OVERFLOW",
            "BINARY_ARITHMETIC_OVERFLOW",
            "CAST_OVERFLOW",
            "DATETIME_OVERFLOW",
            "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
            "DIVIDE_BY_ZERO",
            "INTERVAL_ARITHMETIC_OVERFLOW",
            "INTERVAL_DIVIDED_BY_ZERO",
            "NUMERIC_OUT_OF_SUPPORTED_RANGE",
            "NUMERIC_VALUE_OUT_OF_RANGE",
            "REMAINDER_BY_ZERO",
            "SUM_OF_LIMIT_AND_OFFSET_EXCEEDS_MAX_INT",
        ],
    ),
    (
        DATE_TIME,
        &[
            "CANNOT_PARSE_TIME",
            "CANNOT_PARSE_TIMESTAMP",
            "DATETIME_FIELD_OUT_OF_BOUNDS",
            "ILLEGAL_DAY_OF_WEEK",
            "INVALID_FRACTION_OF_SECOND",
            "INVALID_TIMEZONE",
        ],
    ),
    (
        ILLEGAL_ARGUMENT,
        &[
            "CODEC_NOT_AVAILABLE",
            "INVALID_BOOLEAN_STATEMENT",
            "INVALID_CONF_VALUE",
            "INVALID_DATETIME_PATTERN",
            "INVALID_INTERVAL_FORMAT",
            "INVALID_SPARK_CONFIG",
            "INVALID_URL",
            "SECOND_FUNCTION_ARGUMENT_NOT_INTEGER",
            "_LEGACY_ERROR_TEMP_2007",
        ],
    ),
    (ARRAY_INDEX, &["INVALID_ARRAY_INDEX", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"]),
    (NO_SUCH_ELEMENT, &["MAP_KEY_DOES_NOT_EXIST", "SQL_CONF_NOT_FOUND"]),
    (UNSUPPORTED, &["CONNECT_ML", "UNSUPPORTED_CALL", "UNSUPPORTED_CONNECT_FEATURE", "UNSUPPORTED_FEATURE"]),
    (
        RUNTIME,
        &[
            "CANNOT_PARSE_DECIMAL",
            "CANNOT_PARSE_INTERVAL",
            "COLLECTION_SIZE_LIMIT_EXCEEDED",
            "COMPARATOR_RETURNS_NULL",
            "CONVERSION_INVALID_INPUT",
            "DUPLICATED_MAP_KEY",
            "ELEMENT_AT_BY_INDEX_ZERO",
            "EXCEED_LIMIT_LENGTH",
            "FIELD_NOT_FOUND_IN_ROW",
            "HLL_INVALID_INPUT_SKETCH_BUFFER",
            "HLL_INVALID_LG_K",
            "HLL_UNION_DIFFERENT_LG_K",
            "INVALID_BITMAP_POSITION",
            "INVALID_INDEX_OF_ZERO",
            "INVALID_PARAMETER_VALUE",
            "INVALID_REGEXP_REPLACE",
            "INVALID_UTF8_STRING",
            "INVALID_VARIANT_CAST",
            "INVALID_VARIANT_GET_PATH",
            "MALFORMED_CSV_RECORD",
            "MALFORMED_RECORD_IN_PARSING",
            "MALFORMED_VARIANT",
            "MERGE_CARDINALITY_VIOLATION",
            "NOT_NULL_ASSERT_VIOLATION",
            "NULL_MAP_KEY",
            "RESULT_SIZE_EXCEEDED",
            "ROW_VALUE_IS_NULL",
            "SCALAR_SUBQUERY_TOO_MANY_ROWS",
            "TOO_MANY_ARRAY_ELEMENTS",
            "USER_RAISED_EXCEPTION",
            "VARIANT_SIZE_LIMIT",
        ],
    ),
    (UPGRADE, &["INCONSISTENT_BEHAVIOR_CROSS_VERSION"]),
    (SQL, &["INVALID_CURSOR", "INVALID_HANDLE", "OPERATION_CANCELED", "INVALID_CLONE_SESSION_REQUEST"]),
    (INVALID_PLAN, &["CONNECT_INVALID_PLAN"]),
    (PYTHON, &["PYTHON_EXCEPTION"]),
    (
        SPARK,
        &[
            "CONNECT",
            "FAILED_EXECUTE_UDF",
            "FAILED_READ_FILE",
            "INTERNAL_ERROR",
            "MALFORMED_PROTOBUF_MESSAGE",
            "OUT_OF_MEMORY",
            "TASK_WRITE_FAILED",
            "UNABLE_TO_ACQUIRE_MEMORY",
        ],
    ),
];

/// The exception's class and those above it.
pub(crate) fn exception(error: &SparkError) -> Hierarchy {
    let main = error.class.split('.').next().unwrap_or_default();
    if main.starts_with("PARSE_") {
        return PARSE;
    }
    if main == "CAST_INVALID_INPUT" {
        return cast_exception(error);
    }
    if main.starts_with("INTERNAL_ERROR") {
        return SPARK;
    }
    let thrown = THROWN.iter().find(|(_, classes)| classes.contains(&main));
    thrown.map_or(ANALYSIS, |(hierarchy, _)| hierarchy)
}

/// A cast of text is thrown by what it should have become.
fn cast_exception(error: &SparkError) -> Hierarchy {
    let target = error.parameters.get("targetType").map(|name| name.trim_matches('"').to_uppercase());
    match target.as_deref() {
        Some("BOOLEAN") => RUNTIME,
        Some(name) if ["DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NTZ"].contains(&name) => DATE_TIME,
        Some(name) if name.starts_with("TIME(") => DATE_TIME,
        _ => NUMBER_FORMAT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_thrown_as_spark_throws_them() {
        let first = |class: &str| exception(&SparkError::new(class, ""))[0].rsplit('.').next().unwrap();
        assert_eq!(first("PARSE_SYNTAX_ERROR"), "ParseException");
        assert_eq!(first("UNRESOLVED_COLUMN.WITH_SUGGESTION"), "AnalysisException");
        assert_eq!(first("DIVIDE_BY_ZERO"), "SparkArithmeticException");
        assert_eq!(first("INVALID_HANDLE.SESSION_CLOSED"), "SparkSQLException");
        assert_eq!(first("CONNECT_INVALID_PLAN.CANNOT_PARSE"), "InvalidPlanInput");
        let cast = |target: &str| exception(&SparkError::new("CAST_INVALID_INPUT", "").with("targetType", target))[0];
        assert_eq!(cast("\"INT\""), "org.apache.spark.SparkNumberFormatException");
        assert_eq!(cast("\"DATE\""), "org.apache.spark.SparkDateTimeException");
    }
}
