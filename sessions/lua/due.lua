-- due: which sessions must be looked at now?
--
-- KEYS[1]  zset session id -> next moment somebody must look at it
-- ARGV[1]  JSON object: limit: how many at the most; hold: ms during which nobody else is given them
--
-- Returns the ids, most overdue first. What is not settled comes back after `hold`.

-- First what takes no memory: to a script that has written, a full Redis refuses nothing.
redis.call('ZREM', KEYS[1], '')
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, args.limit)
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], now + args.hold, id) end
return ids
