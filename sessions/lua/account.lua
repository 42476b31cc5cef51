-- account: what the agent of one generation has used so far; said again, it counts once.
--
-- args  generation; set: object of fields of the session to write
--
-- Returns {'ok'} or {'refused', 'gone'}. An agent that has been replaced has used it all the same.

local generation = tonumber(get('generation'))
if not generation or args.generation > generation then return { 'refused', 'gone' } end
write(K.session, args.set)
return { 'ok' }
