-- Notes how far the topics reach, and when that was heard, by Redis's own clock.
--
-- KEYS: reach, heard. ARGV: field, end, field, end ...

local now = redis.call("TIME")[1]
for i = 1, #ARGV, 2 do
  redis.call("HSET", KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call("HSET", KEYS[2], ARGV[i], now)
end
