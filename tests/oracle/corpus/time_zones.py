"""Instants under sessions of several zones, around changes of their clocks."""

from corpus.case import lines, under

ZONES = ["UTC", "America/Los_Angeles", "Asia/Kolkata", "+05:30", "Europe/Berlin", "Australia/Lord_Howe"]
QUERIES = lines("""
    select timestamp '2024-03-10 02:30:00', timestamp '2024-11-03 01:30:00'
    select cast('2024-03-31 02:30:00' as timestamp), cast(timestamp '2024-10-27 02:30:00' as bigint)
    select timestamp '2024-03-10 00:00:00' + interval 1 day, timestamp '2024-03-10 00:00:00' + interval 24 hours
    select timestamp '2024-01-01 00:00:00Z', hour(timestamp '2024-01-01 00:00:00Z'), date(timestamp '2024-01-01 00:00:00Z')
    select cast(timestamp '2024-07-01 12:00:00' as string), cast(date '2024-07-01' as timestamp)
    select from_utc_timestamp('2024-07-01 12:00:00', 'Asia/Seoul'), to_utc_timestamp('2024-07-01 12:00:00', 'Asia/Seoul')
    select convert_timezone('Europe/Brussels', 'America/Los_Angeles', timestamp_ntz '2021-12-06 00:00:00')
    select date_trunc('day', timestamp '2024-03-10 12:00:00'), date_trunc('hour', timestamp '2024-11-03 01:30:00')
    select date_format(timestamp '2024-07-01 12:00:00', 'yyyy-MM-dd HH:mm:ss XXX z VV O')
    select unix_timestamp('2024-07-01 12:00:00'), from_unixtime(1719835200), to_timestamp('2024-07-01 12', 'yyyy-MM-dd HH')
    select cast(timestamp '2024-07-01 12:00:00' as timestamp_ntz), cast(timestamp_ntz '2024-07-01 12:00:00' as timestamp)
    select timestamp '2024-07-01 12:00:00' = timestamp_ntz '2024-07-01 12:00:00', timestamp_ltz '2024-07-01 12:00:00'
    select to_json(named_struct('t', timestamp '2024-07-01 12:00:00', 'd', date '2024-07-01'))
    select from_json('{"t": "2024-07-01T12:00:00"}', 't timestamp'), to_csv(named_struct('t', timestamp '2024-07-01 12:00:00'))
    select current_timezone(), timestamp '1883-11-18 12:00:00', timestamp '1900-01-01 00:00:00'
    select sequence(timestamp '2024-03-09 00:00:00', timestamp '2024-03-11 00:00:00', interval 1 day)
    select make_timestamp(2024, 7, 1, 12, 0, 0), make_timestamp(2024, 7, 1, 12, 0, 0, 'Asia/Tokyo'), make_timestamp_ltz(2024, 7, 1, 1, 1, 1)
    select timestampdiff(hour, timestamp '2024-03-09 12:00:00', timestamp '2024-03-10 12:00:00'), datediff(timestamp '2024-03-10 00:00:00', date '2024-03-09')
    select extract(timezone from timestamp '2024-07-01 12:00:00')
    select array(timestamp '2024-07-01 12:00:00'), map('a', timestamp '2024-07-01 12:00:00'), months_between(timestamp '2024-03-31 00:00:00', timestamp '2024-02-29 12:00:00')
""")


def cases():
    return [case for zone in ZONES for case in under({"spark.sql.session.timeZone": zone}, QUERIES)]
