-- connect: a caller by WHIP has a connection, or has begun its ICE anew.
--
-- args  resource: what livekit-server calls the connection; tag: of its present ICE session
--
-- Returns {'ok'} or {'refused', why} with why one of gone, over.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state == 'ending' then return { 'refused', 'over' } end

redis.call('HSET', K.session, 'whip', args.resource, 'whipTag', args.tag)
return { 'ok' }
