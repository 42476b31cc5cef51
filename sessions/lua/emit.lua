-- emit: something happened; everybody who watches the session learns of it, in order.
--
-- args  type; data: JSON text; generation: whoever writes as an agent (absent: the house);
--       turn: JSON text to append to the history as well; stamps: timeline fields to set to now;
--       set: object of fields of the session to write; number: the writer's count of its events,
--       with which one that is sent again is written once; latency: ms for which the caller waited
--
-- Returns {'ok', event id}, without an id for one that is there already,
-- or {'refused', why} with why one of gone, stale.

local generation = tonumber(get('generation'))
if not generation then return { 'refused', 'gone' } end
if args.generation and args.generation ~= generation then return { 'refused', 'stale' } end

if args.number then
  local told = generation .. ':'
  local last = get('told') or ''
  if last:sub(1, #told) == told and tonumber(last:sub(#told + 1)) >= args.number then
    return { 'ok', '' }
  end
  redis.call('HSET', K.session, 'told', told .. args.number)
end
stamp(args.stamps)
if args.latency then observe('turn', args.latency) end
if args.type == 'error' then tally('errors:event:kept') end
redis.call('HSET', K.session, 'activeAt', now)
for field, value in pairs(args.set or {}) do redis.call('HSET', K.session, field, value) end
if args.turn then
  redis.call('XADD', K.history, '*', 'turn', args.turn)
  redis.call('PEXPIRE', K.history, args.ttl)
end
if args.type == 'agent_response' then announce_handoff(args.data) end
return { 'ok', emit(args.type, args.data) }
