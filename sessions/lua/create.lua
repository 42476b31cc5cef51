-- create: a new session comes into being, whole or not at all.
--
-- KEYS[14]    zset of the scope's live sessions by creation (ms)
-- KEYS[15]    zset of the user's live sessions by creation (ms)
-- KEYS[16]    zset of workers by last heartbeat (ms)
-- KEYS[17]    counter of the scope's starts in this minute
-- KEYS[18..]  the keys of the aliases that shall name the session
-- args        session, config: objects of strings (the two hashes); state: the first state;
--             score: place in the queue; not_after: ms after which the caller has given up;
--             queue_timeout, look_after, max_duration, worker_lost: ms;
--             limits: {total, scope, user, starts}, 0 means none
--
-- Returns {'created', now, flat session hash} or {'expired', now}, {'taken', id},
-- {'limit', which, ms to wait}, {'no_capacity'}: in those four nothing but a count was written.

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

local function over(limit, count) return limit > 0 and count >= limit end
if over(args.limits.starts, tonumber(redis.call('GET', starts) or '0')) then
  return limit('starts', redis.call('PTTL', starts))
end
if over(args.limits.scope, redis.call('ZCARD', scope)) then return limit('scope', 5000) end
if over(args.limits.user, redis.call('ZCARD', user)) then return limit('user', 5000) end
if over(args.limits.total, redis.call('ZCARD', K.live)) then return limit('total', 5000) end
if voice and redis.call('ZCOUNT', workers, now - args.worker_lost, '+inf') == 0 then
  count('no_capacity')
  return { 'no_capacity' }
end

local session, config = args.session, args.config
session.accepted = now
session.generation = voice and 1 or 0
session.owned = 0
session.expiresAt = now + args.max_duration
session.queueUntil = voice and now + args.queue_timeout or nil
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
if voice then index(K.queue, args.score, args.id) end
if redis.call('INCR', starts) == 1 then redis.call('PEXPIRE', starts, 60000) end

count('created')
enter(args.state)
if args.state == 'ready' then announce('session.ready', {}) end
look_at(now + args.look_after)
for _, key in ipairs({ K.session, K.config, K.aliases }) do
  redis.call('PEXPIRE', key, args.ttl)
end
return { 'created', now, redis.call('HGETALL', K.session) }
