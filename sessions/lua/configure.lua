-- configure: a live session gets a whole new config.
--
-- args  config: object of strings, the hash; generation: whoever writes as an agent (absent: the
--       house)
--
-- Returns {'ok'} or {'refused', why} with why one of gone, stale.

local generation = tonumber(get('generation'))
if not generation then return { 'refused', 'gone' } end
if args.generation and args.generation ~= generation then return { 'refused', 'stale' } end

redis.call('DEL', K.config)
args.config.updatedAt = now
write(K.config, args.config)
redis.call('PEXPIRE', K.config, args.ttl)
return { 'ok' }
