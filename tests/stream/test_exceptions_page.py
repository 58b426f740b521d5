"""docs/exceptions.md is what the code does on its golden days."""

import importlib.util
from dataclasses import fields
from pathlib import Path
from typing import get_args

from stream.exceptions.kinds import KINDS, KindName
from stream.exceptions.policies import ExceptionPolicies

DOCS = Path(__file__).resolve().parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("generate_exceptions", DOCS / "generate_exceptions.py")
GENERATOR = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATOR)


def test_the_page_is_up_to_date():
    assert GENERATOR.page() == (DOCS / "exceptions.md").read_text(encoding="utf-8"), "run: make docs"


def test_every_kind_has_its_name_its_place_in_the_table_and_its_policy():
    assert get_args(KindName) == tuple(KINDS) == tuple(one.name for one in fields(ExceptionPolicies))
