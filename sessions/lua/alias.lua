-- alias: one more name for a live session.
--
-- KEYS[12]  the alias's key
-- args      nothing more
--
-- Returns {'ok'}, {'taken', id} when it names another session, or {'refused', 'gone'}.

if redis.call('EXISTS', K.session) == 0 then return { 'refused', 'gone' } end
local owner = redis.call('GET', KEYS[12])
if owner and owner ~= args.id then return { 'taken', owner } end
redis.call('SET', KEYS[12], args.id, 'PX', args.ttl)
redis.call('SADD', K.aliases, KEYS[12])
redis.call('PEXPIRE', K.aliases, args.ttl)
return { 'ok' }
