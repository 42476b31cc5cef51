-- Shared by every verb; the loader puts this text in front of each of them.
--
-- KEYS[1..8]  the session's own keys: hash, config hash, events stream, history stream, control
--             stream, set of alias keys, lease, pid
-- KEYS[9]     zset session id -> next moment (ms) somebody must look at it
-- KEYS[10]    zset of waiting sessions by priority and arrival
-- KEYS[11]    zset of live sessions by creation (ms)
-- KEYS[12]    hash of the house's counters
-- KEYS[13]    stream of what the outgoing webhooks are to tell
-- ARGV[1]     JSON object: id, ttl (ms of the session's keys), index_ttl (ms), log_length, and what
--             the verb's own header names
--
-- Every moment is in Unix milliseconds of Redis's own clock.

redis.replicate_commands()

local args = cjson.decode(ARGV[1])
local K = {
  session = KEYS[1], config = KEYS[2], events = KEYS[3], history = KEYS[4], control = KEYS[5],
  aliases = KEYS[6], lease = KEYS[7], pid = KEYS[8],
  deadlines = KEYS[9], queue = KEYS[10], live = KEYS[11], figures = KEYS[12], outbox = KEYS[13],
}

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function get(field)
  return redis.call('HGET', K.session, field) or nil
end

local function refresh()
  for _, key in ipairs({ K.session, K.config, K.events, K.history, K.control, K.aliases, K.pid }) do
    redis.call('PEXPIRE', key, args.ttl)
  end
end

local function write(key, fields)
  local flat = {}
  for name, value in pairs(fields) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', key, unpack(flat))
end

local function index(key, score, member)
  redis.call('ZADD', key, score, member)
  redis.call('PEXPIRE', key, args.index_ttl)
end

-- Look again at `at`, or at the session's hard limit if that comes first, be it past already:
-- an agent that renews for ever does not put its end off.
local function look_at(at)
  index(K.deadlines, math.min(at, tonumber(get('expiresAt')) or at), args.id)
end

local function emit(kind, data)
  local event = redis.call('XADD', K.events, 'MAXLEN', '~', args.log_length, '*',
    'type', kind, 'data', data)
  redis.call('PEXPIRE', K.events, args.ttl)
  redis.call('PUBLISH', K.events, event)
  return event
end

local function enter(state, extra)
  local data = extra or {}
  data.session_id = args.id
  data.state = state
  local before = redis.call('HMGET', K.session, 'state', 'generation')
  data.previous = before[1] or nil
  data.generation = tonumber(before[2])
  redis.call('HSET', K.session, 'state', state)
  return emit('session_state', cjson.encode(data))
end

-- Stamps are written once: the first time something happened is the one that counts.
local function stamp(fields)
  for _, field in ipairs(fields or {}) do redis.call('HSETNX', K.session, field, now) end
end

local function command(name, data)
  redis.call('XADD', K.control, 'MAXLEN', '~', 1000, '*', 'command', name, 'data', data or '{}')
  redis.call('PEXPIRE', K.control, args.ttl)
end

