-- A process lets people go. KEYS: base. ARGV: node, now, users... Answers 1 for each whom nobody holds.
local base, node, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local users, gone = {}, {}
for i = 3, #ARGV do
  users[i - 2], gone[i - 2] = ARGV[i], 1
end
redis.call('SREM', base .. 'held:' .. node, unpack(users))
-- Who goes properly does not lapse besides.
for _, dead in ipairs(redis.call('SMEMBERS', base .. 'dead')) do
  redis.call('SREM', base .. 'dead:' .. dead, unpack(users))
end
local nodes = redis.call('HGETALL', base .. 'nodes')
for n = 1, #nodes, 2 do
  if nodes[n] ~= node and tonumber(nodes[n + 1]) > now then
    for i, holds in ipairs(redis.call('SMISMEMBER', base .. 'held:' .. nodes[n], unpack(users))) do
      if holds == 1 then gone[i] = 0 end
    end
  end
end
return gone
