"""Intervals: literals, arithmetic, extraction, and functions over them."""

from corpus.case import both_modes, lines, products

LITERALS = ["interval 1 year", "interval '1-2' year to month", "interval -3 months", "interval 1 day",
            "interval '1 2:3:4.5' day to second", "interval -90 minutes", "interval '10:20' hour to minute",
            "interval 1 week", "interval 1 month 2 days", "interval 1.5 seconds", "interval '1' year '2' month",
            "interval 25 hours", "interval 5 milliseconds", "interval 7 microseconds"]


def cases():
    shown = products("select {0}, -({0}), typeof({0}), cast({0} as string)", LITERALS)
    arithmetic = products("select {0} {1}", LITERALS, ["* 2", "* 1.5", "/ 2", "/ 0", "+ interval 1 day",
                                                       "+ interval 1 month", "- interval 1 hour", "= interval 1 day"])
    dated = products("select {1} + {0}, {1} - {0}", LITERALS,
                     ["date '2024-01-31'", "timestamp '2024-03-10 01:30:00'", "timestamp_ntz '2024-02-29 00:00:00'"])
    parts = products("select extract({1} from {0})", LITERALS, ["year", "month", "day", "hour", "minute", "second"])
    return both_modes(arithmetic) + both_modes(shown + dated + parts)[: len(shown + dated + parts)] + both_modes(lines("""
        select make_interval(1, 2, 3, 4, 5, 6, 7.5), make_interval(), make_interval(0, 100)
        select make_dt_interval(1, 2, 3, 4.5), make_ym_interval(1, 14), make_ym_interval(178956970, 8)
        select date '2024-03-01' - date '2024-02-01', timestamp '2024-03-01 00:00:00' - timestamp '2024-02-01 12:00:00'
        select sum(x), avg(x), max(x), min(x) from values (interval 1 month), (interval 5 months), (null) t(x)
        select sum(x), avg(x) from values (interval 1 day), (interval '5' hour) t(x)
        select x, count(*) from values (interval 12 months), (interval 1 year), (interval 2 year) t(x) group by x order by x
        select interval 2147483647 months + interval 1 month
        select interval '106751991' day + interval 1 day
        select abs(interval -1 day), signum(interval -1 year), sign(interval 1 month), ceil(interval 1 day)
        select interval 'x' day
        select interval 1 foo
        select date_add(date '2024-01-01', interval 1 day)
        select 2 * interval 1 day, interval 1 day * null, interval 10 days div interval 3 days
        select to_timestamp('2024-01-01') + interval '1' day, try_add(date '2024-01-31', interval 1 month)
    """))
