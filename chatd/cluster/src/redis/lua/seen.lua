-- Remembers last seens. KEYS: set. ARGV: bound, keep_ms, then user and time in turn. Answers how many
-- found no room.
local bound, count, dropped = tonumber(ARGV[1]), redis.call('ZCARD', KEYS[1]), 0
for i = 3, #ARGV, 2 do
  if count < bound or redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    count = count + redis.call('ZADD', KEYS[1], 'GT', ARGV[i + 1], ARGV[i])
  else
    dropped = dropped + 1
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return dropped
