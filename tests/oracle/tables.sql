create temporary view numbers as select * from values
  (1, cast(1 as tinyint), cast(10 as smallint), 100L, 1.5F, 2.25D, cast(1.10 as decimal(10, 2)), 'a'),
  (2, cast(-2 as tinyint), cast(-20 as smallint), -200L, -2.5F, double('NaN'), cast(-2.25 as decimal(10, 2)), 'b'),
  (3, null, cast(30 as smallint), null, float('NaN'), double('-Infinity'), null, 'a'),
  (4, cast(127 as tinyint), null, 9223372036854775807L, null, -0.0D, cast(99999999.99 as decimal(10, 2)), null),
  (5, cast(-128 as tinyint), cast(32767 as smallint), 0L, float('Infinity'), null, cast(0 as decimal(10, 2)), 'c'),
  (null, null, null, null, null, null, null, null)
  as t(i, t, s, l, f, d, c, g);
create temporary view people as select * from values
  (1, 'Ann', 'eng', 100, date '2020-01-15', null),
  (2, 'Bob', 'eng', 90, date '2021-06-01', 1),
  (3, 'Cid', 'ops', 80, date '2019-11-30', 1),
  (4, 'Dee', 'ops', 80, date '2022-02-28', 3),
  (5, 'Eve', null, 120, null, 3),
  (6, 'Fay', 'law', null, date '2020-02-29', 9)
  as t(id, name, team, pay, since, boss);
create temporary view teams as select * from values
  ('eng', 'Engines', 2), ('ops', 'Operations', 3), ('art', 'Art', 0), (null, 'Nobody', null)
  as t(team, title, floor);
create temporary view sales as select * from values
  (2023, 'q1', 'x', 10), (2023, 'q2', 'x', 20), (2023, 'q1', 'y', 5), (2024, 'q1', 'x', 7),
  (2024, 'q2', 'y', null), (2024, 'q3', 'y', 9), (2024, null, 'x', 1)
  as t(year, quarter, item, amount);
create temporary view nested as select * from values
  (1, array(3, 1, null), map('a', 1, 'b', 2), named_struct('x', 1, 'y', 'p')),
  (2, array(), map(), named_struct('x', null, 'y', 'q')),
  (3, null, null, null)
  as t(id, xs, m, st);
