-- bequeath: an agent that is about to hand over leaves what it has not said.
--
-- args  generation: of the agent that has the session; unsaid: text, may be empty
--
-- Returns {'ok'} or {'refused', why} with why one of gone, stale, over, alone: nobody stands by.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if tonumber(get('generation')) ~= args.generation then return { 'refused', 'stale' } end
if state == 'ending' then return { 'refused', 'over' } end
if tonumber(get('heir') or '0') ~= args.generation + 1
  or tonumber(get('heirUntil') or '0') <= now then
  return { 'refused', 'alone' }
end

redis.call('HSET', K.session, 'unsaid', args.unsaid, 'unsaidFor', args.generation + 1)
return { 'ok' }
