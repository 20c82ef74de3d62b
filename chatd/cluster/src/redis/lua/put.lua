-- Keeps a ticket. KEYS: base. ARGV: secret, ticket (begins with the user), user, end, now, bound, bound of a
-- user, keep_ms. Answers 0: kept; 1: too many in all; 2 and the first end: too many of this user's.
local tickets, ends, mine = KEYS[1] .. 'all', KEYS[1] .. 'ends', KEYS[1] .. 'of:' .. ARGV[3]
local secret, now = ARGV[1], ARGV[5]
-- A few at a time, and more than come in.
local over = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then
  redis.call('HDEL', tickets, unpack(over))
  redis.call('ZREM', ends, unpack(over))
end
if redis.call('ZCOUNT', ends, '(' .. now, '+inf') >= tonumber(ARGV[6]) then return { 1, '' } end
redis.call('ZREMRANGEBYSCORE', mine, '-inf', now)
if redis.call('ZCARD', mine) >= tonumber(ARGV[7]) then
  return { 2, redis.call('ZRANGE', mine, 0, 0, 'WITHSCORES')[2] }
end
-- A secret of 256 random bits does not come twice; were it to, the newer ticket counts.
local before = redis.call('HGET', tickets, secret)
if before then redis.call('ZREM', KEYS[1] .. 'of:' .. string.sub(before, 1, 32), secret) end
redis.call('HSET', tickets, secret, ARGV[2])
redis.call('ZADD', ends, ARGV[4], secret)
redis.call('ZADD', mine, ARGV[4], secret)
for _, key in ipairs({ tickets, ends, mine }) do
  if redis.call('PTTL', key) < tonumber(ARGV[8]) then redis.call('PEXPIRE', key, ARGV[8]) end
end
return { 0, '' }
