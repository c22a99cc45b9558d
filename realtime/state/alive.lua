-- Shows that a worker lives, by Redis's own clock, and tells it whose state this is.
--
-- KEYS: workers, epoch. ARGV: worker, seconds after which one is forgotten.
-- Returns {epoch, run_id}.

local now = tonumber(redis.call("TIME")[1])
redis.call("ZADD", KEYS[1], now, ARGV[1])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now - ARGV[2])
return {redis.call("GET", KEYS[2]) or "", string.match(redis.call("INFO", "server"), "run_id:(%w+)")}
