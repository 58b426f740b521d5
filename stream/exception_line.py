"""An exception as one line for people, in their local time."""

from datetime import datetime, tzinfo

from msgspec import Struct


class Told(Struct):
    """What a line says."""

    exception_kind: str
    detected_at: datetime
    vehicle_id: str | None = None
    stop_id: str | None = None
    order_ref: str | None = None
    customer_ref: str | None = None
    window_end: datetime | None = None
    eta_p50: datetime | None = None
    p_late: float | None = None
    reason: str | None = None
    cause: str | None = None
    likely: str | None = None
    harmed_visits: int = 0
    harm_min: float = 0.0


def exception_line(told: Told, zone: tzinfo, opened: bool, form: str = "%H:%M") -> str:
    """When it was known, what it is about, and what is expected or became of it; `form` is that of its times."""

    def local(moment: datetime | None) -> str:
        return "-" if moment is None else moment.astimezone(zone).strftime(form)

    refs = [f"{name} {ref}" for name, ref in (("order", told.order_ref), ("customer", told.customer_ref)) if ref]
    what = "  ".join([told.vehicle_id or "-", *([f"stop {told.stop_id}"] if told.stop_id else [])]) + (
        f" ({', '.join(refs)})" if refs else ""
    )
    if not opened:
        return f"{local(told.detected_at)}  {'resolved':<9}  {what}  {(told.reason or '').replace('_', ' ')}".rstrip()
    name = told.exception_kind.replace("_", " ").upper()
    if told.exception_kind != "late_risk":
        why = " ".join(word.replace("_", " ") for word in (told.cause, told.likely) if word)
        harm = f"{told.harmed_visits} stops, {told.harm_min:.0f} min late in all" if told.harmed_visits else ""
        return f"{local(told.detected_at)}  {name:<9}  {what}  {', '.join(text for text in (why, harm) if text)}".rstrip()
    chance = "" if told.p_late is None else f", P(late) {100 * told.p_late:.0f} %"
    times = f"ETA {local(told.eta_p50)}, window ends {local(told.window_end)}{chance}"
    return f"{local(told.detected_at)}  {name:<9}  {what}  {times}"
