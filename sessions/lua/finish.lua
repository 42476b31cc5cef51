-- finish: the session is archived; it ends, and nothing of it stays but its event log for a while.
--
-- KEYS[14]  zset of the scope's live sessions
-- KEYS[15]  zset of the user's live sessions
-- args      linger: ms the event log stays readable
--
-- Returns {'ok'} or {'refused', why} with why one of gone, state.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state ~= 'ending' then return { 'refused', 'state' } end

local reason, fault = get('reason'), get('fault')
tally(table.concat({ 'ends', get('channel'), reason, fault }, ':'))
enter('ended', { reason = reason, fault = fault })
announce('session.ended', { reason = reason, fault = fault })
emit('session_ended', cjson.encode({ session_id = args.id, reason = reason, fault = fault }))
for _, alias in ipairs(redis.call('SMEMBERS', K.aliases)) do
  if redis.call('GET', alias) == args.id then redis.call('DEL', alias) end
end
-- Whoever has talked for hours leaves much to free: that is done beside the commands of others.
redis.call('UNLINK', K.session, K.config, K.history, K.control, K.aliases, K.lease, K.pid)
redis.call('PEXPIRE', K.events, args.linger)
for _, key in ipairs({ K.deadlines, K.queue, K.live, KEYS[14], KEYS[15] }) do
  redis.call('ZREM', key, args.id)
end
return { 'ok' }
