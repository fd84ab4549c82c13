"""Operators over every pair of numeric types, with edge values, in both modes."""

from corpus.case import both_modes, plain, products

VALUES = [
    "1Y", "100S", "7", "5000000000L", "1.5F", "2.5D", "1.25BD", "NULL", "'3'",
]
EDGES = [
    "127Y", "-128Y", "32767S", "2147483647", "-2147483648", "9223372036854775807L", "(-9223372036854775807L - 1)",
    "double('NaN')", "double('Infinity')", "-0.0D", "0", "99999999999999999999999999999999999999BD",
]
FUNCTIONS = ["abs", "negative", "positive", "sign", "ceil", "floor", "round", "bround", "sqrt", "bit_count", "hex", "bin",
             "factorial", "isnan", "~"]


def cases():
    pairs = products("select {0} {1} {2}", VALUES, ["+", "-", "*", "/", "%"], VALUES)
    compared = products("select {0} = {2}, {0} < {2}, {0} <=> {2}", VALUES, [""], VALUES)
    bits = products("select {0} {1} {2}", ["6Y", "6S", "6", "6L", "NULL", "6.0"], ["&", "|", "^", "div", "<<", ">>"],
                    ["3Y", "3", "3L", "0"])
    edges = products("select {0} {1}", EDGES, ["+ 1", "- 1", "* 2", "/ 0", "% 0", "div 0", "/ 3"])
    calls = products("select {1}({0})", EDGES, FUNCTIONS)
    columns = products("select {0} + {1}, {0} * {1}, {0} / {1}, {0} % {1} from numbers where i = 2",
                       "itslfdc", "itslfdc")
    return plain("\n".join(pairs + compared + bits + columns + calls)) + both_modes(edges) + plain("""
        select round(2.5, 0), round(-2.5, 0), bround(2.5, 0), bround(3.5, 0), round(125, -1), round(15Y, -1)
        select round(1234.5678, 2), round(1234.5678, -2), round(1234.5678D, 2), round(1234.5678D, -2)
        select ceil(3.14159, 2), floor(-3.14159, 3), ceil(10.5D), floor(-10.5D)
        select pmod(-7, 3), pmod(7, -3), pmod(-7.5, 2), mod(-7, 3), -7 % 3, -7 div 2
        select try_add(2147483647, 1), try_subtract(-2147483648, 1), try_multiply(2147483647, 2), try_divide(1, 0), try_mod(1, 0)
        select greatest(1, 2.5, 3L), least(1, null, -1.5D), greatest(null, null), least('a', 'b')
        select conv('ff', 16, 10), conv('100', 2, 10), conv(-10, 10, 16), conv('zz', 36, 10), conv('9', 8, 10)
        select width_bucket(5.3, 0.2, 10.6, 5), width_bucket(-1, 0, 10, 5), width_bucket(11, 0, 10, 5)
        select pow(2, 10), power(2, -1), pow(0, 0), exp(0), ln(1), log(2, 8), log10(1000), log2(8), log1p(0), expm1(0)
        select hypot(3, 4), cbrt(27), degrees(pi()), radians(180), atan2(1, 1), e()
        select 1 + null, null + null, 1 <=> null, null <=> null, null = null, not null, null and false, null or true
        select true and null, false or null, true xor false, not true, !false
        select 1 between 0 and 2, 1 not between 0 and 2, 3 in (1, 2, null), 1 in (1, null), 3 not in (1, 2)
        select case when i > 2 then 'big' when i is null then 'none' else 'small' end from numbers order by i
        select case i when 1 then 10 when 2 then 20.5 end from numbers order by i
        select if(true, 1, 2.5), nvl(null, 3), nvl2(null, 1, 2), nullif(1, 1), ifnull(null, 'x'), coalesce(null, null, 4)
        select zeroifnull(null), nullifzero(0), nullifzero(3), nanvl(double('NaN'), 1), isnotnull(1), isnull(1)
        select 0x1F, 1e3, 1.5e-3, .5, 5., 1e400, 1_000
        select 1.0 = 1, 1 = '1', '1.0' = 1.0, true = 1, '2020-01-01' = date '2020-01-01'
        select shiftleft(1, 33), shiftright(-8, 1), shiftrightunsigned(-8, 1), -8 >>> 1, 1L << 40, getbit(11, 0)
    """)
