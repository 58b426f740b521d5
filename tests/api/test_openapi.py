"""The OpenAPI page is honest: whatever it says may be sent is answered in a way that it says."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from api.app import create_app
from stream.live.server import connect_async
from stream.live.settings import LiveSettings

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def as_lines(_, value):
    """NDJSON is described as a text; what is none is sent as JSON."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value, default=str).encode()


PAGE = create_app(LiveSettings(), connect_async("redis://127.0.0.1:1")).openapi()
schema = schemathesis.openapi.from_dict(PAGE)


# Events are endless, so they have tests of their own.
@schema.exclude(path="/v1/stream").parametrize()
@settings(max_examples=5, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_page_tells_of(case, address, module_present):
    case.call_and_validate(base_url=address, headers={"X-API-Key": module_present.key}, checks=CHECKS)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/vehicles/{vehicle_id}", {"vehicle_id": "van-1"}),
        ("/v1/vehicles/{vehicle_id}", {"vehicle_id": "shared"}),
        ("/v1/routes/{route_id}", {"route_id": "r1"}),
        ("/v1/visits/{visit_id}/eta", {"visit_id": "v1"}),
        ("/v1/visits/{visit_id}/eta", {"visit_id": "v2"}),
        ("/v1/orders/{ref}/eta", {"ref": "o2"}),
        ("/v1/exceptions/{exception_id}", {"exception_id": "north:late_risk:v3"}),
        ("/v1/exceptions/{exception_id}", {"exception_id": "north:late_risk:v1"}),
    ],
)
def test_what_is_really_there_is_told_as_the_page_says(address, module_present, path, names):
    answer = (
        schema[path]["GET"]
        .Case(path_parameters=names)
        .call_and_validate(base_url=address, headers={"X-API-Key": module_present.key}, checks=CHECKS)
    )
    assert answer.status_code == (409 if "shared" in names.values() else 200)


def test_every_reference_of_the_page_leads_somewhere():
    def references(part):
        if isinstance(part, dict):
            yield from ([part["$ref"]] if "$ref" in part else [])
            part = list(part.values())
        for inner in part if isinstance(part, list) else []:
            yield from references(inner)

    names = {name.removeprefix("#/components/schemas/") for name in references(PAGE)}
    assert names <= PAGE["components"]["schemas"].keys()
    assert {"ProblemDocument", "FieldError", "EtaDocument", "CloudEvent"} <= names
