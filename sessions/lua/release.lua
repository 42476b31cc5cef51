-- release: an agent has left its room and gives the session up.
--
-- args  owner
--
-- Where the session ends, the slot is free again: how long it was held is kept.
--
-- Returns {'ok', state} or {'refused', why} with why one of gone, stale. Whoever finishes or
-- restarts the session may do so at once: the deadline is now.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if get('owner') ~= args.owner or tonumber(get('owned')) ~= tonumber(get('generation')) then
  return { 'refused', 'stale' }
end
local note = 'generation:' .. get('generation') .. ':'
redis.call('HSET', K.session, note .. 'ended', now, note .. 'cause', 'left')
-- A renewal that is still under way must not bring the lease back.
redis.call('HDEL', K.session, 'owner')
redis.call('DEL', K.lease, K.pid)
index(K.deadlines, now, args.id)
if state == 'ending' and get('claimed') then
  redis.call('LPUSH', SLOT_TIMES, now - get('claimed'))
  redis.call('LTRIM', SLOT_TIMES, 0, 49)
  redis.call('PEXPIRE', SLOT_TIMES, 3600000)
end
return { 'ok', state }
