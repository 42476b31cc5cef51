-- reindex: a session gets back its place in every index that it belongs in, and loses those in others.
--
-- Returns {'ok', how many places were wrong}, or {'refused', why} with why one of gone, unreadable.
-- Whoever has lost a place in the queue gets the one of its arrival; who has lost its deadline is
-- looked at now.

local state, scope, user, accepted = unpack(
  redis.call('HMGET', K.session, 'state', 'scope', 'userName', 'accepted'))
if not state then return { 'refused', 'gone' } end
if not (STATE_SCORE[state] and scope and user and tonumber(accepted)) then
  return { 'refused', 'unreadable' }
end

local off = 0
local function belongs(key, score)
  if redis.call('ZSCORE', key, args.id) then return end
  index(key, score, args.id)
  off = off + 1
end
local function is_foreign(key) off = off + redis.call('ZREM', key, args.id) end

belongs(K.live, accepted)
belongs(scope_sessions(scope), accepted)
belongs(K.deadlines, now)
if tonumber(redis.call('ZSCORE', STATES, args.id)) ~= STATE_SCORE[state] then
  index(STATES, STATE_SCORE[state], args.id)
  off = off + 1
end
if state == 'ending' then
  belongs(scope_ending(scope), now)
  is_foreign(user_sessions(scope, user))
else
  belongs(user_sessions(scope, user), accepted)
  is_foreign(scope_ending(scope))
end
if state ~= 'queued' then
  is_foreign(K.queue)
elseif not redis.call('ZSCORE', K.queue, args.id) then
  wait_since(accepted * 1000)
  off = off + 1
end
return { 'ok', off }
