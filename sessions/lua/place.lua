-- place: a waiting session is told its place in the queue, if that is news to it.
--
-- args  free: how many slots are free, so that whoever stands within so many is not kept waiting;
--       pace: ms in which a slot comes free (absent: unknown)
--
-- Returns {'ok', position} or {'refused', why} with why one of gone, served, known.

if get('state') ~= 'queued' then return { 'refused', get('state') and 'served' or 'gone' } end
local rank = redis.call('ZRANK', K.queue, args.id)
if not rank or rank < args.free then return { 'refused', 'served' } end
local position = rank + 1
if tonumber(get('queuePosition')) == position then return { 'refused', 'known' } end

redis.call('HSET', K.session, 'queuePosition', position)
emit('queue_position', cjson.encode({
  session_id = args.id,
  position = position,
  estimated_wait_ms = args.pace and math.floor((position - args.free) * args.pace) or cjson.null,
}))
return { 'ok', position }
