-- create: a new session comes into being, whole or not at all.
--
-- KEYS[14]    zset of the scope's live sessions by creation (ms)
-- KEYS[15]    zset of the user's live sessions by creation (ms)
-- KEYS[16]    zset of workers by last heartbeat (ms)
-- KEYS[17]    counter of the scope's starts in this minute
-- KEYS[18..]  the keys of the aliases that shall name the session
-- args        session, config: objects of strings (the two hashes); state: the first state;
--             not_after: ms after which the caller has given up; queue_timeout, look_after,
--             max_duration, worker_lost: ms; limits: {total, scope, user, starts, queue}, 0 means none; free,
--             pace: see tell_place (absent: it is told its place later)
--
-- Returns {'created', now, flat session hash, place in the queue or 0} or {'expired', now},
-- {'taken', id}, {'limit', which, ms to wait}, {'queue_full'}, {'no_capacity'}: in those five nothing
-- but a count was written.

local scope, user, workers, starts = KEYS[14], KEYS[15], KEYS[16], KEYS[17]
local voice = args.session.channel == 'voice'

local function count(result) tally('starts:' .. args.session.channel .. ':' .. result) end
local function limit(which, wait)
  count('limit_' .. which)
  return { 'limit', which, wait }
end

if now > args.not_after then return { 'expired', now } end
for i = 18, #KEYS do
  local owner = redis.call('GET', KEYS[i])
  if owner then return { 'taken', owner } end
end
if redis.call('EXISTS', K.session) == 1 then return { 'taken', args.id } end

local limits = args.limits
if limits.starts > 0 and tonumber(redis.call('GET', starts) or '0') >= limits.starts then
  return limit('starts', redis.call('PTTL', starts))
end
local function reached(most, index, ending)
  return most > 0 and redis.call('ZCARD', index) - (ending and ending() or 0) >= most
end
local function ending_of_scope()
  return redis.call('ZCARD', scope_ending(args.session.scope))
end
local function ending_of_all()
  return redis.call('ZCOUNT', STATES, STATE_SCORE.ending, STATE_SCORE.ending)
end
if reached(limits.scope, scope, ending_of_scope) then return limit('scope', 5000) end
if reached(limits.user, user) then return limit('user', 5000) end
if reached(limits.total, K.live, ending_of_all) then return limit('total', 5000) end
if voice and redis.call('ZCOUNT', workers, now - args.worker_lost, '+inf') == 0 then
  count('no_capacity')
  return { 'no_capacity' }
end
if voice and reached(limits.queue, K.queue) then
  count('queue_full')
  return { 'queue_full' }
end

local session, config = args.session, args.config
session.accepted = now
session.generation = voice and 1 or 0
session.owned = 0
session.queueUntil = voice and now + args.queue_timeout or nil
session.expiresAt = (session.queueUntil or now) + args.max_duration
config.updatedAt = now
write(K.session, session)
write(K.config, config)
for i = 18, #KEYS do
  redis.call('SET', KEYS[i], args.id, 'PX', args.ttl)
  redis.call('SADD', K.aliases, KEYS[i])
end

index(K.live, now, args.id)
index(scope, now, args.id)
index(user, now, args.id)
if voice then wait_since(clock[1] * 1000000 + clock[2]) end
if redis.call('INCR', starts) == 1 then redis.call('PEXPIRE', starts, 60000) end

count('created')
enter(args.state)
if args.state == 'ready' then announce('session.ready', {}) end
look_at(now + args.look_after)
redis.call('PEXPIRE', K.session, args.ttl)
redis.call('PEXPIRE', K.config, args.ttl)
if #KEYS >= 18 then redis.call('PEXPIRE', K.aliases, args.ttl) end
local place = voice and redis.call('ZRANK', K.queue, args.id) + 1 or 0
if voice and args.free then tell_place(place) end
return { 'created', now, redis.call('HGETALL', K.session), place }
