"""Rows from and to texts: JSON, CSV, XML, and variants."""

from corpus.case import both_modes, lines, products

DOCUMENTS = ['{"a": 1, "b": "x"}', '{"a": "1"}', '{"a": 1.5}', '{"a": null}', '{"b": [1, 2]}', '[{"a": 1}, {"a": 2}]', '{"a": {"c": 3}}',
             '{"a": 1', '', 'null', '5', '"s"', '{"a": true, "A": 2}', '{"a": "2024-01-02"}', '{"a":1e3}']
SCHEMAS = ["a int", "a string", "a double, b string", "a boolean", "a date", "b array<int>", "a struct<c: int>", "array<struct<a: int>>",
           "a map<string, int>", "a bigint, _corrupt_record string", "a decimal(5, 1)", "map<string, string>"]
PATHS = ["$.a", "$.b[0]", "$.a.c", "$[0].a", "$[*].a", "$.b[*]", "$", "$.z", "a"]
ROWS = ["named_struct('a', 1, 'b', null)", "array(1, null)", "map('k', 1.5)", "named_struct('t', timestamp '2024-01-01 00:00:00')",
        "named_struct('x', array(named_struct('y', 'z')))", "named_struct('d', 1.10BD, 'f', 1e10D)", "named_struct('b', X'01')",
        "named_struct('n', double('NaN'))", "named_struct('i', interval 1 day)"]


def cases():
    queries = products("select from_json('{0}', '{1}')", DOCUMENTS, SCHEMAS)
    queries += products("select get_json_object('{0}', '{1}')", DOCUMENTS, PATHS)
    queries += products("select {1}('{0}')", DOCUMENTS, ["schema_of_json", "json_array_length", "json_object_keys", "try_parse_json"])
    queries += products("select {1}({0})", ROWS, ["to_json", "to_csv", "to_xml", "to_variant_object"])
    queries += products("select try_variant_get(parse_json('{0}'), '{1}', '{2}')",
                        ['{"a": 1, "b": ["x"]}', '[1.5, null]', '"7"'], ["$.a", "$.b[0]", "$[0]", "$"], ["int", "string", "double", "variant"])
    both = lines("""
        select from_csv('1,x', 'a int, b string'), from_csv('', 'a int'), from_csv('y', 'a int'), from_csv('1|2', 'a int, b int', map('sep', '|'))
        select from_csv('"a,b",2', 'x string, y int'), schema_of_csv('1,abc,2.5,true'), from_csv('1', 'a int, b int')
        select from_json('{"a": "x"}', 'a int', map('mode', 'FAILFAST'))
        select from_json('{"t": "26/08/2015"}', 't timestamp', map('timestampFormat', 'dd/MM/yyyy'))
        select to_json(named_struct('a', null), map('ignoreNullFields', 'false')), to_json(array(struct(1, 2)), map('pretty', 'true'))
        select json_tuple('{"a": 1, "b": "x"}', 'a', 'b', 'c')
        select from_xml('<p><a>1</a></p>', 'a int'), schema_of_xml('<p><a>1</a><b>x</b></p>'), xpath('<a><b>1</b><b>2</b></a>', 'a/b/text()')
        select xpath_int('<a><b>1</b></a>', 'sum(a/b)'), xpath_string('<a><b>x</b></a>', 'a/b'), xpath_boolean('<a/>', 'b')
        select parse_json('{')
        select variant_get(parse_json('{"a": "x"}'), '$.a', 'int')
        select schema_of_variant(parse_json('{"a": [1, 2.5]}')), is_variant_null(parse_json('null')), typeof(parse_json('1'))
        select parse_json('{"a": {"b": [10, 20]}}'):a.b[1]::int
        select cast(parse_json('[1, 2]') as array<int>), cast(1 as variant), cast(parse_json('"x"') as string)
        select cast(parse_json('{"a": 1}') as struct<a: int>), cast(parse_json('"x"') as int)
        select schema_of_variant_agg(parse_json(j)) from values ('1'), ('{"a": 1}'), ('[true]') t(j)
        select key, value from variant_explode(parse_json('{"a": 1, "b": 2}')) order by 1
        select from_json(x, 'a int') from values ('{"a": 1}'), ('{'), (null) t(x)
        select from_json('{"a": 1}', 'nope nope')
        select from_json(1, 'a int')
        select to_json(1)
    """)
    return both_modes(queries)[: len(queries)] + both_modes(both)
