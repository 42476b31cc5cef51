-- claim: an agent process takes the session, once for each generation.
--
-- args  generation; owner: '<generation>:<host>:<boot id>:<pid>:<process start>'; worker; task; pid;
--       lease: ms
--
-- Returns {'claimed', now, flat session hash, flat config hash}, or {'refused', why} with why one of
-- gone, stale, owned, over.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if tonumber(get('generation')) ~= args.generation then return { 'refused', 'stale' } end
if tonumber(get('owned')) >= args.generation then return { 'refused', 'owned' } end
if state ~= 'queued' and state ~= 'recovering' then return { 'refused', 'over' } end

redis.call('HSET', K.session, 'owned', args.generation, 'owner', args.owner,
  'worker', args.worker, 'taskId', args.task, 'claimedAt', now)
local note = 'generation:' .. args.generation .. ':'
redis.call('HSET', K.session, note .. 'owner', args.owner, note .. 'worker', args.worker,
  note .. 'claimed', now)
stamp({ 'claimed' })
redis.call('SET', K.lease, args.owner, 'PX', args.lease)
redis.call('SET', K.pid, args.pid, 'PX', args.ttl)
redis.call('ZREM', K.queue, args.id)
if state == 'queued' then
  -- Whoever has waited for long has the whole call before them all the same.
  redis.call('HSET', K.session, 'expiresAt', now + get('expiresAt') - get('queueUntil'))
  enter('starting')
end
look_at(now + args.lease + 1)
refresh()
return { 'claimed', now, redis.call('HGETALL', K.session), redis.call('HGETALL', K.config) }
