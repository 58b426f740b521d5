"""Writes docs/exceptions.md from the code and the golden days: every kind, when it opens and closes, its policy, an example event."""

import importlib.util
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

from stream.exceptions.kinds import KINDS
from stream.exceptions.policies import ExceptionPolicies
from stream.settings import FleetSettings

PAGE = Path(__file__).with_name("exceptions.md")
TESTS = Path(__file__).resolve().parents[1] / "tests" / "stream"

INTRO = """# Exceptions

<!-- Written by docs/generate_exceptions.py (`make docs`) from stream/exceptions/ and tests/stream/golden.py. Do not edit. -->

An exception is something that dispatch should act on: an object with a life, not a line in a log. Its id is fleet, kind and subject, the
same each time it opens; an `episode` counts the openings. Every event about it (`exception_opened`, `exception_updated`, ..) carries all
that is known of it: `status`, the response `clock`, `severity`, whom to `tell_first`, `cause`, `harm` (each visit with its expected
lateness in minutes, P(late), slack, priority and customer, the worst first, 50 at most), `evidence`, and `actionable_until`: the moment
until which it helps to send the vehicle straight to the stop, from where it is.

```
opened -> updated (worse, better) -> acknowledged / assigned / snoozed / noted -> resolved | expired | superseded
```

A condition must hold for `hold_s` before it opens and be gone for `clear_s` before it resolves; between two openings lie at least
`reopen_after_s`. `late_risk` is decided with every estimate, `vehicle_down` by its message, all others at working ticks (every 30 s of log
time). A breakdown speaks for everything that it explains: those exceptions close as `superseded`. Up to 20,000 are kept, closed ones for a
day of log time. Dispatchers' deeds are messages in the log (`POST /v1/exceptions/ID:acknowledge`, `:assign`, `:snooze`, `:note`), and so
are changes of policy (`PUT /v1/policies/KIND`, message `policy_put`), so a replay knows them.

| kind | severity | tell first | opens | closes |
|---|---|---|---|---|
"""


def load(name: str) -> ModuleType:
    """A file of the tests, as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_for_docs", TESTS / f"{name}.py")
    if spec is None or spec.loader is None:
        msg = f"there is no tests/stream/{name}.py"
        raise FileNotFoundError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def meanings(policy: type) -> dict[str, str]:
    """What stands below each field of a policy, in its class or the one that it is made from."""
    found: dict[str, str] = {}
    for one in reversed(policy.__mro__[:-1]):
        for name, text in re.findall(r'^    (\w+): [^\n]*\n(?:    """(.*?)"""\n)?', inspect.getsource(one), re.DOTALL | re.MULTILINE):
            if text or name not in found:
                found[name] = " ".join(text.split())
    return found


def policy_table(policy: object) -> Iterator[str]:
    """The fields of a policy, with their defaults and reasons."""
    yield "| field | default | meaning |\n|---|---|---|"
    told = meanings(type(policy))
    for one in fields(policy):  # type: ignore[arg-type]
        value = getattr(policy, one.name)
        shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        yield f"| `{one.name}` | {shown} | {told[one.name]} |"
    yield ""


def example(kind: str, conftest: Any, golden: Any) -> dict[str, Any]:
    """The first opening on the golden day of a kind."""
    played = conftest.Played(FleetSettings()).play(golden.GOLDEN[kind](conftest.Road()))
    event: dict[str, Any] = played.told("exception_opened", exception_kind=kind)[0]
    event["data"]["harm"] = event["data"]["harm"][:1]
    return event


def sections() -> Iterator[str]:
    """The page, piece by piece."""
    yield INTRO + "\n".join(
        f"| [`{name}`](#{name}) | {kind.severity} | {', '.join(kind.tell_first)} | {kind.opens} | {kind.closes} |"
        for name, kind in KINDS.items()
    )
    conftest, golden, policies = load("conftest"), load("golden"), ExceptionPolicies()
    for name in KINDS:
        policy = getattr(policies, name)
        yield f"\n## {name}\n\n{type(policy).__doc__}\n"
        yield from policy_table(policy)
        yield f"Golden day: {golden.GOLDEN[name].__doc__} (One visit of `harm` is shown.)\n"
        yield f"```json\n{json.dumps(example(name, conftest, golden), indent=1)}\n```"


def page() -> str:
    """The whole text of docs/exceptions.md."""
    return "\n".join(sections()).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
