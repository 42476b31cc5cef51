-- place: a waiting session is told its place in the queue, if that is news to it.
--
-- args  free: how many slots are free, so that whoever stands within so many is not kept waiting;
--       pace: ms in which a slot comes free (absent: unknown)
--
-- Returns {'ok', position} or {'refused', why} with why one of gone, served, known.

if get('state') ~= 'queued' then return { 'refused', get('state') and 'served' or 'gone' } end
local rank = redis.call('ZRANK', K.queue, args.id)
if not rank then return { 'refused', 'served' } end
return tell_place(rank + 1) and { 'ok', rank + 1 } or { 'refused', 'known' }
