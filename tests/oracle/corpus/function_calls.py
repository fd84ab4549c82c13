"""Every built-in function: the examples of its own documentation, and calls made from them with other arguments."""

import re

from corpus.case import ANSI_OFF, Case, both_modes, under

# What answers otherwise each time, or by the machine.
UNSTABLE = set(
    """rand random randn randstr uniform uuid shuffle now current_timestamp current_date curdate current_time
    localtimestamp unix_timestamp current_user user session_user current_catalog current_database current_schema
    current_timezone input_file_name input_file_block_start input_file_block_length monotonically_increasing_id
    spark_partition_id version java_method reflect try_reflect aes_encrypt python_worker_logs
    current_path raise_error""".split()
)

# Sums of floating point in the order of rows, and sketches whose size depends on it, are asked for in other themes.
EXAMPLE = re.compile(r"^\s*> (SELECT .*?);\s*$", re.M | re.S | re.I)
UNSTABLE_CALL = re.compile(r"\b(" + "|".join(UNSTABLE) + r")\s*\(|\bcurrent_(date|timestamp|time)\b", re.I)
# An argument which is no value: a lambda, a name, a keyword, an unbound column of the example's own.
NO_VALUE = re.compile(r"->|=>|\bDISTINCT\b|\bFROM\b|\bORDER BY\b|\bAS\b(?! \w+\))|\*", re.I)


def documented(spark) -> dict[str, list[str]]:
    """The examples of each function."""
    examples = {}
    for row in spark.sql("show system functions").collect():
        name = row[0]
        if name in UNSTABLE or not re.fullmatch(r"\w+", name):
            continue
        text = "\n".join(r[0] for r in spark.sql(f"describe function extended {name}").collect())
        found = [" ".join(query.split("\n")) if "'" not in query else query for query in EXAMPLE.findall(text)]
        examples[name] = [query for query in found if not UNSTABLE_CALL.search(query)]
    return examples


def split_arguments(text: str) -> list[str] | None:
    """A call's arguments, or nothing where brackets or quotes don't pair."""
    arguments, depth, quote, start = [], 0, None, 0
    for at, letter in enumerate(text):
        if quote:
            quote = None if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if depth < 0:
                return None
        elif letter == "," and depth == 0:
            arguments.append(text[start:at].strip())
            start = at + 1
    if quote or depth:
        return None
    arguments.append(text[start:].strip())
    return [argument for argument in arguments if argument]


def call_of(name: str, examples: list[str]) -> list[str] | None:
    """The arguments of the first example that is one plain call."""
    for query in examples:
        match = re.fullmatch(rf"SELECT {name}\((.*)\)", query.strip(), re.I | re.S)
        arguments = match and split_arguments(match[1])
        if arguments and not any(re.search(r"=>|\bDISTINCT\b|\bFROM\b", argument, re.I) for argument in arguments):
            return arguments
    return None


def examples(spark) -> list[Case]:
    """What the documentation shows, in both modes where a mode may matter."""
    return [Case(query) for queries in documented(spark).values() for query in queries]


def calls(spark):
    for name, queries in documented(spark).items():
        if arguments := call_of(name, queries):
            yield name, arguments


def replaced(arguments: list[str], at: int, by: str) -> str:
    return ", ".join(arguments[:at] + [by] + arguments[at + 1 :])


def nulls(spark) -> list[Case]:
    """NULL in the place of each argument."""
    return [
        Case(f"SELECT {name}({replaced(arguments, at, 'NULL')})")
        for name, arguments in calls(spark)
        for at in range(len(arguments))
        if "->" not in arguments[at]
    ]


def columns(spark) -> list[Case]:
    """Columns in the places of literals, with a row of nulls."""
    cases = []
    for name, arguments in calls(spark):
        values = [argument for argument in arguments if not NO_VALUE.search(argument)]
        if not values:
            continue
        names = {argument: f"c{at}" for at, argument in enumerate(values)}
        call = ", ".join(names.get(argument, argument) for argument in arguments)
        first, empty = ", ".join(values), ", ".join(["NULL"] * len(values))
        columns_ = ", ".join(f"c{at}" for at in range(len(values)))
        cases.append(Case(f"SELECT {name}({call}) FROM VALUES ({first}), ({empty}) AS t({columns_})"))
    return cases


def wrong_values(spark) -> list[Case]:
    """A text, and a number, where something else is expected, in both modes; and too few and too many arguments."""
    queries = []
    for name, arguments in calls(spark):
        queries.append(f"SELECT {name}({replaced(arguments, 0, chr(39) + 'abc' + chr(39))})")
        last = len(arguments) - 1
        if "->" not in arguments[last]:
            queries.append(f"SELECT {name}({replaced(arguments, last, '-1')})")
    return both_modes(queries)


def wrong_counts(spark) -> list[Case]:
    queries = []
    for name, arguments in calls(spark):
        queries.append(f"SELECT {name}({', '.join(arguments[:-1])})")
        queries.append(f"SELECT {name}({', '.join(arguments + ['1', '2', '3', '4', '5', '6', '7', '8'])})")
    return [Case(query) for query in queries]


def ansi_off(spark) -> list[Case]:
    """The first example of each function without ANSI mode."""
    return under(ANSI_OFF, [queries[0] for queries in documented(spark).values() if queries])
