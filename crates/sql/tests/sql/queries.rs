//! Queries as Spark parses them: the right side of each case stands for what `parsePlan` of Spark 4.2 answers.

use crate::render;

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(render::query(text), *expected, "{text}");
    }
}

#[test]
fn aggregates_and_windows() {
    check(&[
        (
            "SELECT /*+ BROADCAST(a), REPARTITION(3, c) */ /*+ MERGE(b) */ DISTINCT a FROM t",
            "hint[BROADCAST; a](hint[REPARTITION; 3, c](hint[MERGE; b](distinct(project[a](t)))))",
        ),
        ("SELECT a QUALIFY FROM t", "project[a AS QUALIFY](t)"),
        (
            "SELECT a, row_number() OVER (ORDER BY b) r FROM t QUALIFY r = 1",
            "qualify[==(r, 1)](project[a, row_number() over(; b) AS r](t))",
        ),
        (
            "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY b) = 1",
            "qualify[==(row_number() over(; b), 1)](project[a](t))",
        ),
        (
            "SELECT DISTINCT a FROM t ORDER BY a LIMIT 3 OFFSET 2",
            "limit[3](offset[2](sort[a](distinct(project[a](t)))))",
        ),
        ("SELECT a FROM t ORDER BY a WINDOW w AS (PARTITION BY b) LIMIT 3", "limit[3](sort[a](project[a](t)))"),
        (
            "SELECT sum(a) OVER w, sum(b) OVER (w) FROM t WINDOW w AS (PARTITION BY b), v AS w",
            "project[sum(a) over(b; ), sum(b) over(b; )](t)",
        ),
        ("SELECT a, sum(b) FROM t GROUP BY a HAVING sum(b) > 1", "aggregate[a; a, sum(b); having >(sum(b), 1)](t)"),
        ("SELECT sum(b) FROM t HAVING sum(b) > 1", "aggregate[; sum(b); having >(sum(b), 1)](t)"),
        ("SELECT a FROM t HAVING a > 1", "aggregate[; a; having >(a, 1)](t)"),
        ("SELECT a, b, sum(c) FROM t GROUP BY a, b WITH ROLLUP", "aggregate[rollup (a) (b); a, b, sum(c)](t)"),
        ("SELECT a, b, sum(c) FROM t GROUP BY a, b WITH CUBE", "aggregate[cube (a) (b); a, b, sum(c)](t)"),
        (
            "SELECT a, b, sum(c) FROM t GROUP BY a, b GROUPING SETS ((a, b), (a), ())",
            "aggregate[sets (a, b) (a) (); a, b, sum(c)](t)",
        ),
        (
            "SELECT a, b, sum(c) FROM t GROUP BY ROLLUP(a, (b, c)), CUBE(d), GROUPING SETS((a), ROLLUP(b, c), ()), e",
            "aggregate[rollup (a) (b, c), cube (d), sets (a) (b, c) (b) () (), e; a, b, sum(c)](t)",
        ),
        ("SELECT a FROM t GROUP BY ALL", "aggregate[all; a](t)"),
        ("SELECT a FROM t GROUP BY (a, b)", "aggregate[struct(a, b); a](t)"),
        ("SELECT a FROM t GROUP BY 1", "aggregate[1; a](t)"),
        (
            "SELECT * FROM t PIVOT (sum(a) AS s, count(b) FOR c IN ('x' AS y, 'z'))",
            "project[*](pivot[sum(a) AS s, count(b); c; 'x' AS y, 'z'](t))",
        ),
        (
            "SELECT * FROM t PIVOT (sum(a) FOR (c, d) IN ((1, 2) AS x, (3, 4)))",
            "project[*](pivot[sum(a); c, d; struct(1, 2) AS x, struct(3, 4)](t))",
        ),
        ("SELECT * FROM t PIVOT (sum(a) FOR c IN (1)) AS p", "project[*](as[p](pivot[sum(a); c; 1](t)))"),
        ("SELECT * FROM t PIVOT (sum(a) FOR c IN (1)) p", "project[*](as[p](pivot[sum(a); c; 1](t)))"),
        ("SELECT * FROM t UNPIVOT (v FOR n IN (a, b AS c))", "project[*](unpivot[n; v; a | b AS c](t))"),
        (
            "SELECT * FROM t UNPIVOT INCLUDE NULLS ((v, w) FOR n IN ((a, b) AS x, (c, d))) AS u",
            "project[*](as[u](unpivot[n; v, w; a, b AS x | c, d; nulls](t)))",
        ),
        (
            "SELECT window(a, '5 minutes').start, count(*) FROM t GROUP BY window(a, '5 minutes')",
            "aggregate[window(a, '5 minutes'); window(a, '5 minutes')['start'], count(1)](t)",
        ),
    ]);
}

#[test]
fn joins() {
    check(&[
        ("SELECT /*+ MAPJOIN(a.b) */ * FROM t", "hint[MAPJOIN; a.b](project[*](t))"),
        (
            "SELECT * FROM a, b JOIN c ON a.x = c.x, d",
            "project[*](join[Inner](join[Inner on ==(a.x, c.x)](join[Inner](a, b), c), d))",
        ),
        ("SELECT * FROM a JOIN b", "project[*](join[Inner](a, b))"),
        ("SELECT * FROM a CROSS JOIN b", "project[*](join[Cross](a, b))"),
        ("SELECT * FROM a LEFT SEMI JOIN b ON a.x = b.x", "project[*](join[LeftSemi on ==(a.x, b.x)](a, b))"),
        ("SELECT * FROM a SEMI JOIN b USING (x, y)", "project[*](join[LeftSemi using x, y](a, b))"),
        ("SELECT * FROM a ANTI JOIN b USING (x)", "project[*](join[LeftAnti using x](a, b))"),
        ("SELECT * FROM a LEFT ANTI JOIN b USING (x)", "project[*](join[LeftAnti using x](a, b))"),
        (
            "SELECT * FROM a FULL JOIN b USING (x) RIGHT OUTER JOIN c USING (y)",
            "project[*](join[RightOuter using y](join[FullOuter using x](a, b), c))",
        ),
        ("SELECT * FROM a NATURAL LEFT JOIN b", "project[*](join[LeftOuter natural](a, b))"),
        ("SELECT * FROM a NATURAL JOIN b", "project[*](join[Inner natural](a, b))"),
        (
            "SELECT * FROM a JOIN LATERAL (SELECT a.x) t ON true",
            "project[*](join[Inner lateral on true](a, as[t](project[a.x](one))))",
        ),
        ("SELECT * FROM a, LATERAL (SELECT a.x) t", "project[*](join[Inner lateral](a, as[t](project[a.x](one))))"),
        ("SELECT * FROM a, LATERAL explode(a.x) AS t(y)", "project[*](join[Inner lateral](a, as[t(y)](explode(a.x))))"),
        (
            "SELECT * FROM a LEFT JOIN (b JOIN c ON b.x = c.x) ON a.x = b.x",
            "project[*](join[LeftOuter on ==(a.x, b.x)](a, join[Inner on ==(b.x, c.x)](b, c)))",
        ),
        ("SELECT * FROM VALUES (1, 2), (3, 4) AS t(a, b)", "project[*](as[t(a, b)](values(1, 2; 3, 4)))"),
        ("SELECT * FROM (VALUES (1), (2)) t(a)", "project[*](as[t(a)](values(1; 2)))"),
        ("SELECT * FROM range(start => 1, end => 10)", "project[*](range(start => 1, end => 10))"),
        ("SELECT * FROM t LATERAL VIEW explode(a) AS k, v", "project[*](view[explode(a); ; k, v](t))"),
        (
            "SELECT * FROM t LATERAL VIEW explode(a) x k, v LATERAL VIEW explode(b) z WHERE k",
            "project[*](filter[k](view[explode(b); z; ](view[explode(a); x; k, v](t))))",
        ),
        ("SELECT a AS (b, c) FROM t", "project[a AS b+c](t)"),
        (
            "SELECT (SELECT max(b) FROM u WHERE u.x = t.x) FROM t WHERE EXISTS (SELECT 1) AND a IN (SELECT 1) AND (a, b) NOT IN (SELECT 1, 2)",
            "project[scalar(project[max(b)](filter[==(u.x, t.x)](u)))](filter[and(and(exists(project[1](one)), [a] in(project[1](one))), not([a, b] in(project[1, 2](one))))](t))",
        ),
        ("SELECT * FROM t AS x (a, b)", "project[*](as[x(a, b)](t))"),
        (
            "SELECT * FROM ((SELECT 1) a JOIN (SELECT 2) b)",
            "project[*](join[Inner](as[a](project[1](one)), as[b](project[2](one))))",
        ),
        ("SELECT a, FROM t", "project[a, FROM AS t](one)"),
        ("SELECT * FROM a CROSS JOIN b ON true", "project[*](join[Cross on true](a, b))"),
        ("SELECT * FROM a LEFT JOIN b", "project[*](join[LeftOuter](a, b))"),
        ("SELECT * FROM a left join b on true", "project[*](join[LeftOuter on true](a, b))"),
        (
            "SELECT * FROM a JOIN b ON a.x = b.x AND EXISTS (SELECT 1) LEFT JOIN c USING (x)",
            "project[*](join[LeftOuter using x](join[Inner on and(==(a.x, b.x), exists(project[1](one)))](a, b), c))",
        ),
        ("SELECT * FROM a ASOF JOIN b", "project[*](join[Inner](as[ASOF](a), b))"),
    ]);
}

#[test]
fn pipes() {
    check(&[
        ("FROM t |> WHERE a > 1 |> SELECT a, b", "project[a, b](filter[>(a, 1)](t))"),
        ("FROM t |> EXTEND a + 1 AS b, c", "project[*, +(a, 1) AS b, c](t)"),
        ("FROM t |> SET a = 1, b = a + 1", "with_columns[+(a, 1) AS b](with_columns[1 AS a](t))"),
        ("FROM t |> DROP a, b", "project[* except a, b](t)"),
        ("FROM t |> AS u", "as[u](t)"),
        ("FROM t |> AGGREGATE sum(a) AS s GROUP BY b, c AS d", "group[b, c AS d; sum(a) AS s](t)"),
        ("FROM t |> AGGREGATE count(*)", "group[; count(1)](t)"),
        ("FROM t |> AGGREGATE GROUP BY a", "group[a; ](t)"),
        ("FROM t |> ORDER BY a |> LIMIT 3 OFFSET 1", "limit[3](offset[1](sort[a](t)))"),
        ("FROM t |> JOIN u USING (x)", "join[Inner using x](t, u)"),
        ("FROM t |> LEFT JOIN u ON a = b", "join[LeftOuter on ==(a, b)](t, u)"),
        ("FROM t |> UNION ALL SELECT 1", "union all(t, project[1](one))"),
        ("FROM t |> UNION ALL TABLE u", "union all(t, u)"),
        ("FROM t |> PIVOT (sum(a) FOR c IN (1))", "pivot[sum(a); c; 1](t)"),
        ("FROM t |> UNPIVOT (v FOR n IN (a, b))", "unpivot[n; v; a | b](t)"),
        ("FROM t |> TABLESAMPLE (5 ROWS)", "limit[5](t)"),
        ("FROM t |> SELECT DISTINCT a", "distinct(project[a](t))"),
        ("FROM t |> SELECT sum(a)", "project[sum(a)](t)"),
        ("FROM t |> SELECT sum(a) OVER w WINDOW w AS (ORDER BY a)", "project[sum(a) over(; a)](t)"),
        ("SELECT 1 |> SELECT 2", "project[2](project[1](one))"),
        ("TABLE t |> WHERE a |> LIMIT 1", "limit[1](filter[a](t))"),
        ("(SELECT 1) |> WHERE true", "filter[true](project[1](one))"),
        ("SELECT * FROM (FROM t |> LIMIT 1) x", "project[*](as[x](limit[1](t)))"),
        ("SELECT a FROM t |> WHERE a", "filter[a](project[a](t))"),
        ("SELECT a FROM t UNION ALL SELECT b FROM u |> LIMIT 1", "limit[1](union all(project[a](t), project[b](u)))"),
    ]);
}

#[test]
fn relations() {
    check(&[
        ("SELECT 1;", "project[1](one)"),
        ("SELECT FROM t", "project[FROM AS t](one)"),
        ("SELECT /*+ BROADCAST(a) COALESCE(2) */ * FROM t", "hint[BROADCAST; a](hint[COALESCE; 2](project[*](t)))"),
        ("SELECT * FROM (a) x", "project[*](as[x](a))"),
        ("SELECT * FROM (SELECT 1) AS t(a)", "project[*](as[t(a)](project[1](one)))"),
        ("SELECT * FROM (SELECT 1)", "project[*](as[__auto_generated_subquery_name](project[1](one)))"),
        ("VALUES 1, 2", "values(1; 2)"),
        ("SELECT * FROM range(10) AS r(x)", "project[*](as[r(x)](range(10)))"),
        ("SELECT * FROM f(t => TABLE(SELECT 1))", "project[*](f(t => table(project[1](one); ; )))"),
        ("SELECT * FROM t TABLESAMPLE (10 PERCENT) REPEATABLE (5) x", "project[*](sample[0.1, Some(5)](as[x](t)))"),
        ("SELECT * FROM t TABLESAMPLE (5 ROWS)", "project[*](limit[5](t))"),
        ("SELECT * FROM t TABLESAMPLE (BUCKET 1 OUT OF 4)", "project[*](sample[0.25, None](t))"),
        ("SELECT * FROM t LATERAL VIEW explode(a) x AS y", "project[*](view[explode(a); x; y](t))"),
        ("SELECT * FROM t LATERAL VIEW OUTER explode(a) x", "project[*](view[outer explode(a); x; ](t))"),
        ("SELECT * FROM t VERSION AS OF 3", "project[*](t as of 3)"),
        ("SELECT * FROM t FOR VERSION AS OF 'x'", "project[*](t as of x)"),
        ("SELECT * FROM t FOR SYSTEM_VERSION AS OF 1", "project[*](t as of 1)"),
        ("SELECT * FROM t TIMESTAMP AS OF '2020-01-01'", "project[*](t as of '2020-01-01')"),
        ("SELECT * FROM t FOR SYSTEM_TIME AS OF current_date() - 1", "project[*](t as of -(current_date(), 1))"),
        ("FROM t SELECT a WHERE b", "project[a](filter[b](t))"),
        ("FROM t SELECT a SELECT b", "union all(project[a](t), project[b](t))"),
        ("FROM t", "t"),
        ("TABLE t", "t"),
        ("SELECT * FROM parquet.`/x`", "project[*](parquet./x)"),
        ("SELECT * FROM IDENTIFIER('a.b') x", "project[*](as[x](a.b))"),
        ("SELECT * FROM a.b.c.d", "project[*](a.b.c.d)"),
        ("SELECT ALL a FROM t", "project[a](t)"),
        ("SELECT a.b.c.d FROM t", "project[a.b.c.d](t)"),
        ("SELECT 1 WHERE true", "project[1](filter[true](one))"),
        ("SELECT * FROM STREAM t", "project[*](t stream)"),
        ("SELECT * FROM STREAM(t)", "project[*](t stream)"),
        ("SELECT * FROM t x(a)", "project[*](as[x(a)](t))"),
        ("SELECT ((SELECT 1))", "project[scalar(project[1](one))](one)"),
        ("SELECT a:b FROM t", "project[variant_get(a, '$.b', 'variant') AS b](t)"),
        ("SELECT * FROM t AS OF", "project[*](as[OF](t))"),
        ("SELECT case when a then b else c end case FROM t", "project[when(a, b, c) AS case](t)"),
        ("SELECT * FROM t TABLESAMPLE (0.5 PERCENT)", "project[*](sample[0.005, None](t))"),
        ("SELECT * FROM t MATCH_RECOGNIZE (x)", "project[*](as[MATCH_RECOGNIZE(x)](t))"),
    ]);
}

#[test]
fn set_operations_and_orders() {
    check(&[
        ("SELECT a FROM t OFFSET 2", "offset[2](project[a](t))"),
        ("SELECT a FROM t LIMIT ALL", "project[a](t)"),
        ("SELECT a FROM t LIMIT 1 + 1", "limit[+(1, 1)](project[a](t))"),
        ("SELECT a FROM t SORT BY a DESC NULLS FIRST", "sort_within[a desc nulls first](project[a](t))"),
        ("SELECT a FROM t DISTRIBUTE BY a SORT BY b", "sort_within[b](distribute[a](project[a](t)))"),
        ("SELECT a FROM t CLUSTER BY a", "sort_within[a](distribute[a](project[a](t)))"),
        ("SELECT a FROM t ORDER BY ALL DESC", "sort_all[false, None](project[a](t))"),
        ("SELECT * FROM f(TABLE(t) PARTITION BY a ORDER BY b)", "project[*](f(table(t; a; b)))"),
        ("SELECT * FROM f(TABLE(SELECT 1) WITH SINGLE PARTITION)", "project[*](f(table(project[1](one); ;  single)))"),
        (
            "SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4 MINUS SELECT 5",
            "except(except all(union(project[1](one), intersect(project[2](one), project[3](one))), project[4](one)), project[5](one))",
        ),
        (
            "SELECT 1 UNION DISTINCT (SELECT 2 ORDER BY 1) LIMIT 3",
            "limit[3](union(project[1](one), sort[1](project[2](one))))",
        ),
        ("(SELECT 1 LIMIT 1) UNION ALL (SELECT 2)", "union all(limit[1](project[1](one)), project[2](one))"),
        ("SELECT 1 INTERSECT ALL SELECT 2", "intersect all(project[1](one), project[2](one))"),
        (
            "WITH a AS (SELECT 1), b(x) AS (SELECT * FROM a) SELECT * FROM b",
            "with(a[]=project[1](one), b[x]=project[*](a); project[*](b))",
        ),
        (
            "WITH a AS (SELECT 1) SELECT * FROM (WITH b AS (SELECT 2) SELECT * FROM b)",
            "with(a[]=project[1](one); project[*](as[__auto_generated_subquery_name](with(b[]=project[2](one); project[*](b)))))",
        ),
        (
            "WITH RECURSIVE r(n) AS (VALUES 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
            "with_recursive(r[n]=union all(values(1), project[+(n, 1)](filter[<(n, 5)](r))); project[*](r))",
        ),
        ("WITH a (SELECT 1) SELECT * FROM a", "with(a[]=project[1](one); project[*](a))"),
        ("SELECT * FROM t WITH (a = 1, 'b' = 'c')", "project[*](t a=1 b=c)"),
        ("SELECT t.* EXCEPT (a) FROM t", "project[t.* except a](t)"),
        ("SELECT * FROM ((SELECT 1) UNION (SELECT 2)) t", "project[*](as[t](union(project[1](one), project[2](one))))"),
        ("WITH t AS (SELECT 1) TABLE t", "with(t[]=project[1](one); t)"),
        ("SELECT a FROM t ORDER BY a NULLS LAST, b DESC", "sort[a nulls last, b desc](project[a](t))"),
    ]);
}
