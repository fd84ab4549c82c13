"""Window functions under frames, orders and nulls."""

from corpus.case import plain, products

FUNCTIONS = ["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(2)", "lag(pay)", "lead(pay, 2, 0)",
             "first_value(name)", "last_value(name)", "nth_value(name, 2)", "sum(pay)", "avg(pay)", "count(*)", "max(name)", "min(pay)",
             "collect_list(id)", "lag(pay) ignore nulls", "first_value(pay) ignore nulls", "any_value(team)", "stddev(pay)"]
ORDERS = ["order by pay, id", "partition by team order by id", "partition by team order by pay desc nulls last, id", "partition by team", "",
          "order by team nulls first, id desc"]
FRAMES = ["rows between unbounded preceding and current row", "rows between 1 preceding and 1 following", "rows 2 preceding",
          "rows between current row and unbounded following", "range between unbounded preceding and current row",
          "rows between 2 preceding and 1 preceding", "rows between unbounded preceding and unbounded following"]
RANGES = ["range between 10 preceding and 10 following", "range between current row and 20 following", "range 5 preceding",
          "range between 20 preceding and 5 preceding"]


def cases():
    queries = products("select id, {0} over ({1}) from people order by id", FUNCTIONS, ORDERS)
    queries += products("select id, {0} over (partition by team order by id {1}) from people order by id",
                        ["sum(pay)", "count(pay)", "first_value(name)", "max(id)", "collect_list(id)", "lag(id)", "nth_value(id, 2)"], FRAMES)
    queries += products("select id, {0} over (order by pay {2} {1}) from people order by id", ["sum(pay)", "count(*)"], RANGES, ["", "desc"])
    return plain("\n".join(queries)) + plain("""
        select id, sum(pay) over w, avg(pay) over w from people window w as (partition by team order by id) order by id
        select id, sum(sum(pay)) over (order by id) from people group by id order by id
        select team, sum(pay), rank() over (order by sum(pay) desc) from people group by team order by team
        select id from people where row_number() over (order by id) = 1
        select id, row_number() over () from people
        select id, ntile(0) over (order by id) from people
        select sum(id) over (order by id range between 'a' preceding and current row) from people
        select id, sum(id) over (order by since range between interval 1 year preceding and current row) from people order by id
        select id, count(*) over (order by since range between interval 300 days preceding and interval 1 month following) from people order by id
        select *, row_number() over (partition by team order by id) rn from people qualify rn = 1 order by id
        select id, max(id) over (order by id rows between 1 following and 1 preceding) from people
        select id, sum(distinct id) over (partition by team) from people
        select id, nope() over () from people
        select id, upper(name) over () from people
        select sum(id) over w from people
        select id, lead(name, -1) over (order by id), lag(name, 1, 'none') over (order by id) from people order by id
        select id, percentile(pay, 0.5) over (partition by team), median(pay) over () from people order by id
        select id, count(*) filter (where pay > 80) over (order by id) from people order by id
        select row_number() over (order by x), rank() over (order by x), x from values (double('NaN')), (null), (1D), (-0.0D), (0.0D) t(x) order by 1
    """)
