"""An error in a few words."""

from hashlib import blake2b
from pathlib import PurePath
from traceback import extract_tb


def fault(error: BaseException) -> bytes:
    """An error in a few words, and a hash of where it was raised: the same fault has the same hash in every process of a release."""
    frames = [(PurePath(frame.filename).name, frame.name, frame.lineno) for frame in extract_tb(error.__traceback__)]
    digest = blake2b(repr((type(error).__name__, frames)).encode(), digest_size=6).hexdigest()
    file, name, line = frames[-1] if frames else ("", "", 0)
    return f"{digest} {type(error).__name__} {file}:{line} {name}".encode()
