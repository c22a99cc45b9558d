-- The lines after a number, with the number of the last one and the seq of their group, in one step.
--
-- KEYS: epoch, seq, lines, number. ARGV: group, the number after which lines are wanted.
-- Returns {epoch, seq, last number, {lines}}.

local last = tonumber(redis.call("GET", KEYS[4]) or "0")
local missing = last - tonumber(ARGV[2])
local lines = {}
if missing > 0 then lines = redis.call("LRANGE", KEYS[3], -missing, -1) end
return {redis.call("GET", KEYS[1]), tonumber(redis.call("HGET", KEYS[2], ARGV[1]) or "0"), last, lines}
