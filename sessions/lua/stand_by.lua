-- stand_by: a process waits to be the next agent of a session, and says so while it does.
--
-- args  generation: which it would be; who: the owner it would be; hold: ms for which it is counted on
--
-- Returns {'ok'} or {'refused', why} with why one of gone, stale (not invited, or not any more),
-- over, taken (somebody else stands by). The agent that has the session is told once, and again if
-- for a moment nobody could be counted on: it may have asked just then.

local state = get('state')
if not state then return { 'refused', 'gone' } end
local invited = tonumber(get('heir') or '0') == args.generation
if not invited or tonumber(get('generation')) ~= args.generation - 1 then
  return { 'refused', 'stale' }
end
if state == 'ending' then return { 'refused', 'over' } end

local known = get('heirIs') == args.who
local held = tonumber(get('heirUntil') or '0') > now
if held and not known then return { 'refused', 'taken' } end
redis.call('HSET', K.session, 'heirIs', args.who, 'heirUntil', now + args.hold)
if not (held and known) then command('hand_over', cjson.encode({ generation = args.generation })) end
return { 'ok' }
