"""What Spark refuses: texts that are no SQL, names that are nowhere, types that don't fit, values that overflow."""

from corpus.case import both_modes, lines


def cases():
    return both_modes(lines("""
        selec 1
        select
        select 1 from
        select * from people where
        select (1
        select 'abc
        select 1 as
        select 1 2 3
        select * people
        select 1 group
        select from where
        select case when true then 1
        select cast(1 as nope)
        select cast(1 as decimal(39, 0))
        select cast(1 as decimal(2, 3))
        select 1Z
        select 128Y
        select 99999999999L
        select 1 = = 2
        select nope
        select people.nope from people
        select nope.id from people
        select i.x from numbers
        select st.x.y from nested
        select id from people a, people b
        select nope(1)
        select nope.nope(1)
        select * from nope
        select * from nope.nope
        select * from nope.nope.nope.nope
        select abs()
        select abs(1, 2)
        select abs('x')
        select abs(array(1))
        select upper(1, 2)
        select substring('a')
        select 1 + true
        select 1 + array(1)
        select 'a' + 'b'
        select 'a' + 1
        select date '2024-01-01' + date '2024-01-01'
        select date '2024-01-01' * 2
        select true + true
        select not 1
        select 1 and true
        select 'a' and true
        select if(1, 2, 3)
        select case when 1 then 2 end
        select case when true then 1 else array(1) end
        select 1 in (array(1))
        select 1 in (select id, name from people)
        select coalesce(1, array(2))
        select 1 = array(1)
        select array(1) = map(1, 2)
        select map(1, 2) = map(1, 2)
        select array(1, array(2))
        select array(1)['a']
        select map('a', 1)[array(1)]
        select array(1)[5]
        select element_at(array(1), 0)
        select 1 / 0
        select 1 % 0
        select 1 div 0
        select 127Y + 1Y
        select 2147483647 + 1
        select 9223372036854775807 + 1
        select -(-2147483648)
        select abs(-9223372036854775808)
        select cast('x' as int)
        select cast(1e30 as int)
        select cast(300 as tinyint)
        select cast('2024-13-01' as date)
        select 1 where 'x'
        select 1 where 1
        select * from people where sum(id) > 1
        select sum(id), name from people
        select sum(sum(id)) from people
        select id from people group by name
        select id from people order by sum(id)
        select id from people group by 5
        select id from people order by 5
        select count(distinct *) from people
        select * from people limit -1
        select * from people limit id
        select * from people limit 'a'
        select row_number() from people
        select explode(1)
        select explode(array(1)) + 1
        select id from people where explode(array(1)) = 1
        select * from people join teams
        select * from people join teams using (nope)
        select * from people join teams on id
        select 1 union select 1, 2
        select 1 union select array(1)
        select raise_error('boom')
        select assert_true(false)
        select assert_true(false, 'no')
        select assert_true(true)
        select raise_error('USER_RAISED_EXCEPTION', map('errorMessage', 'm'))
        select to_date('x', 'yyyy')
        select date_format(date '2024-01-01', 'yyyyb')
        select timestamp '2024-99-01 00:00:00'
        select interval '1' nope
        select X'1'
        select lateral 1
        select * from values (1) t(a, b)
        with a as (select 1) select * from b
        select a.b.c.d.e from people
        select x'zz'
        select current_date(1)
        select struct(1).nope
        select named_struct('a')
        select named_struct(1, 2)
        select make_date(2024, 1)
        select transform(array(1), 1)
        select from_json('{}', 1)
        select regexp_replace('a', '(', 'b')
        select regexp_extract('a', 'a', 3)
        select format_number(1, 'x')
        select conv('1', 100, 10)
        select repeat('a', 'b')
        select sha2('a', 'b')
        select approx_percentile(id, 2.0) from people
        select percentile(id, -1) from people
        select ntile(-1) over (order by id) from people
        select width_bucket(1, 2)
        select :x
        select ?
        select bround('x', 1)
        select length(array(1))
        select date_add('2024-01-01', 'x')
        select date_add('2024-01-01', 1.5)
        select array_contains(1, 1)
        select array_join(array(1), 1)
        select map_concat(map(1, 2), array(1))
        select sort_array(1)
        select stack(2)
        select greatest(1)
        select greatest(1, array(1))
        select nullif(1)
        select lag(1) from people
        select first(id, 'x') from people
        select grouping(id) from people
        select count(id) filter (where 1) from people
        select sum(name) from people
        select max(map(1, 2)) from people
    """))
