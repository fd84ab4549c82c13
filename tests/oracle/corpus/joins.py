"""Joins of all kinds, with nulls, other conditions than equality, USING, lateral and duplicated names."""

from corpus.case import plain, products

KINDS = ["join", "left join", "right join", "full join", "left semi join", "left anti join", "cross join"]
CONDITIONS = ["on p.team = t.team", "on p.team <=> t.team", "using (team)", "on p.id < t.floor", "on p.team = t.team and p.pay > 85", "on true",
              "on p.team = t.team or t.floor = 0", "on false", "on p.team = t.team and t.floor > 2", "on upper(p.team) = upper(t.team)", ""]
EMPTY = ["(select * from people where false)", "(select * from teams where false)"]


def cases():
    queries = products("select * from people p {0} teams t {1}", KINDS, CONDITIONS)
    queries += products("select count(*), count(p.id) from people p {0} teams t {1}", KINDS[:4], CONDITIONS[:9])
    queries += products("select * from {1} p {0} teams t on p.team = t.team", KINDS[:6], EMPTY[:1])
    queries += products("select * from people p {0} {1} t on p.team = t.team", KINDS[:6], EMPTY[1:])
    queries += products("select * from people {0} teams", ["natural join", "natural left join", "natural full join", "natural right join", ","])
    queries += products("select a.x, b.y from values ({0}), (null) a(x) join values ({1}), (null) b(y) on a.x = b.y",
                        ["1", "1L", "1.0", "'1'", "1D", "true"], ["1", "1L", "1.0", "'1'", "1D", "true"])
    return plain("\n".join(queries)) + plain("""
        select a.name, b.name from people a join people b on a.boss = b.id order by 1
        select a.name, b.name, c.name from people a left join people b on a.boss = b.id left join people c on b.boss = c.id order by 1
        select team, p.team, t.team from people p full join teams t using (team) order by 1, 2, 3
        select id from people a join people b on a.id = b.id
        select * from people p join teams t on p.nope = t.team
        select * from people p, lateral (select title from teams t where t.team = p.team) order by id
        select * from people p left join lateral (select title from teams t where t.team = p.team) x on true order by id
        select id, e from people, lateral explode(array(id, id * 10)) t(e) order by 1, 2
        select p.id, q.c from people p, lateral (select count(*) c from people b where b.boss = p.id) q order by 1
        select /*+ broadcast(t) */ p.id, t.title from people p join teams t on p.team = t.team order by 1
        select * from people p join teams t on p.team = t.team join sales s on s.amount = t.floor order by id
        select * from (select id from people) a anti join (select boss id from people) b on a.id = b.id order by id
        select * from range(3) a semi join range(1, 5) b using (id) order by id
        select p.* from people p join teams t using (team) order by id
        select t.* from people p right join teams t using (team) order by 1, 2
        select * from people p join teams p on true
        select people.name from people join teams on people.team = teams.team order by 1
        select count(*) from range(10) a cross join range(10) b where a.id + b.id = 9
        select a.x, b.x from values (double('NaN')), (0.0D) a(x) join values (double('NaN')), (-0.0D) b(x) on a.x = b.x
        select a.s from values (struct(1, null)) a(s) join values (struct(1, null)) b(s) on a.s = b.s
    """)
