"""docs/messages.md is what the code says, and its examples are messages."""

import importlib.util
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from stream.codec import TYPES, Rejected, decode
from stream.judge import judge
from stream.judge_policy import JudgePolicy
from stream.moments import micros
from stream.reasons import Reason

DOCS = Path(__file__).resolve().parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("generate_messages", DOCS / "generate_messages.py")
GENERATOR = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATOR)

PAGE = (DOCS / "messages.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)]
RECEIVED_US = micros(datetime(2025, 10, 9, 8, 53, 21, tzinfo=UTC))


def test_the_page_is_up_to_date():
    assert GENERATOR.page() == PAGE, "run: make docs"


def test_every_message_has_an_example_with_every_field():
    assert [example["type"] for example in EXAMPLES] == list(TYPES)
    assert all(set(example) == {"type", *TYPES[example["type"]].__struct_fields__} for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_every_example_is_a_message_that_would_be_applied(example):
    message = decode(msgspec.json.encode(example))
    assert not isinstance(message, Rejected), message
    assert judge(JudgePolicy(), message, RECEIVED_US) is None


def test_no_field_is_described_that_no_message_has():
    owners = {**TYPES, **GENERATOR.PARTS}
    used = {name for kind in owners.values() for name in kind.__struct_fields__}
    used |= {f"{owner}.{name}" for owner, kind in owners.items() for name in kind.__struct_fields__}
    assert set(GENERATOR.FIELDS) <= used


def test_every_reason_is_on_the_page():
    assert all(f"| `{reason}` | {reason.meaning} |" in PAGE for reason in Reason)
