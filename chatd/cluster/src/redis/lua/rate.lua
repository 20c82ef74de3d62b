-- One token of a bucket (GCRA), by the server's clock. KEYS: bucket. ARGV: step_us, burst.
-- The bucket is the time at which it is full again. Answers 1, what is left and until it is full; or 0, 0 and
-- the wait, in microseconds.
local time = redis.call('TIME')
local now, step = time[1] * 1000000 + time[2], tonumber(ARGV[1])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '') or 0, now) + step
local room = step * tonumber(ARGV[2]) - (full - now)
if room < 0 then return { 0, 0, -room } end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return { 1, math.floor(room / step), full - now }
