-- A process lives until then. KEYS: base. ARGV: node, until, keep_ms. Answers 1 if it was known whole.
local nodes, held = KEYS[1] .. 'nodes', KEYS[1] .. 'held:' .. ARGV[1]
local new = redis.call('HSET', nodes, ARGV[1], ARGV[2])
-- The empty member says that this set is the one that the process filled.
local lost = redis.call('SADD', held, '')
redis.call('PEXPIRE', nodes, ARGV[3])
redis.call('PEXPIRE', held, ARGV[3])
if new == 0 and lost == 0 then return 1 end
return 0
