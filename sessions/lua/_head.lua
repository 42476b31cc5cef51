-- In front of every script: what it is given, and the moment (ms of Redis's own clock) it runs in.

redis.replicate_commands()
local args = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
