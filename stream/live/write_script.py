"""The one Lua call that writes what a stretch of a fleet gave: events exactly once, the present never backwards.

A fleet's hash says how far it has been written. A stretch at or below its `position` has been written before and is passed over; of one
that overlaps, the events and dead letters that are new are taken. `writes` counts calls: a lower number than the writer's own means that
Redis went back in time (its last second was lost), a higher one that somebody else writes.
"""

from stream.live.keys import DEAD, EVENTS, OF_A_FLEET, fleet_key
from stream.live.patience import WHEN_FULL

REWOUND, TAKEN = b"rewound", b"taken"
"""Answers of the script that ask for something; the others are `done` and `had`."""

SCRIPT = (
    WHEN_FULL
    + """
local order, at = cjson.decode(ARGV[1]), 2
local function each(count, width, take)
  for _ = 1, count do take(at) at = at + width end
end
local function spread(command, key, count)
  for first = at, at + count - 1, 1000 do
    redis.call(command, key, unpack(ARGV, first, math.min(first + 999, at + count - 1)))
  end
  at = at + count
end
local stored = redis.call('HMGET', KEYS[1], 'position', 'sequence', 'writes', 'by')
local position, sequence, writes = stored[1] or '', tonumber(stored[2] or '0'), tonumber(stored[3] or '0')
if writes > order.writes and stored[4] == order.by then return {'had', writes} end
if writes > order.writes then return {'taken', writes} end
if writes < order.writes then return {'rewound', writes} end
if position < order.position then
  for _, put in ipairs(order.puts) do spread('HSET', KEYS[put[1]], put[2]) end
  for _, out in ipairs(order.removals) do spread('HDEL', KEYS[out[1]], out[2]) end
  each(order.old_orders, 1, function(i) redis.call('ZREM', KEYS[order.orders_key], ARGV[i]) end)
  each(order.orders, 1, function(i) redis.call('ZADD', KEYS[order.orders_key], 0, ARGV[i]) end)
  each(order.cells, 1, function(i) redis.call('SET', KEYS[order.cells_key], ARGV[i]) end)
  each(order.dead, 6, function(i)
    if ARGV[i] > position then
      redis.call('XADD', KEYS[3], 'MAXLEN', '~', order.dead_kept, '*', 'f', order.fleet, 'r', ARGV[i + 1], 'k', ARGV[i + 2],
        'v', ARGV[i + 3], 't', ARGV[i + 4], 'h', ARGV[i + 5], 'b', 'engine', 'p', ARGV[i])
    end
  end)
  if order.last then redis.call('HSET', KEYS[1], 'position', order.position, 'now_us', order.now_us, 'totals', ARGV[at])
  else redis.call('HSET', KEYS[1], 'reaching', order.position) end
end
at = #ARGV - 8 * order.events + 1
each(order.events, 8, function(i)
  local number, kind, event, exception, phase, now, vehicle, stay = unpack(ARGV, i, i + 7)
  if tonumber(number) < sequence then return end
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', order.events_kept, '*', 'f', order.fleet, 'k', kind, 's', number, 'd', event)
  sequence = tonumber(number) + 1
  if vehicle ~= '' then
    local stays = (redis.call('HGET', KEYS[order.stays_key], vehicle) or '') .. stay
    redis.call('HSET', KEYS[order.stays_key], vehicle, string.sub(stays, -order.stays_bytes))
  end
  if exception == '' then return end
  redis.call('HSET', KEYS[order.exceptions_key], exception, event)
  if phase == 'acknowledged' then redis.call('HSET', KEYS[order.acknowledged_key], exception, event)
  elseif phase == 'opened' then
    redis.call('ZREM', KEYS[order.closed_key], exception)
    redis.call('ZADD', KEYS[order.open_key], now, exception)
    redis.call('HDEL', KEYS[order.acknowledged_key], exception)
  elseif phase == 'resolved' or phase == 'expired' or phase == 'superseded' then
    redis.call('ZREM', KEYS[order.open_key], exception)
    redis.call('ZADD', KEYS[order.closed_key], now, exception)
  end
end)
local old = redis.call('ZRANGE', KEYS[order.closed_key], '-inf', '(' .. order.forget_us, 'BYSCORE', 'LIMIT', 0, 1000)
if #old > 0 then
  redis.call('HDEL', KEYS[order.exceptions_key], unpack(old))
  redis.call('HDEL', KEYS[order.acknowledged_key], unpack(old))
  redis.call('ZREM', KEYS[order.closed_key], unpack(old))
end
redis.call('HSET', KEYS[1], 'sequence', string.format('%.0f', sequence), 'writes', order.writes + 1, 'by', order.by)
redis.call('HSETNX', KEYS[1], 'stays_from', order.stays_from)
return {'done', order.writes + 1}
"""
)
"""ARGV: a head in JSON that says how much of what follows, then the values: hash fields, orders, cells, dead letters, totals, events."""

_SHARED = 2
"""Keys behind the fleet's own that all fleets share: events and dead letters."""


def keys(fleet_id: str) -> list[str]:
    """KEYS of the script."""
    own, *others = (fleet_key(kind, fleet_id) for kind in OF_A_FLEET)
    return [own, EVENTS, DEAD, *others]


def place(kind: str) -> int:
    """Where a kind of key stands in KEYS, counted from 1 as Lua does."""
    return OF_A_FLEET.index(kind) + 1 + (_SHARED if kind != OF_A_FLEET[0] else 0)
