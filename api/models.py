"""`/v1/models`: which models a fleet has and how they did lately; a challenger beside the first one, and its promotion."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request, Response

from api.answers import answer, answers
from api.cursors import FleetId
from api.ingest_schema import Schema, json_body, receipts
from api.log import TheLog
from api.lookups import fleets_of, hashes_of
from api.model_documents import ModelDocument, ModelsDocument, ModelsPage
from api.registry_messages import object_of, put
from stream.live.views import ModelsView, ModelView
from stream.moments import instant_or_none
from stream.texts import ID_PATTERN

router = APIRouter(tags=["models"])

ModelRef = Annotated[str, Path(pattern=f"^{ID_PATTERN}$", description="What the challenger is called.")]

_SETTINGS: Schema = {
    "type": "object",
    "properties": {
        "settings": {
            "type": "object",
            "additionalProperties": {"type": "number"},
            "description": "Settings as docs/eta.md lists them; without any, those of the fleet's own model.",
        },
        "model_sha256": {
            "type": "string",
            "description": "A model file whose parts are in the log; none: a copy of the fleet's own model.",
        },
    },
    "additionalProperties": False,
}
_KEEP: Schema = {
    "type": "object",
    "properties": {"keep": {"type": "boolean", "description": "Whether the other model goes on as the challenger (it does)."}},
    "additionalProperties": False,
}

_view = msgspec.json.Decoder(ModelsView)


@router.get("/v1/models", responses=answers(ModelsPage, 404, 422))
async def list_models(request: Request, fleet_id: FleetId = None) -> Response:
    """The models of one fleet or of all: what they are called, where they come from, how both did over the last 5,000 questions."""
    redis = request.app.state.redis
    fleets = await fleets_of(redis, fleet_id)
    hashes = zip(fleets, await hashes_of(redis, fleets, "models"), strict=True)
    return answer(request, ModelsPage([_document(fleet, _view.decode(raw)) for fleet, (known,) in hashes for raw in known.values()]))


@router.put(
    "/v1/models/{model_ref}",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=json_body(_SETTINGS, "How the challenger learns."),
)
async def put_challenger(request: Request, log: TheLog, model_ref: ModelRef, fleet_id: FleetId = None) -> Response:
    """Set a second model beside a fleet's own, in place of an earlier one. The engine refuses unknown settings: a dead letter."""
    fields, _ = await object_of(request, log)
    return await put(log, "challenger_put", fleet_id, {**fields, "model_ref": model_ref})


@router.delete("/v1/models/{model_ref}", status_code=202, responses=receipts(401, 422, 503))
async def drop_challenger(log: TheLog, model_ref: ModelRef, fleet_id: FleetId = None) -> Response:
    """Let go of the challenger."""
    return await put(log, "challenger_dropped", fleet_id, {"model_ref": model_ref})


@router.post(
    "/v1/models/{model_ref}:promote",
    status_code=202,
    responses=receipts(401, 413, 422, 503),
    openapi_extra=json_body(_KEEP, "What becomes of the other model."),
)
async def promote(request: Request, log: TheLog, model_ref: ModelRef, fleet_id: FleetId = None) -> Response:
    """Let the challenger publish from now on. One that is not there any more is refused by the engine: a dead letter."""
    fields, _ = await object_of(request, log)
    return await put(log, "model_promoted", fleet_id, {**fields, "model_ref": model_ref})


def _document(fleet_id: str, view: ModelsView) -> ModelsDocument:
    return ModelsDocument(
        fleet_id, instant_or_none(view.now_us), _model(view.champion), None if view.challenger is None else _model(view.challenger)
    )


def _model(view: ModelView) -> ModelDocument:
    return ModelDocument(
        name=view.name,
        model_sha256=view.sha256,
        settings=view.settings,
        since=instant_or_none(view.since_us) if view.since_us > 0 else None,
        questions=view.questions,
        resets=view.resets,
        mae_s=_rounded(view.mae_s, 1),
        coverage=_rounded(view.coverage, 3),
        p50_mae_s=_rounded(view.p50_mae_s, 1),
        plain_mae_s=_rounded(view.plain_mae_s, 1),
        late_skill=_rounded(view.late_skill, 3),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
