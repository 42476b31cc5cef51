-- answer: a question has its answer, once for each correlation id.
--
-- KEYS[14]  the question's hash
-- KEYS[15]  zset of the questions that are still open
-- args      correlation_id; response: JSON text; keep: ms the answer can still be asked for;
--           event, turn: JSON texts; used: object of fields of the session and by how much each
--           grows; most: beyond so many fields it gets no new one; say: JSON text of the command
--           that lets the agent of a call know; question: what was asked; transport: celery | kafka; outcome: answered | failed |
--           given_up; kept: whether it named the session it is about
--
-- Returns {'ok', event id}, with an empty id where the session has gone meanwhile, or
-- {'refused', why} with why one of unknown, answered. The question's channel wakes who waits.

local asked_in = redis.call('HGET', KEYS[14], 'session')
if asked_in ~= args.id then return { 'refused', 'unknown' } end
if redis.call('HEXISTS', KEYS[14], 'response') == 1 then return { 'refused', 'answered' } end

redis.call('HSET', KEYS[14], 'response', args.response, 'answered', now)
redis.call('PEXPIRE', KEYS[14], args.keep)
redis.call('ZREM', KEYS[15], args.correlation_id)
redis.call('PUBLISH', KEYS[14], 'answered')
tally('questions:' .. args.transport .. ':' .. args.outcome)
observe('answer:' .. args.transport, now - tonumber(redis.call('HGET', KEYS[14], 'asked') or now))
if args.outcome ~= 'answered' then tally('errors:answer:' .. (args.kept and 'kept' or 'lost')) end

local state = get('state')
if not state then return { 'ok', '' } end
redis.call('HSET', K.session, 'activeAt', now)
for field, amount in pairs(args.used or {}) do
  -- Whoever answers names the models, and so the fields: a session holds so many and no more.
  if redis.call('HEXISTS', K.session, field) == 1 or redis.call('HLEN', K.session) < args.most then
    redis.call('HINCRBY', K.session, field, amount)
  end
end
redis.call('XADD', K.history, '*', 'turn', args.turn)
local event = emit('agent_response', args.event)
announce_handoff(args.event, args.question)
if get('channel') == 'voice' and state ~= 'ending' then command('say', args.say) end
refresh()
return { 'ok', event }
