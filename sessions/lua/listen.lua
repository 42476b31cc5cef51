-- listen: whether the agent is to hear the caller, from now on and under every later generation.
--
-- args  on: boolean
--
-- Returns {'ok', state, id of the newest event}, or {'refused', why} with why one of gone, state.
-- An agent that is there confirms with an event `listening`; one that comes later reads the config.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state == 'ending' then return { 'refused', 'state' } end

-- A config that has been lost is made anew by the agent; a part of one would be taken for the whole.
if redis.call('EXISTS', K.config) == 1 then
  redis.call('HSET', K.config, 'listening', args.on and '1' or '0', 'updatedAt', now)
end
command('listen', cjson.encode({ on = args.on }))
local newest = redis.call('XREVRANGE', K.events, '+', '-', 'COUNT', 1)[1]
return { 'ok', state, newest and newest[1] or '0-0' }
