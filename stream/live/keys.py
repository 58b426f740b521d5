"""Every key in Redis, in one place. `fc1` is the version of the layout: what is written under it is always read the same way.

| key | kind | holds |
|---|---|---|
| `fc1:log:NN` | stream | the log of shard NN; see `log_entry` |
| `fc1:counts` | hash | shard -> messages ever appended |
| `fc1:resume` | hash | shard -> stream id up to which durable checkpoints know everything: nothing behind it is trimmed |
| `fc1:inbox` | stream | messages from those who write to Redis themselves, in any field; the engine shards them |
| `fc1:inbox_read` | string | id up to which the inbox has been moved |
| `fc1:once:H` | string | what was answered to a request with an `Idempotency-Key`, for ten minutes |
| `fc1:gaps` | hash | shard and first lost number -> how many, of gaps that were told |
| `fc1:recorders` | hash | recorder -> `RecorderMark`: how far it has the log for good |
| `fc1:fleets` | hash | fleet -> `FleetEntry` |
| `fc1:events` | stream | all events: `f` fleet, `k` kind, `s` sequence in the fleet, `d` CloudEvent as JSON |
| `fc1:dead` | stream | refused inputs: `f` fleet, `r` reason, `k` type, `v` vehicle, `t` received (us), `h` head, `b` by whom, `p` place |
| `fc1:refused` | hash | reason -> inputs refused before they reached the log |
| `fc1:heartbeats` | hash | process -> `Heartbeat` |
| `fc1:probe` | hash | written when an engine falls silent, to know whether Redis takes anything |
| `fc1:keys` | hash | SHA-256 of an API key (hex) -> its name |
| `fc1:fleet:F` | hash | how far F is written: `position` (parts: `reaching`), `sequence`, `writes`, `by`, `now_us`, `totals`, `stays_from`|
| `fc1:fixes:F` | hash | vehicle -> packed `FIX` |
| `fc1:vehicles:F` | hash | vehicle -> `VehicleView` |
| `fc1:routes:F` | hash | route -> `RouteView` |
| `fc1:etas:F` | hash | route -> packed `VISIT` rows, in the order of its visits |
| `fc1:visits:F` | hash | visit -> route |
| `fc1:orders:F` | sorted set | `order_ref`, NUL, `visit_id`, all with score 0 |
| `fc1:exceptions:F` | hash | exception -> the newest event about it (CloudEvent), with all that is known of it |
| `fc1:acknowledged:F` | hash | exception -> the event of the acknowledgement of its newest episode |
| `fc1:open:F`, `fc1:closed:F` | sorted set | exception -> when it opened, when it was resolved (us) |
| `fc1:fences:F` | hash | fence -> `FenceView` |
| `fc1:fence_policies:F` | hash | kind of fences -> `FencePolicyView`: what was told of its policy, and when |
| `fc1:proposals:F` | hash | exception -> `ProposalsView`: what could be done about it |
| `fc1:models:F` | hash | `models` -> `ModelsView`: which models the fleet has, and how they did lately |
| `fc1:stays:F` | hash | vehicle -> packed `STAY` rows of its last stays in fences; their ends became known since `stays_from` (0 = ever) |
| `fc1:answer:F:ID` | string | what was answered to a question, for ten minutes |
| `fc1:questions` | string | how many questions were asked through the API: what they are called by |
| `fc1:cells:F` | string | `CellsView`: learned speeds by H3 cell |
"""

PREFIX = "fc1"

COUNTS = f"{PREFIX}:counts"
RESUME = f"{PREFIX}:resume"
INBOX = f"{PREFIX}:inbox"
INBOX_READ = f"{PREFIX}:inbox_read"
FLEETS = f"{PREFIX}:fleets"
EVENTS = f"{PREFIX}:events"
DEAD = f"{PREFIX}:dead"
REFUSED = f"{PREFIX}:refused"
HEARTBEATS = f"{PREFIX}:heartbeats"
PROBE = f"{PREFIX}:probe"
GAPS = f"{PREFIX}:gaps"
ONCE = f"{PREFIX}:once"
RECORDERS = f"{PREFIX}:recorders"
QUESTIONS = f"{PREFIX}:questions"
API_KEYS = f"{PREFIX}:keys"

OF_A_FLEET = (
    "fleet", "fixes", "vehicles", "routes", "etas", "visits", "orders", "exceptions", "acknowledged", "open", "closed", "fences", "cells",
    "stays", "proposals", "models", "fence_policies",
)  # fmt: skip
"""What is kept of each fleet; the first says how far it has been written."""


def answer_key(fleet_id: str, question_id: str) -> str:
    """The answer to a question."""
    return f"{PREFIX}:answer:{fleet_id}:{question_id}"


def log_key(shard: int) -> str:
    """The stream of a shard."""
    return f"{PREFIX}:log:{shard:02d}"


def fleet_key(kind: str, fleet_id: str) -> str:
    """One of `OF_A_FLEET`. Ids are judged before they come here, so a key is never built from anything else."""
    return f"{PREFIX}:{kind}:{fleet_id}"
