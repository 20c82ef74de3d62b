-- What is known of people. KEYS: base. ARGV: node, now, users...
-- Answers who is held by another process that lives, and last seens; 0 is none.
local base, node, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local users, elsewhere, seen = {}, {}, {}
for i = 3, #ARGV do
  users[i - 2], elsewhere[i - 2] = ARGV[i], 0
end
local nodes = redis.call('HGETALL', base .. 'nodes')
for n = 1, #nodes, 2 do
  if nodes[n] ~= node and tonumber(nodes[n + 1]) > now then
    for i, holds in ipairs(redis.call('SMISMEMBER', base .. 'held:' .. nodes[n], unpack(users))) do
      if holds == 1 then elsewhere[i] = 1 end
    end
  end
end
for i, at in ipairs(redis.call('ZMSCORE', base .. 'unsaved', unpack(users))) do
  seen[i] = tonumber(at or '0')
end
return { elsewhere, seen }
