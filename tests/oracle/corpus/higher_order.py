"""Arrays, maps and structs, and functions that take functions."""

from corpus.case import both_modes, lines, plain, products

ARRAYS = ["array(3, 1, null, 2)", "array()", "cast(null as array<int>)", "array('b', 'a', 'b')", "array(1.5D, double('NaN'))",
          "array(array(1), array())"]
CALLS = ["size", "cardinality", "array_size", "sort_array", "array_sort", "array_max", "array_min", "array_distinct", "reverse",
         "array_compact", "flatten", "explode", "posexplode", "explode_outer", "inline", "concat", "element_at", "try_element_at"]
WITH = ["array_contains({0}, 1)", "array_position({0}, 1)", "array_remove({0}, 1)", "array_append({0}, 9)",
        "array_prepend({0}, 9)", "array_insert({0}, 2, 7)", "array_insert({0}, -2, 7)", "array_repeat({0}, 2)",
        "slice({0}, 2, 2)", "slice({0}, -1, 1)", "element_at({0}, 1)", "element_at({0}, -1)", "element_at({0}, 9)",
        "({0})[0]", "({0})[9]", "get({0}, 9)", "array_union({0}, {0})", "array_except({0}, array(1))",
        "array_intersect({0}, array(1))", "arrays_overlap({0}, array(1))", "array_join({0}, '-', 'N')",
        "transform({0}, x -> x)", "transform({0}, (x, i) -> i)", "filter({0}, x -> x is not null)", "exists({0}, x -> x > 1)",
        "forall({0}, x -> x > 0)", "aggregate({0}, 0, (a, x) -> a + 1)", "zip_with({0}, {0}, (a, b) -> a = b)",
        "arrays_zip({0}, array(1))", "array_sort({0}, (a, b) -> case when a < b then 1 else -1 end)", "sort_array({0}, false)",
        "to_json({0})", "cast({0} as string)", "hash({0})", "{0} = {0}", "concat({0}, {0})", "shuffle(array(1))"]
MAPS = ["map('a', 1, 'b', null)", "map()", "cast(null as map<string, int>)", "map(1, array(2), 3, array())"]
OF_MAPS = ["map_keys({0})", "map_values({0})", "map_entries({0})", "size({0})", "({0})['a']", "element_at({0}, 'a')",
           "map_filter({0}, (k, v) -> v is not null)", "transform_values({0}, (k, v) -> k)", "transform_keys({0}, (k, v) -> 1)",
           "map_concat({0}, {0})", "map_contains_key({0}, 1)", "explode({0})", "cast({0} as string)", "{0} = {0}", "to_json({0})",
           "map_zip_with({0}, {0}, (k, a, b) -> a)", "array({0})", "try_element_at({0}, 'z')", "posexplode({0})"]


def cases():
    calls = products("select {1}({0})", ARRAYS, CALLS)
    calls += ["select " + call.format(array) for array in ARRAYS for call in WITH]
    calls += ["select " + call.format(value) for value in MAPS for call in OF_MAPS]
    return both_modes(calls)[: len(calls)] + both_modes([f"select {c.format('array(1, 2)')}" for c in WITH[10:16]]) + plain("""
        select sequence(1, 5), sequence(5, 1, -2), sequence(1, 1), sequence(1, 5, 2)
        select sequence(1, 5, -1)
        select sequence(1, 5, 0)
        select array(1, 2.5, null), array(1, 'a'), array(), map(1, 2, 3, 4L), array(map(1, 2), null)
        select map(1, 2, 1, 3)
        select map(null, 1)
        select map('a')
        select map_from_arrays(array(1, 2), array('a', 'b')), map_from_entries(array(struct(1, 'a'), struct(2, 'b')))
        select map_from_arrays(array(1, 2), array('a'))
        select named_struct('a', 1, 'b', 'x').b, struct(1, 2).col1, struct(i, g).g from numbers where i = 1
        select st.x, st.y, xs[0], m['a'], m.a from nested order by id
        select id, size(xs), size(m), cardinality(xs), st is null from nested order by id
        select id, st.nope from nested
        select struct(1, 'a') = struct(1, 'a'), struct(1) < struct(2), array(1, 2) < array(1, 3), array(null) <=> array(null)
        select reduce(array(1, 2, 3), 0, (a, x) -> a + x, a -> a * 10), aggregate(array('a', 'b'), '', (a, x) -> a || x)
        select transform(xs, x -> x + id) from nested order by id
        select filter(xs, x -> x > id), filter(xs, (x, i) -> i = 0) from nested order by id
        select transform(array(array(1), array(2, 3)), x -> transform(x, y -> y * 2))
        select x -> x
        select transform(array(1), x -> nope)
        select transform(array(1), (a, b, c) -> a)
        select filter(array(1), x -> x)
        select array_sort(array(struct(2, 'a'), struct(1, 'b'))), sort_array(array('b', null, 'a'), false)
        select inline(array(struct(1, 'a'), struct(2, 'b')))
        select stack(2, 1, 'a', 2, 'b'), 7
        select array_contains(array(1, 2), '1'), array_contains(array(1), null)
        select collect_list(x), sort_array(collect_set(x)) from values (2), (1), (2), (null) t(x)
        select with_field(named_struct('a', 1), 'b', 2)
        select to_json(st), to_json(xs), to_json(m) from nested order by id
        select array_agg(x) from values (1), (2) t(x)
        select arrays_zip(array(1, 2), array('a')), arrays_zip(xs, xs) from nested order by id
        select * from nested order by id
        select st.* from nested order by id
        select named_struct('a', null), struct(null), array(null), map('k', null), typeof(array(null)), typeof(map('a', null))
    """)
