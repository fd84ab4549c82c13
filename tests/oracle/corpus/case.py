"""What a case of the corpus is: a query, the settings that it runs under, and an id that both give."""

import dataclasses
import hashlib
import itertools

ANSI_OFF = {"spark.sql.ansi.enabled": "false"}


@dataclasses.dataclass(frozen=True)
class Case:
    sql: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """Eight digits; stays as it is while other cases come and go."""
        text = repr(self.settings) + self.sql
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def under(settings: dict[str, str], queries) -> list[Case]:
    """Cases of queries under settings."""
    fixed = tuple(sorted(settings.items()))
    return [Case(query, fixed) for query in queries]


def plain(text: str) -> list[Case]:
    """Cases of a text with a query on each line."""
    return [Case(query) for query in lines(text)]


def both_modes(queries) -> list[Case]:
    """Each query with ANSI mode on, and off."""
    queries = list(queries)
    return under({}, queries) + under(ANSI_OFF, queries)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def products(template: str, *choices) -> list[str]:
    """The template with every choice for its numbered places."""
    return [template.format(*chosen) for chosen in itertools.product(*choices)]
