"""Dates and timestamps: functions, patterns, parts and ranges."""

from corpus.case import both_modes, lines, products

MOMENTS = ["date '2024-02-29'", "date '1969-12-31'", "date '0001-01-01'", "timestamp '2024-12-31 23:59:59.999999'",
           "timestamp '1582-10-04 12:00:00'", "timestamp_ntz '2024-06-15 08:30:00'", "'2024-05-05'", "null"]
PARTS = ["year", "quarter", "month", "week", "day", "dayofweek", "dow_iso", "doy", "hour", "minute", "second", "yearofweek",
         "epoch", "mons"]
FUNCTIONS = ["year", "quarter", "month", "weekofyear", "day", "dayofweek", "weekday", "dayofyear", "hour", "minute", "second",
             "last_day", "dayname", "monthname", "unix_date", "to_date", "to_timestamp", "unix_micros", "date",
             "to_unix_timestamp", "typeof"]
PATTERNS = ["yyyy-MM-dd", "dd/MM/yy", "MMM d, yyyy", "MMMM", "E", "EEEE", "D", "q", "QQQ", "HH:mm:ss", "h:mm a", "SSS", "SSSSSS",
            "yyyyMMdd'T'HHmmss", "XXX", "z", "VV", "G", "u", "Y", "w", "L", "K", "k", "e", "''", "[yyyy]", "yyyyyyy", "a"]
UNITS = ["year", "yyyy", "quarter", "month", "mm", "week", "day", "hour", "minute", "second", "millisecond", "decade", "x"]


def cases():
    queries = products("select extract({1} from {0})", MOMENTS[:6], PARTS)
    queries += products("select {1}({0})", MOMENTS, FUNCTIONS)
    queries += products('select date_format({0}, "{1}")', MOMENTS[:1] + MOMENTS[3:4], PATTERNS)
    queries += products("select trunc({0}, '{1}'), date_trunc('{1}', {0})", MOMENTS[:1] + MOMENTS[3:4], UNITS)
    queries += products("select timestampadd({1}, 5, {0}), timestampdiff({1}, {0}, timestamp '2025-01-01 00:00:00')",
                        MOMENTS[:1] + MOMENTS[3:4], UNITS[:1] + UNITS[2:4] + UNITS[5:11])
    parsed = [("2024-02-30", "yyyy-MM-dd"), ("29/02/24", "dd/MM/yy"), ("2024", "yyyy"), ("10:11", "HH:mm"), ("x", "yyyy"),
              ("Feb 3, 2024", "MMM d, yyyy"), ("2024-02-03 04:05:06.7", "yyyy-MM-dd HH:mm:ss.S"), ("12 AM", "h a"),
              ("2024-060", "yyyy-DDD"), ("20240203", "yyyyMMdd"), ("2024-02-03 trailing", "yyyy-MM-dd"),
              ("2024-02-03T01:02:03+05:30", "yyyy-MM-dd'T'HH:mm:ssXXX"), ("Mon", "E"), ("2024-W05", "YYYY-'W'ww")]
    both = [f'select {name}("{text}", "{pattern}")' for text, pattern in parsed
            for name in ("to_date", "to_timestamp", "try_to_timestamp", "to_unix_timestamp")]
    both += lines("""
        select make_date(2024, 2, 30)
        select make_timestamp(2024, 2, 29, 23, 59, 60), make_timestamp(2024, 1, 1, 0, 0, 1.5)
        select make_timestamp(2024, 13, 1, 0, 0, 0)
        select next_day('2024-02-29', 'MON'), next_day('2024-02-29', 'xx')
        select date_add('2024-02-28', 2), date_sub('2024-03-01', 1), add_months('2024-01-31', 1), datediff('2024-03-01', '2024-02-01')
        select date_add('x', 1)
        select months_between('2024-03-31', '2024-02-29'), months_between('2024-03-15', '2024-02-29', false)
        select from_unixtime(0), from_unixtime(1700000000, 'yyyy'), timestamp_seconds(1.5), timestamp_millis(1500), timestamp_micros(1)
        select date_from_unix_date(-1), unix_seconds(timestamp '1970-01-02 00:00:00'), unix_millis(timestamp '1970-01-01 00:00:01.5')
        select sequence(date '2024-01-30', date '2024-03-01', interval 1 month)
        select sequence(timestamp '2024-01-01 00:00:00', timestamp '2024-01-01 03:00:00', interval 90 minutes)
        select date '2024-01-01' + 1, date '2024-01-01' - 1, date '2024-01-02' > '2024-01-01', date '2024-01-01' = timestamp '2024-01-01 00:00:00'
        select date '2024-13-01'
        select timestamp 'x'
        select window.start, window.end, count(*) from values (timestamp '2024-01-01 00:00:10'), (timestamp '2024-01-01 00:07:00') t(x) group by window(x, '5 minutes') order by 1
        select session_window.start, count(*) from values (timestamp '2024-01-01 00:00:10'), (timestamp '2024-01-01 00:01:00'), (timestamp '2024-01-01 01:00:00') t(x) group by session_window(x, '5 minutes') order by 1
        select time '10:00:00' + interval 1 hour, time_trunc('HOUR', time '10:20:30'), make_time(1, 2, 3.5), time_diff('MINUTE', time '10:00', time '11:30')
        select date_part('year', date '2024-01-01'), date_part('foo', date '2024-01-01')
        select min(since), max(since), count(distinct since) from people
        select year(since) y, count(*) from people group by 1 order by 1 nulls last
    """)
    return both_modes(queries)[: len(queries)] + both_modes(both)
