"""What a driver brings back from a door: the proof that something was delivered there."""

from msgspec import Struct

from stream.moments import Moment


class ProofOfDelivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ePOD: who took it, where and when, and where photo and signature are kept (never the pictures themselves)."""

    recipient: str | None = None
    lat: float | None = None
    lon: float | None = None
    at: Moment | None = None
    photo_uri: str | None = None
    photo_sha256: str | None = None
    signature_uri: str | None = None
    signature_sha256: str | None = None
