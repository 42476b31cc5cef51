-- advance: one step along the states, checked, stamped, indexed and told in the event log.
--
-- args  to: ready | recovering | ending; generation: whoever writes as an agent (absent: the house);
--       reason, fault, detail: why it ends; cause: why it recovers; times: object of timeline
--       stamps (ms); seen: {state, owned} that must still hold; unless_leased: refuse while a lease
--       lives; look_after: ms until somebody must look again; recoveries, window: how many takeovers
--       are allowed within how many ms (absent: this one is none, it does not count)
--
-- Returns {'ok', state, generation} or {'refused', why, state} with why one of gone, stale, moved,
-- leased, state. Too many takeovers turn `recovering` into `ending` with reason recovery_failed.
-- Where no agent is left that could write what was being said, it becomes a turn.

local allowed = {
  ready = { starting = true, recovering = true },
  recovering = { starting = true, ready = true, recovering = true },
  ending = { queued = true, starting = true, ready = true, recovering = true },
}

local state = get('state')
if not state then return { 'refused', 'gone', '' } end
local generation = tonumber(get('generation'))
if args.generation and args.generation ~= generation then return { 'refused', 'stale', state } end
if not allowed[args.to][state] then return { 'refused', 'state', state } end
if args.to == 'ready' and tonumber(get('owned')) ~= generation then
  return { 'refused', 'state', state }
end
if args.seen and (args.seen.state ~= state or args.seen.owned ~= tonumber(get('owned'))) then
  return { 'refused', 'moved', state }
end
if args.unless_leased and redis.call('EXISTS', K.lease) == 1 then
  return { 'refused', 'leased', state }
end

local function taken_over_too_often()
  if not args.recoveries then return false end
  local recent = {}
  for at in string.gmatch(get('recoveredAt') or '', '%d+') do
    if tonumber(at) > now - args.window then table.insert(recent, at) end
  end
  if #recent >= args.recoveries then return true end
  table.insert(recent, string.format('%d', now))
  redis.call('HSET', K.session, 'recoveredAt', table.concat(recent, ','))
  return false
end

for name, at in pairs(args.times or {}) do mark(name, at) end
local note = 'generation:' .. generation .. ':'
if args.to == 'ready' then
  redis.call('HSET', K.session, note .. 'ready', now)
elseif args.to == 'recovering' then
  redis.call('HSET', K.session, note .. 'ended', now, note .. 'cause', args.cause)
end
local to, reason, fault, detail = args.to, args.reason, args.fault, args.detail
if to == 'recovering' and taken_over_too_often() then
  to, reason, fault = 'ending', 'recovery_failed', 'platform'
  redis.call('DEL', K.lease, K.pid)
end

if to == 'recovering' or (to == 'ending' and redis.call('EXISTS', K.lease) == 0) then
  settle_words()
end

if to == 'ready' then
  if not get('ready') then announce('session.ready', {}) end
  stamp({ 'ready' })
  enter('ready')
  if state == 'recovering' then
    observe('takeover:' .. (get('cause') or 'unknown'), now - tonumber(get('recoveringSince') or now))
    emit('agent_recovered', cjson.encode({
      session_id = args.id, generation = generation, cause = get('cause') or nil,
    }))
  end
  look_at(now + args.look_after)
elseif to == 'recovering' then
  generation = redis.call('HINCRBY', K.session, 'generation', 1)
  if args.recoveries then redis.call('HINCRBY', K.session, 'recoveries', 1) end
  redis.call('HSET', K.session, 'recoveringSince', now, 'cause', args.cause)
  redis.call('DEL', K.lease, K.pid)
  tally('recoveries:' .. args.cause)
  enter('recovering', { cause = args.cause })
  emit('agent_recovering', cjson.encode({
    session_id = args.id, generation = generation, cause = args.cause,
  }))
  look_at(now + args.look_after)
else
  redis.call('HSET', K.session, 'reason', reason, 'fault', fault, 'endingAt', now)
  if detail then redis.call('HSET', K.session, 'detail', detail) end
  redis.call('ZREM', K.queue, args.id)
  enter('ending', { reason = reason, fault = fault })
  command('end')
  local leased = redis.call('EXISTS', K.lease) == 1
  index(K.deadlines, leased and now + args.look_after or now, args.id)
end
refresh()
return { 'ok', to, generation }
