-- arrive: an agent is in the room, and about to publish its voice and to be ready.
--
-- args  generation: of the agent; joined: when it came into the room, in ms
--
-- Returns {'ok'} or {'refused', why} with why one of gone, stale, state. It is no event: whoever
-- waits for the agent is woken, and reads the stamp `joined`.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if tonumber(get('generation')) ~= args.generation then return { 'refused', 'stale' } end
if state ~= 'starting' then return { 'refused', 'state' } end

mark('joined', args.joined)
redis.call('PUBLISH', K.events, 'joined')
return { 'ok' }
