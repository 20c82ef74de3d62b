-- Takes up people whom silent processes held. KEYS: base. ARGV: now, limit, keep_ms.
-- Answers 1 when nobody is left to look at, and those whom no other process holds.
local base, now, limit = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local live = {}
local nodes = redis.call('HGETALL', base .. 'nodes')
for n = 1, #nodes, 2 do
  local node = nodes[n]
  if tonumber(nodes[n + 1]) > now then
    live[#live + 1] = base .. 'held:' .. node
  else
    -- From here on its beat is told that it is unknown, so it holds again whom it still has.
    redis.call('HDEL', base .. 'nodes', node)
    if redis.call('EXISTS', base .. 'held:' .. node) == 1 then
      redis.call('RENAME', base .. 'held:' .. node, base .. 'dead:' .. node)
      redis.call('PEXPIRE', base .. 'dead:' .. node, ARGV[3])
      redis.call('SADD', base .. 'dead', node)
      redis.call('PEXPIRE', base .. 'dead', ARGV[3])
    end
  end
end
local gone, looked = {}, 0
local dead = redis.call('SMEMBERS', base .. 'dead')
for _, node in ipairs(dead) do
  if looked >= limit then return { 0, gone } end
  local some = redis.call('SPOP', base .. 'dead:' .. node, limit - looked)
  if looked + #some < limit then redis.call('SREM', base .. 'dead', node) end
  looked = looked + #some
  if #some > 0 then
    -- Of two silent processes that held somebody one is enough.
    for _, other in ipairs(dead) do
      redis.call('SREM', base .. 'dead:' .. other, unpack(some))
    end
    local held = {}
    for _, key in ipairs(live) do
      for i, holds in ipairs(redis.call('SMISMEMBER', key, unpack(some))) do
        if holds == 1 then held[i] = true end
      end
    end
    for i, user in ipairs(some) do
      if user ~= '' and not held[i] then gone[#gone + 1] = user end
    end
  end
end
return { looked < limit and 1 or 0, gone }
