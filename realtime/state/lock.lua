-- Holds the lock of a rebuild and, with it, deletes keys: both only while the lock is ours and there is no epoch.
--
-- KEYS: epoch, lock, then keys to delete. ARGV: token, seconds.
-- Returns 1, or 0 when the lock is lost.

if redis.call("EXISTS", KEYS[1]) == 1 or redis.call("GET", KEYS[2]) ~= ARGV[1] then return 0 end
redis.call("EXPIRE", KEYS[2], ARGV[2])
for i = 3, #KEYS do redis.call("UNLINK", KEYS[i]) end
return 1
