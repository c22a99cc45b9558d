-- The epoch of the state, false where there is none of this life of the server.
--
-- The beginning of every script that reads for the web. KEYS: epoch first.

-- A server that was restarted with its data holds an older state, or the same, under the epoch of its last life: until a
-- worker has begun a new one, nobody is to be shown it.
local epoch = redis.call("GET", KEYS[1])
if epoch and not string.find(redis.call("INFO", "server"), "run_id:" .. string.match(epoch, ":(.*)"), 1, true) then
  epoch = false
end
