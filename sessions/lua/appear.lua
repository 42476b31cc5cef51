-- appear: livekit-server says that the caller has come into the room.
--
-- Returns {'ok'} or {'refused', 'gone'}. It is no event: that is for the agent to tell. The next
-- agent must know it of a caller whom none of those before has lived long enough to meet.

if not get('state') then return { 'refused', 'gone' } end

redis.call('HSET', K.session, 'appeared', 1)
return { 'ok' }
