-- Takes, renews or gives back a lock; 1 where it is held now.
--
-- KEYS: lock. ARGV: holder, ms for which it is held from now on (0 gives it back).

local held = redis.call("GET", KEYS[1])
if held and held ~= ARGV[1] then
  return 0
end
if ARGV[2] == "0" then
  redis.call("DEL", KEYS[1])
  return 0
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1
