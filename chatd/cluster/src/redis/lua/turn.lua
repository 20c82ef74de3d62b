-- Notes turns of typing, by pair until when. KEYS: set. ARGV: now, bound, keep_ms, then pair and end in
-- turn; no end is: it ends now.
local now, bound = ARGV[1], tonumber(ARGV[2])
for i = 4, #ARGV, 2 do
  local pair, till = ARGV[i], ARGV[i + 1]
  if till == '' then
    redis.call('ZREM', KEYS[1], pair)
  elseif redis.call('ZSCORE', KEYS[1], pair) then
    redis.call('ZADD', KEYS[1], till, pair)
  else
    if redis.call('ZCARD', KEYS[1]) >= bound then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now) end
    if redis.call('ZCARD', KEYS[1]) < bound then redis.call('ZADD', KEYS[1], till, pair) end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
