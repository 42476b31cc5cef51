-- ask: somebody writes a question into a session; it is kept, told, and waits for its answer.
--
-- KEYS[14]  the question's hash
-- KEYS[15]  zset correlation id -> moment (ms) at which an unanswered question is looked at again
-- args      correlation_id; question: object of strings, the hash; keep: ms it stays there;
--           look_after: ms; event, turn: JSON texts; per_minute: how many questions a session may
--           ask, 0 means any; idle: ms after which a session in writing has been left;
--           transport: celery | kafka
--
-- Returns {'ok', event id}, {'limit', ms to wait}, or {'refused', why} with why one of gone, over,
-- taken: a question of that correlation id is there already.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state == 'ending' then return { 'refused', 'over' } end
if redis.call('EXISTS', KEYS[14]) == 1 then return { 'refused', 'taken' } end

local minute = math.floor(now / 60000)
local count = 0
if tonumber(get('chatMinute') or '0') == minute then count = tonumber(get('chatCount')) end
if args.per_minute > 0 and count >= args.per_minute then
  return { 'limit', (minute + 1) * 60000 - now }
end
redis.call('HSET', K.session, 'chatMinute', minute, 'chatCount', count + 1, 'activeAt', now)

args.question.asked = now
args.question.sends = 1
write(KEYS[14], args.question)
redis.call('PEXPIRE', KEYS[14], args.keep)
index(KEYS[15], now + args.look_after, args.correlation_id)
redis.call('XADD', K.history, '*', 'turn', args.turn)
local event = emit('transcript', args.event)
if get('channel') == 'text' then look_at(now + args.idle) end
refresh()
tally('questions:' .. args.transport .. ':asked')
return { 'ok', event }
