-- wait: a session that is over cannot be archived yet; everything that is known of it is kept.
--
-- args  shortest, longest: ms until it is tried again, twice as long each time
--
-- Returns {'ok', ms} or {'refused', why} with why one of gone, state.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state ~= 'ending' then return { 'refused', 'state' } end

local tries = redis.call('HINCRBY', K.session, 'archiveTries', 1)
local pause = math.min(args.longest, args.shortest * 2 ^ math.min(tries - 1, 20))
-- Not `look_at`: it would put a session that has outlived its limits on the list at once.
index(K.deadlines, now + pause, args.id)
redis.call('PEXPIRE', K.live, args.index_ttl)
refresh()
for _, alias in ipairs(redis.call('SMEMBERS', K.aliases)) do
  redis.call('PEXPIRE', alias, args.ttl)
end
return { 'ok', pause }
