-- The oldest of the lines after a number, with the number of the newest one and the seq of their group, in one step.
--
-- Begins with epoch.lua. KEYS: epoch, seq, lines, number. ARGV: group, the number after which lines are wanted (before 0: so many of the
-- newest), how many at most.
-- Returns {epoch, seq, newest number, number of the first of these lines, {lines}}.

local last = tonumber(redis.call("GET", KEYS[4]) or "0")
local after = tonumber(ARGV[2])
if after < 0 then after = last + after end
local oldest = last - redis.call("LLEN", KEYS[3]) + 1
local first = math.max(after + 1, oldest)
local lines = {}
if first <= last then lines = redis.call("LRANGE", KEYS[3], first - oldest, first - oldest + ARGV[3] - 1) end
return {epoch, tonumber(redis.call("HGET", KEYS[2], ARGV[1]) or "0"), last, first, lines}
