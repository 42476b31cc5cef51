-- settle: a session that ends has lost its agent; what was being said becomes a turn.
--
-- args  nothing more
--
-- Returns {'ok'} or {'refused', why} with why one of gone, state.

local state = get('state')
if not state then return { 'refused', 'gone' } end
if state ~= 'ending' then return { 'refused', 'state' } end
settle_words()
return { 'ok' }
