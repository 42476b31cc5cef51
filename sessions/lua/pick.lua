-- pick: a process is free; which waiting session shall it take?
--
-- KEYS[1]  zset of waiting sessions by priority and arrival
-- KEYS[2]  zset of who has been given to a process -> until when (ms) nobody else is
-- ARGV[1]  JSON object: first: who comes before the whole queue; hold: ms
--
-- Returns whom it shall take, or false where nobody waits. What it does not claim can be picked
-- again after `hold`.

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)

local function offer(waiting)
  for _, one in ipairs(waiting) do
    if not redis.call('ZSCORE', KEYS[2], one) then
      redis.call('ZADD', KEYS[2], now + args.hold, one)
      redis.call('PEXPIRE', KEYS[2], args.hold)
      return one
    end
  end
  return false
end

-- At most as many of the first in the queue are held as there are processes about to claim.
local held = redis.call('ZCARD', KEYS[2])
return offer(args.first) or offer(redis.call('ZRANGE', KEYS[1], 0, held))
