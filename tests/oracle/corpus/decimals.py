"""Precision and scale of operations over decimals, rounding and overflow, in both modes."""

from corpus.case import both_modes, plain, products

TYPES = ["decimal(1, 0)", "decimal(5, 2)", "decimal(10, 10)", "decimal(18, 4)", "decimal(38, 0)", "decimal(38, 18)",
         "decimal(38, 37)"]


def cases():
    pairs = products("select cast(0.9 as {0}) {1} cast(0.8 as {2})", TYPES, ["+", "-", "*", "/", "%"], TYPES)
    joined = products("select coalesce(cast(0.1 as {0}), cast(0.2 as {1}))", TYPES, TYPES)
    mixed = products("select cast(7.25 as decimal(9, 2)) {0} {1}", ["+", "*", "/", "%", "="],
                     ["2Y", "2S", "2", "2L", "2.0F", "2.0D", "'2'"])
    return plain("\n".join(joined + mixed)) + both_modes(pairs) + both_modes(["""
        select cast(99999999999999999999999999999999999999 as decimal(38, 0)) + 1""".strip(),
        "select cast(99999999999999999999999999999999999999 as decimal(38, 0)) * 10",
        "select 1.0 / 0", "select 0.00 / 0.00", "select 1.0 % 0.0", "select cast(12345.678 as decimal(6, 2))",
        "select sum(c), avg(c), max(c), min(c), count(c) from numbers",
        "select sum(cast('99999999999999999999999999999999999999' as decimal(38, 0))) from range(2)",
        "select avg(cast(id as decimal(38, 10))) from range(3)",
        "select c + c, c - i, c * t, c / 3, -c, abs(c) from numbers order by i",
        "select round(c, 1), ceil(c), floor(c), bround(c, -1), c div 2 from numbers order by i",
        "select 1.10 = 1.1, 1.10BD <=> 1.1BD, 0.1 + 0.2, 1.000, -1.50, 123456789012345678901234567890.12",
        "select decimal('1.23'), decimal(1.26), decimal(10), cast('1e-7' as decimal(10, 7))",
    ])
