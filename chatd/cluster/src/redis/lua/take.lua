-- Takes a ticket out. KEYS: base. ARGV: secret.
local ticket = redis.call('HGET', KEYS[1] .. 'all', ARGV[1])
if ticket then
  redis.call('HDEL', KEYS[1] .. 'all', ARGV[1])
  redis.call('ZREM', KEYS[1] .. 'ends', ARGV[1])
  redis.call('ZREM', KEYS[1] .. 'of:' .. string.sub(ticket, 1, 32), ARGV[1])
end
return ticket
