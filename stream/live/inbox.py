"""The door for those who write to Redis themselves: one stream without shards, moved into the log, each message once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from stream.codec import HEAD_BYTES, MESSAGE_BYTES, Rejected, decode
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import DEAD, INBOX, INBOX_READ, REFUSED
from stream.live.settings import LiveSettings

AT_ONCE = 500


@dataclass(slots=True)
class Inbox:
    """Emptied by the process that owns shard 0."""

    redis: Redis
    settings: LiveSettings
    cursor: str | None = None

    def empty(self) -> int:
        """Move what has come; returns how many messages. Every field of an entry holds one message, or several as JSON lines."""
        if self.cursor is None:
            stored: Any = self.redis.get(INBOX_READ)
            self.cursor = (stored or b"0-0").decode()
        found: Any = self.redis.xrange(INBOX, min=f"({self.cursor}", count=AT_ONCE)
        if not found:
            return 0
        lines = [line for _, fields in found for value in fields.values() for line in value.split(b"\n") if line.strip()]
        # Should the answer be lost, only Redis knows whether they were moved.
        self.cursor = None
        self._move(lines, found[-1][0])
        self.cursor = found[-1][0].decode()
        return len(lines)

    def _move(self, lines: Sequence[bytes], last_id: bytes) -> None:
        good, bad = list[Message](), list[tuple[Rejected, bytes]]()
        for line in lines:
            message = decode(line[: MESSAGE_BYTES + 1])
            if isinstance(message, Rejected):
                bad.append((message, line))
            else:
                good.append(Message(message.fleet_id, line))
        with self.redis.pipeline(transaction=True) as pipe:
            for call in calls(good, self.settings.time_zone, shards=self.settings.shards):
                pipe.eval(SCRIPT, len(call.keys), *call.keys, *call.args)
            for rejected, line in bad:
                fields: dict[Any, Any] = {"f": rejected.fleet_id, "r": rejected.reason, "k": rejected.kind, "v": rejected.vehicle_id}
                fields |= {"t": str(int(last_id.split(b"-")[0]) * 1000), "h": line[:HEAD_BYTES], "b": "inbox"}
                pipe.xadd(DEAD, fields, maxlen=self.settings.dead_letters_kept)
                pipe.hincrby(REFUSED, str(rejected.reason), 1)
            pipe.set(INBOX_READ, last_id)
            pipe.xtrim(INBOX, minid=last_id)
            pipe.execute()
