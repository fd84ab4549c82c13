"""Set operations, subqueries, common tables, generators, sorting and limits."""

from corpus.case import plain, products

SETS = ["union", "union all", "intersect", "intersect all", "except", "except all", "minus"]
LEFT = ["values (1), (1), (2), (null), (null)", "select i from numbers", "select 1", "select 'a'"]
RIGHT = ["values (1), (null), (3)", "select s from numbers", "select 2.5", "select null", "select date '2024-01-01'"]
ORDERS = ["{0}", "{0} desc", "{0} asc nulls last", "{0} desc nulls first", "-{0}", "{0} % 2, {0}"]


def cases():
    queries = products("({1}) {0} ({2})", SETS, LEFT, RIGHT)
    queries += ["select " + column + " from numbers order by " + order.format(column) for column in "itldc" for order in ORDERS]
    queries += products("select * from people where pay {0} (select {1}(pay) from people)", ["=", "<", ">=", "in", "not in"], ["max", "avg"])
    queries += products("select id from people p where {0} (select 1 from teams t where t.team {1} p.team) order by id",
                        ["exists", "not exists"], ["=", "<=>", "<", "!="])
    queries += products("select id from people where {0} in (select {1} from {2}) order by id",
                        ["team", "not team", "id", "boss", "(id, team)"], ["team", "floor", "floor, team"], ["teams"])
    queries += products("select i from numbers order by i limit {0} offset {1}", ["0", "2", "100", "all", "1 + 1"], ["0", "3", "100"])
    return plain("\n".join(queries)) + plain("""
        select id, (select title from teams t where t.team = p.team) from people p order by id
        select id, (select max(b.pay) from people b where b.boss = p.id) from people p order by id
        select (select id from people)
        select (select id, name from people where id = 1)
        select (select id from people where false), exists(select 1 where false)
        select id from people p where pay > (select avg(pay) from people b where b.team = p.team) order by id
        select id from people p where pay = (select max(pay) from people b where b.team <=> p.team) order by id
        with a as (select 1 x), b as (select x + 1 y from a) select * from a, b
        with a(x) as (select 1), a as (select 2) select * from a
        with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r order by n
        with recursive r as (select 1 n union all select n + 1 from r) select * from r limit 3
        with t as (select * from people) select count(*) from t where team in (select team from t where pay > 85)
        select * from range(3) union all select * from range(2) order by id
        select * from range(1, 10, 3), range(2) order by 1, 2
        select 1 union select 2 intersect select 2 order by 1
        select * from values (1, 'a'), (2, 'b') order by col1 desc
        select * from values (1), (2, 3)
        select * from values (1), ('a')
        values (1, 'a'), (2, null)
        table teams
        from people select id where id < 3 order by id
        select * except (pay, since) from people order by id
        select * except (nope) from people
        select p.id, t.* from people p, teams t where p.team = t.team order by id
        select id as a, a + 1 as b, b * 2 from people order by id
        select 1 as x, x from people limit 1
        select explode(array(1, 2)), explode(array(3))
        select id, x from nested lateral view explode(xs) t as x order by id, x
        select id, x from nested lateral view outer explode(xs) t as x order by id, x
        select id, k, v from nested lateral view explode(m) t as k, v order by id, k
        select id, p, x from nested lateral view outer posexplode(xs) t as p, x order by id, p
        select * from explode(array(1, 2)) t(x)
        select * from stack(2, 1, 2, 3) order by 1
        select * from json_tuple('{"a": 1}', 'a', 'b')
        select id, explode(xs) + 1 from nested
        select explode(xs), id from nested where size(xs) > 0
        select explode(explode(array(array(1))))
        select sum(explode(array(1)))
        select inline(array(struct(1, 2))), 5
        select * from nope(1)
        select * from range('a')
        select * from people tablesample (100 percent) order by id
        select * from people where id is distinct from 1 and team is not distinct from null
        select * from people where team in ('eng', null) order by id
        select * from people where team not in ('eng', null)
        select * from people where not (pay > 80) order by id
        select id from people where name like '%e%' or pay is null order by id
        select name from people order by length(name), pay desc, 1 limit 2
        select name n from people order by n desc
        select name from people order by 2
        select name from people order by nope
        select distinct team from people order by pay
        select team from people group by team order by max(pay) desc nulls last
        select id from people sort by id desc
        select id from people distribute by team
        select * from (select id from people order by id desc limit 2) order by id
        select people.id, x.id from people, (select 7 as id) x order by 1
        select identifier('id') from identifier('people') order by 1
        select * from people |> where id > 4 |> select id, name |> order by id
        from people |> aggregate count(*) as n group by team |> order by team nulls first
        from people |> extend pay * 2 as p2 |> set pay = 0 |> drop since |> where id = 1
        from people |> limit 0
        select `id` from `people` where `people`.`id` = 1
        select spark_catalog.default.people.id from people
        select id id from people having id > 3
        select current_database(), current_catalog()
        select typeof(null), typeof(1), typeof(1.0), typeof('a'), typeof(array()), typeof(struct(1)), typeof(interval 1 day)
        select * from (values (1, 2) as t(a, a))
        select a from (values (1, 2) as t(a, a))
        select count(*) from (select * from people cross join teams)
    """)
