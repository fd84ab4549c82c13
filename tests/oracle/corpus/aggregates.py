"""Aggregate functions over columns of each type, with groups, filters, DISTINCT, grouping sets and pivots."""

from corpus.case import both_modes, plain, products

FUNCTIONS = ["count", "sum", "avg", "min", "max", "first", "last", "any_value", "mode", "median", "stddev", "stddev_pop", "variance",
             "var_pop", "skewness", "kurtosis", "collect_list", "count_if", "bool_and", "some", "bit_and", "bit_or", "bit_xor",
             "approx_count_distinct", "try_sum", "try_avg", "product", "array_agg", "listagg", "histogram_numeric", "every"]
COLUMNS = ["i", "t", "s", "l", "d", "c", "g", "i > 2", "date '2024-01-01'", "null", "interval 1 day", "array(i)"]
TWO = ["corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept", "regr_r2", "regr_count", "regr_sxx", "regr_sxy", "regr_syy",
       "regr_avgx", "regr_avgy", "max_by", "min_by"]


def cases():
    queries = products("select {0}({1}) from (select * from numbers order by i)", FUNCTIONS, COLUMNS)
    queries += products("select {0}({1}, {2}) from numbers where i < 6", TWO, ["i", "c", "d"], ["i", "s"])
    queries += products("select {0}({1}) from numbers where false", FUNCTIONS, ["i", "g"])
    grouped = products("select g, {0}(i) from numbers group by g order by g", FUNCTIONS)
    distinct = products("select {0}(distinct {1}) from numbers", ["count", "sum", "avg", "min", "max"], ["i", "g", "c", "s"])
    filtered = products("select {0}(i) filter (where i > 2), {0}(i) from numbers", ["count", "sum", "avg", "first", "max"])
    sums = ["select sum(l) from numbers where l > 0 or i = 2", "select sum(l + 1) from numbers", "select avg(l) from numbers",
            "select sum(cast(x as tinyint)) from values (127), (127) t(x)", "select sum(x) from values ('1'), ('a') t(x)",
            "select sum(9223372036854775807L) from range(2)", "select avg('x')", "select max(array(1)), max(map(1, 2))"]
    return both_modes(queries + grouped)[: len(queries + grouped)] + plain("\n".join(distinct + filtered)) + both_modes(sums) + plain("""
        select count(*), count(1), count(i), count(i, g), count(distinct i, g) from numbers
        select percentile(i, 0.5), percentile(i, array(0.25, 0.75)), approx_percentile(i, 0.5), percentile_approx(i, array(0.1, 0.9), 100) from numbers
        select percentile_cont(0.5) within group (order by i), percentile_disc(0.5) within group (order by i desc), mode() within group (order by g) from numbers
        select team, sum(pay), count(*), avg(pay) from people group by team order by team
        select team, sum(pay) s from people group by team having s > 100 order by s
        select sum(pay) from people having count(*) > 100
        select team, pay, count(*) from people group by 1, 2 order by 1, 2
        select team, pay, count(*) from people group by all order by all
        select upper(team) u, max(pay) + min(pay) from people group by u order by u
        select team, name from people group by team
        select sum(sum(pay)) from people
        select team, sum(pay) from people where sum(pay) > 1 group by team
        select year, quarter, sum(amount), grouping(year), grouping_id() from sales group by rollup(year, quarter) order by 1, 2, 4, 5
        select year, quarter, sum(amount), grouping_id(year, quarter) from sales group by cube(year, quarter) order by 1, 2, 4
        select year, item, sum(amount) from sales group by grouping sets ((year), (item), ()) order by 1, 2, 3
        select year, item, count(*) from sales group by year, grouping sets ((item), ()) order by 1, 2, 3
        select year, sum(amount) from sales group by year with rollup order by 1
        select year, sum(amount) from sales group by year with cube order by 1
        select grouping(year) from sales group by year
        select * from sales pivot (sum(amount) for quarter in ('q1', 'q2')) order by 1, 2
        select * from sales pivot (sum(amount) as s, count(*) as n for quarter in ('q1' as a, 'q2' as b)) order by 1, 2
        select * from (select year, quarter, amount from sales) pivot (max(amount) for (quarter) in ('q1', 'q3')) order by 1
        select * from sales pivot (sum(amount) for (quarter, item) in (('q1', 'x') as a, ('q2', 'y') as b)) order by 1
        select * from sales pivot (amount for quarter in ('q1'))
        select * from values (1, 2, 3), (4, null, 6) t(a, b, c) unpivot (v for n in (b, c)) order by 1, 2
        select * from values (1, 2, 3), (4, null, 6) t(a, b, c) unpivot include nulls (v for n in (b as x, c as y)) order by 1, 2
        select * from values (1, 2, 'a') t(a, b, c) unpivot (v for n in (b, c))
        select max_by(name, pay), min_by(name, pay), max_by(name, pay, 2) from people
        select bool_or(pay > 100), every(pay > 0), any(id > 5), count_if(pay > 80) from people
        select first(pay, true), last(pay, true), first(pay) ignore nulls, first_value(name) from (select * from people order by id)
        select team, collect_list(name) from (select * from people order by id) group by team order by team
        select team, listagg(name, '+') within group (order by name desc) from people group by team order by team
        select listagg(distinct team, ',') within group (order by team) from people
        select grouping__id, year, count(*) from sales group by cube(year) order by 1, 2
        select count(*) from people group by ()
        select distinct team from people order by team nulls last
        select sum(distinct pay), count(distinct team), count(distinct team, pay) from people
        select sum(distinct pay), sum(distinct id), count(*) from people
        select d, count(*) from values (0.0D), (-0.0D), (double('NaN')), (double('NaN')) t(d) group by d order by d
        select array(i % 2), count(*) from numbers group by 1 order by 1
        select map(1, 2), count(*) from numbers group by 1
        select bitmap_count(bitmap_construct_agg(bitmap_bit_position(i))) from numbers where i > 0
        select hll_sketch_estimate(hll_sketch_agg(i)) from numbers
        select approx_top_k(g) from numbers
        select count_min_sketch(i, 0.5D, 0.5D, 1) from numbers
    """)
