"""Casts of every type to every type, and of many texts, in both modes."""

from corpus.case import both_modes, products

TYPES = ["boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(5, 2)", "decimal(38, 10)", "string",
         "binary", "date", "timestamp", "timestamp_ntz", "time", "interval year to month", "interval day to second",
         "array<int>", "map<string, int>", "struct<a: int>", "variant"]
VALUES = [
    "true", "1Y", "-1S", "300", "1700000000L", "1.75F", "-1.5D", "123.456BD", "X'31'", "date '2024-02-29'",
    "timestamp '2024-02-29 12:34:56.789'", "timestamp_ntz '2024-02-29 12:34:56.789'", "time '12:34:56.789'",
    "interval '1-2' year to month", "interval '1 02:03:04.5' day to second", "array(1, null)", "map('a', 1)",
    "named_struct('b', 2)", "null", "double('NaN')", "1e20D",
]
TEXTS = {
    "int": ["12", " 12 ", "+5", "-0", "1.9", "1e2", "", "abc", "2147483648", "12a", "0x10", "\\t7\\n"],
    "tinyint": ["127", "128", "-129", "1.5"],
    "bigint": ["9223372036854775807", "9223372036854775808", "-1.0", "1L"],
    "double": ["1.5", "1e400", "nan", "NaN", "inf", "-Infinity", "1.5d", "1f", ".5", "5.", "0x1p3", " 2 ", "1,5", ""],
    "float": ["3.4e39", "1e-50", "0.1", "16777217"],
    "decimal(5, 2)": ["123.455", "-123.454", "999.995", "1e2", "1e-3", "abc", "", "1000"],
    "boolean": ["t", "yes", "Y", "1", "true ", "FALSE", "n", "0", "no", "2", "tru", "", "on"],
    "date": ["2024-02-29", "2023-02-29", "2024", "2024-3", "2024-3-1", "2024-03-01T10:00", "2024-03-01 x", "02/03/2024",
             "-0044-03-15", "+12345-01-01", "epoch", "now x", "", "2024-13-01", "0000-01-01"],
    "timestamp": ["2024-02-29 12:34:56", "2024-02-29", "2024-02-29T12:34:56.123456789", "2024-02-29 12:34:56+02:00",
                  "2024-02-29 12:34:56 America/New_York", "2024-02-29 12:34", "12:34:56x", "2024-02-29 25:00:00",
                  "2024-02-29 12:34:56Z", "2024-02-29 12:34:56 GMT+1", "2024", "", "1-1-1 1:1:1", "2024-02-29 1:2:3.4"],
    "timestamp_ntz": ["2024-02-29 12:34:56", "2024-02-29 12:34:56+02:00", "2024-02-29", "x"],
    "time": ["12:34:56", "12:34", "24:00:00", "1:2:3.4", "12:34:56.1234567", "x"],
    "interval year to month": ["1-2", "interval '1-2' year to month", "-1-11", "1-12", "x"],
    "interval day to second": ["1 02:03:04", "1 02:03:04.123456", "-1 0:0:0", "1 25:00:00", "x"],
    "interval": ["1 day", "interval 2 months 3 seconds", "-1 year 5 minutes", "1 dog"],
    "binary": ["abc", "", "ß"],
}


def cases():
    matrix = products("select cast({0} as {1})", VALUES, TYPES)
    texts = [f"select cast('{text}' as {to})" for to, texts in TEXTS.items() for text in texts]
    tried = [f"select try_cast('{text}' as {to})" for to, texts in TEXTS.items() for text in texts[-3:]]
    columns = [f"select cast({column} as {to}) from numbers where i = 4 or i is null" for column in "itslfdcg"
               for to in ("string", "int", "double", "decimal(10, 1)", "boolean", "bigint")]
    return both_modes(matrix + texts + columns) + both_modes(tried)[: len(tried)]
