-- Begins a new life of the state: after a rebuild (the lock is ours, there is no epoch) or on a server that was
-- restarted with its data (the old epoch stands as we read it).
--
-- KEYS: epoch, lock, applied, ends, shape
-- ARGV: mode ("lock" or "epoch"), the lock's token or the old epoch, new epoch, n applied, (field, mark)...,
--       n ends, (field, end)..., n shapes, (topic, shape)...
-- Returns 1, or 0 when somebody else was faster.

local at = 0
local function take() at = at + 1; return ARGV[at] end

local mode, guard, epoch = take(), take(), take()
if mode == "lock" then
  if redis.call("EXISTS", KEYS[1]) == 1 or redis.call("GET", KEYS[2]) ~= guard then return 0 end
elseif redis.call("GET", KEYS[1]) ~= guard then
  return 0
end
for _ = 1, tonumber(take()) do redis.call("HSET", KEYS[3], take(), take()) end
redis.call("DEL", KEYS[4])
for _ = 1, tonumber(take()) do redis.call("HSET", KEYS[4], take(), take()) end
redis.call("DEL", KEYS[5])
for _ = 1, tonumber(take()) do redis.call("HSET", KEYS[5], take(), take()) end
redis.call("SET", KEYS[1], epoch)
if mode == "lock" then redis.call("DEL", KEYS[2]) end
return 1
