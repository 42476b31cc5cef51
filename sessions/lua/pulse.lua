-- pulse: somebody of the house reaches Redis; has nobody done so for a while before?
--
-- KEYS[1]  moment (ms) of the last sign of life
-- KEYS[2]  lives while agents that were cut off have time to renew their leases
-- ARGV[1]  JSON object: silence: ms after which the house counts as cut off; patience: ms that
--          agents get afterwards; ttl: ms
--
-- Returns 1 while they have that time, else 0.

-- First what takes no memory: to a script that has written, a full Redis refuses nothing.
redis.call('PEXPIRE', KEYS[1], args.ttl)
local last = tonumber(redis.call('GET', KEYS[1]) or now)
if now - last > args.silence then redis.call('SET', KEYS[2], last, 'PX', args.patience) end
redis.call('SET', KEYS[1], now, 'PX', args.ttl)
return redis.call('EXISTS', KEYS[2])
