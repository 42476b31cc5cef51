-- alias: one more name for a live session.
--
-- KEYS[14]  the alias's key
-- args      most: how many names a session may have
--
-- Returns {'ok'}, {'taken', id} when it names another session, or {'refused', why} with why one of
-- gone, full.

if redis.call('EXISTS', K.session) == 0 then return { 'refused', 'gone' } end
local owner = redis.call('GET', KEYS[14])
if owner and owner ~= args.id then return { 'taken', owner } end
if not owner and redis.call('SCARD', K.aliases) >= args.most then return { 'refused', 'full' } end
redis.call('SET', KEYS[14], args.id, 'PX', args.ttl)
redis.call('SADD', K.aliases, KEYS[14])
redis.call('PEXPIRE', K.aliases, args.ttl)
return { 'ok' }
