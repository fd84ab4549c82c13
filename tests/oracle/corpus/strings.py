"""Functions over texts: positions, padding, patterns, splitting, formats and encodings."""

from corpus.case import both_modes, lines, products

TEXTS = ["'Spark SQL'", "''", "' x '", "'Größe'", "'日本語'", "null", "'a,b,,c'", "'😀b'"]
CALLS = ["length", "char_length", "octet_length", "bit_length", "upper", "lower", "initcap", "reverse", "trim", "ltrim",
         "rtrim", "ascii", "hex", "md5", "sha1", "crc32", "base64", "soundex", "quote", "hash", "xxhash64", "is_valid_utf8",
         "luhn_check", "encode", "to_binary"]
POSITIONS = ["-10", "-2", "0", "1", "3", "100", "null"]
PATTERNS = ["'%'", "'_%'", "'S%L'", "'%k S%'", "'a,b%c'", "'ß'", "'\\\\%'", "''"]
REGEXES = ["'[a-z]+'", "'(\\\\w)(\\\\w)'", "','", "'^$'", "'('", "'.'", "'\\\\s'"]


def cases():
    queries = products("select {1}({0})", TEXTS, CALLS)
    queries += products("select substr({0}, {1}), substring({0}, {1}, 2), left({0}, {1}), right({0}, {1})", TEXTS, POSITIONS)
    queries += products("select lpad({0}, {1}, 'xy'), rpad({0}, {1}), repeat({0}, {1})", TEXTS[:5], POSITIONS[:5])
    queries += products("select {0} like {1}, {0} not like {1}, {0} ilike {1}", TEXTS, PATTERNS)
    queries += products("select {0} rlike {1}, regexp_replace({0}, {1}, '-'), split({0}, {1})", TEXTS[:7], REGEXES)
    queries += products("select regexp_extract({0}, {1}, 0), regexp_extract_all({0}, {1}, 0), regexp_count({0}, {1}), "
                        "regexp_instr({0}, {1}), regexp_substr({0}, {1})", TEXTS[:7], REGEXES)
    both = lines("""
        select concat('a', null), concat('a', 1, true), concat_ws('-', 'a', null, array('b', null)), 'a' || 1 || null
        select instr('abcabc', 'c'), locate('c', 'abcabc', 4), position('b' in 'abc'), charindex('z', 'abc'), locate('a', 'abc', 0)
        select elt(2, 'a', 'b'), elt(3, 'a', 'b')
        select field('b', 'a', 'b'), find_in_set('b', 'a,b'), find_in_set('x,', 'a'), substring_index('a.b.c', '.', -2)
        select translate('AaBbCc', 'abc', '12'), replace('abcabc', 'b', 'X'), replace('abc', 'b'), overlay('SparkSQL' placing '_' from 6)
        select format_number(12332.123456, 4), format_number(12332.5, '##.#'), format_number(-0.5, 0), format_number(null, 2)
        select format_string('%s %d %05.2f', 'x', 3, 2.5D), printf('%x', 255)
        select to_number('1,234.5', '9,999.9'), to_char(1234.5, '9,999.9'), to_char(-5, 'S99'), try_to_number('x', '9')
        select to_number('x', '9')
        select split('a,b,c', ',', 2), split_part('a.b.c', '.', -1), split_part('a.b', '.', 5)
        select split_part('a.b', '.', 0)
        select levenshtein('kitten', 'sitting'), levenshtein('kitten', 'sitting', 2), soundex('Robert'), char(65), chr(256 + 66)
        select unhex('4D'), unhex('4'), unhex('zz'), unbase64('U3Bhcms='), decode(encode('ä', 'UTF-16BE'), 'UTF-16BE')
        select encode('ä', 'US-ASCII')
        select encode('a', 'nope')
        select startswith('Spark', 'Sp'), endswith('Spark', 'k'), contains('Spark', null), contains(X'0102', X'02')
        select 'it''s', "double", r'raw\\n', 'tab\\tend', 'u\\u0041', 'a' 'b', 'back\\\\slash', '\\%'
        select parse_url('http://u:p@h.com:80/p/a?q=1&r=2#f', 'HOST'), parse_url('http://h.com/?q=1', 'QUERY', 'q'), try_parse_url('x y', 'HOST')
        select parse_url('not a url', 'HOST')
        select url_encode('a b&c'), url_decode('a+b%26c'), try_url_decode('%zz')
        select url_decode('%zz')
        select sentences('Hi there! Bye.'), str_to_map('a:1,b:2'), str_to_map('a=1;b', ';', '=')
        select mask('AbC-12'), mask('AbC-12', 'X', 'x', 'd', '-'), randstr(0, 1), space(3), repeat('ab', 0)
        select 'a' < 'b', 'a' < 'B', 'a' = 'a ', '10' < '9', 10 < '9', 'abc' > null
        select 'x' like 'x!%' escape '!', 'x%' like 'x!%' escape '!'
        select 'abc' like any ('a%', 'z%'), 'abc' like all ('a%', '%c'), 'abc' not like any ('a%'), 'abc' rlike 'B'
        select g || '!', upper(g), length(g), concat(g, i) from numbers order by i
        select sha2('a', 256), sha2('a', 0), sha2('a', 7), sha('a'), crc32('a'), hash(1, 'a', null), xxhash64(1, 'a')
        select cast('a' as char(3)), cast('abcd' as varchar(2)), length(cast('a' as char(3)))
        select 'a' collate utf8_lcase = 'A', collation('a'), lower('A' collate unicode_ci), 'a' collate unicode_ci = 'Á'
        select listagg(g, ',') within group (order by g) from numbers
        select string_agg(g) from (select g from numbers where i < 3 order by i)
        select btrim('xxaxx', 'x'), trim(leading 'x' from 'xxa'), trim(trailing from 'a  '), ltrim('xy', 'yxa')
        select to_char(date '2024-01-02', 'yyyy'), to_varchar(12, '99'), to_char(X'ff', 'hex'), to_binary('zz', 'hex')
        select ascii('é'), char(233), unicode_normalize('a'), length('e\\u0301')
        select make_valid_utf8(X'ff'), validate_utf8('a'), try_validate_utf8(X'ff'), is_valid_utf8(X'ff')
    """)
    return both_modes(queries)[: len(queries)] + both_modes(both)
