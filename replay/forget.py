"""`fleetcast-replay forget`: where a vehicle was, or all about an order, is taken out of everything that Fleetcast keeps."""

from collections.abc import Iterator
from pathlib import Path

from eta_models.model import ModelPolicy
from replay.at_rest import Place, serving, still
from replay.day_errors import NotDone
from replay.forget_archive import forget_in
from replay.forget_lines import Order, Vehicle, Wish
from replay.forget_redis import forget_events, forget_in_log, forget_letters, forget_present, rewritten
from replay.forget_state import forget_in_state
from stream.checkpoint import UnusableCheckpoint
from stream.checkpoints import Checkpoints
from stream.live.settings import LiveSettings
from stream.log import shard_of
from stream.texts import is_id

REMAINS = {
    Vehicle: "that it drove its routes and when it was at their stops, its driver and its exceptions' times; what was learned from all",
    Order: "its visit with its times, and its place to 11 km; the fixes of the vehicle that came there (forget the vehicle too)",
}
"""What a person must know remains, whatever was done."""


def forget_here(wish: Vehicle | Order, archive: Path | None, place: Place) -> Iterator[str]:
    """Forget, and say what was found where, and what remains. Raises `NotDone`."""
    settings = place.settings()
    named = wish.vehicle_id if isinstance(wish, Vehicle) else wish.order_ref
    if not (is_id(wish.fleet_id) and is_id(named)):
        raise NotDone(f"{wish.fleet_id!r} and {named!r} must be ids")
    archive = archive or settings.record_dir
    shard = shard_of(wish.fleet_id, settings.shards)
    with still(settings, [shard]), serving(settings) as client:
        yield f"checkpoint: {'forgotten' if _checkpoint(settings, wish) else 'nothing there'}"
        if archive is not None:
            messages, letters = forget_in(archive, wish)
            yield f"archive {archive}: {messages:,} messages, {letters:,} dead letters"
        messages = forget_in_log(client, shard, wish)
        events, letters = forget_events(client, wish), forget_letters(client, wish)
        forget_present(client, wish)
        yield f"Redis: {messages:,} messages of the log, {events:,} events, {letters:,} dead letters, and the present"
        if not rewritten(client):
            yield "the file of Redis still holds it until Redis writes that anew: say BGREWRITEAOF to it later"
    yield f"what remains: {REMAINS[type(wish)]}"
    others = "" if archive else "archives (say which with --archive DIR), "
    yield f"not touched: {others}back-ups and files of results that were made before, logs of proxies, and what subscribers were told"


def _checkpoint(settings: LiveSettings, wish: Wish) -> bool:
    kept = Checkpoints(settings.state_dir / "checkpoints")
    try:
        state = kept.read(wish.fleet_id, ModelPolicy())
    except UnusableCheckpoint as error:
        raise NotDone(str(error)) from error
    if state is None or not forget_in_state(state, wish):
        return False
    kept.write(state)
    return True
