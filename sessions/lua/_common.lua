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
-- Before this text the loader puts BOUNDS and FIGURES_TTL (see figures.py), STATES (the zset of live
-- sessions by state), STATE_SCORE (which score means which state), PRIORITY_STEP (by how many
-- microseconds who is one more urgent stands before others), SLOT_TIMES (the list of how long
-- the last calls held their slots), and what names the indexes of a scope's sessions, of those of
-- them that are ending, and of a user's: scope_sessions(scope), scope_ending(scope),
-- user_sessions(scope, user).
--
-- Every moment is in Unix milliseconds of Redis's own clock.

local K = {
  session = KEYS[1], config = KEYS[2], events = KEYS[3], history = KEYS[4], control = KEYS[5],
  aliases = KEYS[6], lease = KEYS[7], pid = KEYS[8],
  deadlines = KEYS[9], queue = KEYS[10], live = KEYS[11], figures = KEYS[12], outbox = KEYS[13],
}

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

-- Count one more of something, or `by` more. Only a new field costs a second command.
local function tally(field, by)
  local count = redis.call('HINCRBY', K.figures, field, by or 1)
  if count == (by or 1) then redis.call('PEXPIRE', K.figures, FIGURES_TTL) end
end

-- Add what took `ms` to a histogram.
local function observe(name, ms)
  ms = math.max(0, math.floor(ms))
  local found = '+Inf'
  for _, bound in ipairs(BOUNDS) do
    if ms <= bound then
      found = bound
      break
    end
  end
  tally(name .. ':le:' .. found)
  tally(name .. ':sum', ms)
end

-- A session that is ending counts for no limit, however long its end may take.
local function count_no_more(ended)
  local owner = redis.call('HMGET', K.session, 'scope', 'userName')
  local ending = scope_ending(owner[1])
  if ended then return redis.call('ZREM', ending, args.id) end
  redis.call('ZREM', user_sessions(owner[1], owner[2]), args.id)
  index(ending, now, args.id)
end

local function enter(state, extra)
  local data = extra or {}
  data.session_id = args.id
  data.state = state
  local before = redis.call('HMGET', K.session, 'state', 'generation')
  data.previous = before[1] or nil
  data.generation = tonumber(before[2])
  redis.call('HSET', K.session, 'state', state)
  if STATE_SCORE[state] then index(STATES, STATE_SCORE[state], args.id)
  else redis.call('ZREM', STATES, args.id) end
  if state == 'ending' or state == 'ended' then count_no_more(state == 'ended') end
  return emit('session_state', cjson.encode(data))
end

-- Give the session the place in the queue of who came at `micros` and is as urgent as it is.
local function wait_since(micros)
  index(K.queue, micros - (tonumber(get('priority')) or 0) * PRIORITY_STEP, args.id)
end

-- Tell a session that waits at `position` so, unless a slot is free for it or it knows. `args.free`
-- is how many slots are free, `args.pace` in how many ms one comes free (absent: unknown).
local function tell_place(position)
  if position <= args.free or tonumber(get('queuePosition')) == position then return false end
  redis.call('HSET', K.session, 'queuePosition', position)
  emit('queue_position', cjson.encode({
    session_id = args.id,
    position = position,
    estimated_wait_ms = args.pace and math.floor((position - args.free) * args.pace) or cjson.null,
  }))
  return true
end

-- Which stretches of a session's way to its first word end with a stamp, and with which they begin.
local SPANS = {
  claimed = { 'accepted' }, joined = { 'claimed' }, ready = { 'joined', 'accepted' },
  userJoined = { 'ready' }, firstAudio = { 'userJoined', 'accepted' },
}

-- Stamps are written once: the first time something happened is the one that counts.
local function mark(field, at)
  if redis.call('HSETNX', K.session, field, at) == 0 then return end
  for _, from in ipairs(SPANS[field] or {}) do
    local since = tonumber(get(from))
    if since then observe('span:' .. from .. '_' .. field, at - since) end
  end
end

local function stamp(fields)
  for _, field in ipairs(fields or {}) do mark(field, now) end
end

-- Keep for the outgoing webhooks what has happened, if somebody is to be told of this session.
local function announce(kind, data)
  local told = redis.call('HMGET', K.session, 'webhooks', 'scope', 'userName', 'channel', 'accepted',
    'correlationId')
  if not told[1] then return end
  redis.call('XADD', K.outbox, 'MAXLEN', '~', 100000, '*', 'type', kind, 'at', now,
    'session', args.id, 'scope', told[2], 'user', told[3], 'channel', told[4], 'accepted', told[5],
    'correlation', told[6] or '',
    'aliases', table.concat(redis.call('SMEMBERS', K.aliases), ' '), 'data', cjson.encode(data))
  redis.call('PEXPIRE', K.outbox, args.index_ttl)
end

-- Read JSON, or nothing where somebody has said half a character.
local function read(text)
  local is_json, content = pcall(cjson.decode, text)
  return is_json and content or {}
end

local function last_question()
  for _, entry in ipairs(redis.call('XREVRANGE', K.history, '+', '-', 'COUNT', 10)) do
    local turn = read(entry[2][2])
    if turn.role == 'user' then return turn.text end
  end
end

-- An answer that calls for a human being is told with what was asked: `question`, or the last
-- that was said.
local function announce_handoff(response, question)
  if not get('webhooks') then return end
  local data = read(response)
  if not data.requires_human_handoff then return end
  data.question = question or last_question()
  announce('session.handoff_requested', data)
end

local function command(name, data)
  redis.call('XADD', K.control, 'MAXLEN', '~', 1000, '*', 'command', name, 'data', data or '{}')
  redis.call('PEXPIRE', K.control, args.ttl)
end

-- An agent has been lost in the middle of words: what it was saying, and what it had heard of the
-- caller, become turns. Whoever replaces it refuses the turns that it would still write itself.
local function settle_words()
  for _, one in ipairs({ { 'saying', 'assistant', 'agent' }, { 'hearing', 'user', 'caller' } }) do
    local text = get(one[1])
    if text and text ~= '' then
      redis.call('XADD', K.history, '*', 'turn', cjson.encode({
        role = one[2], text = text, generation = tonumber(get('generation')),
        interrupted = true, cut_off = true,
      }))
      redis.call('PEXPIRE', K.history, args.ttl)
      emit('transcript', cjson.encode({
        session_id = args.id, speaker = one[3], text = text, final = true, interrupted = true,
      }))
    end
  end
  redis.call('HDEL', K.session, 'saying', 'hearing')
end
