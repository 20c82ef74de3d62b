-- Gives a token back. KEYS: bucket. ARGV: step_us.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = (tonumber(redis.call('GET', KEYS[1]) or '') or 0) - tonumber(ARGV[1])
if full <= now then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
