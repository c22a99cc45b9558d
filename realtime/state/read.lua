-- Values read together with the seq of their group, in one step.
--
-- Begins with epoch.lua. KEYS: epoch, seq, then the values. ARGV: group.
-- Returns {epoch, seq, {values}}.

local values = {}
for first = 3, #KEYS, 4000 do
  local held = redis.call("MGET", unpack(KEYS, first, math.min(first + 3999, #KEYS)))
  for i = 1, #held do values[#values + 1] = held[i] end
end
return {epoch, tonumber(redis.call("HGET", KEYS[2], ARGV[1]) or "0"), values}
