-- Values read together with the seq of their group, in one step.
--
-- KEYS: epoch, seq, then the values. ARGV: group.
-- Returns {epoch, seq, {values}}.

-- A server that was restarted with its data holds an older state, or the same, under the epoch of its last life: until a
-- worker has begun a new one, nobody is to be shown it.
local epoch = redis.call("GET", KEYS[1])
if epoch and not string.find(redis.call("INFO", "server"), "run_id:" .. string.match(epoch, ":(.*)"), 1, true) then
  epoch = false
end
local values = {}
for first = 3, #KEYS, 4000 do
  local held = redis.call("MGET", unpack(KEYS, first, math.min(first + 3999, #KEYS)))
  for i = 1, #held do values[#values + 1] = held[i] end
end
return {epoch, tonumber(redis.call("HGET", KEYS[2], ARGV[1]) or "0"), values}
