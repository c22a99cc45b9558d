-- Shows that viewers are there, by Redis's own clock, and counts them with everybody else's.
--
-- KEYS: viewers of a view, or of one subject of it. ARGV: seconds after which who was not shown again is gone,
--       n that left, members that left..., members that are there...
-- Returns how many there are.

local now = tonumber(redis.call("TIME")[1])
local left = tonumber(ARGV[2])
for i = 3, 2 + left do redis.call("ZREM", KEYS[1], ARGV[i]) end
for i = 3 + left, #ARGV do redis.call("ZADD", KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("EXPIRE", KEYS[1], ARGV[1] + 1)
return redis.call("ZCARD", KEYS[1])
