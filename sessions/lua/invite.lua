-- invite: the agent of a session is to be replaced in good order; another may stand by.
--
-- args  generation: of the agent that has the session now
--
-- Returns {'ok', 1 or 0: whether somebody stands by already}, or {'refused', why} with why one of
-- gone, stale, over. The field `heir` is the generation of whoever may stand by.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if tonumber(get('generation')) ~= args.generation then return { 'refused', 'stale' } end
if state == 'ending' then return { 'refused', 'over' } end

redis.call('HSET', K.session, 'heir', args.generation + 1)
local there = tonumber(get('heirUntil') or '0') > now
return { 'ok', there and 1 or 0 }
