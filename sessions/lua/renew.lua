-- renew: the owner says that it is alive.
--
-- args  generation; owner; lease: ms; set: object of fields of the session to write
--
-- Returns {'ok', state} or {'refused', why} with why one of gone, stale.

local state = get('state')
if not state then return { 'refused', 'gone' } end
local generation = tonumber(get('generation'))
if generation ~= args.generation or tonumber(get('owned')) ~= generation
  or get('owner') ~= args.owner then
  return { 'refused', 'stale' }
end
redis.call('SET', K.lease, args.owner, 'PX', args.lease)
if args.set then write(K.session, args.set) end
if state ~= 'ending' then look_at(now + args.lease + 1) end
refresh()
for _, alias in ipairs(redis.call('SMEMBERS', K.aliases)) do
  redis.call('PEXPIRE', alias, args.ttl)
end
return { 'ok', state }
