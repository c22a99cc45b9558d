-- One batch, applied whole or not at all.
--
-- Compare-and-set on the state's life (its epoch, or the lock of a rebuild), the applied offsets that the batch
-- started from, and the old bytes of every value that it replaces. Then values, timelines, lines, counts, applied
-- offsets, and one seq a group. No JSON here: the caller has computed every byte.
--
-- KEYS: epoch, lock, applied, seq, prefix of the change sets, expiries, malformed
-- ARGV: a flat list that `take` reads in the order in which realtime/state/live.py packs it.
-- Returns {"ok", {seq a group}, {last line number a tail}, {total a count}, {malformed a topic}} or
-- {what differed, the value found}.

local at = 0
local function take() at = at + 1; return ARGV[at] end
local function number() return tonumber(take()) end
local CHUNK = 4000 -- Lua's unpack ends near 7,000 values

local function in_chunks(list, call)
  for first = 1, #list, CHUNK do
    call(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end

-- 1. Whose life of the state is this?
local mode, life, run_id = take(), take(), take()
if mode == "epoch" then
  local epoch = redis.call("GET", KEYS[1])
  if epoch ~= life then return {"epoch", epoch or ""} end
else
  if redis.call("EXISTS", KEYS[1]) == 1 then return {"epoch", ""} end
  if redis.call("GET", KEYS[2]) ~= life then return {"lock", ""} end
end
if not string.find(redis.call("INFO", "server"), "run_id:" .. run_id, 1, true) then return {"epoch", ""} end

-- 2. Did anybody apply these records, or change these values, meanwhile?
local marks = {}
for _ = 1, number() do
  local field, old, new = take(), take(), take()
  if (redis.call("HGET", KEYS[3], field) or "") ~= old then return {"mark", field} end
  marks[#marks + 1] = field
  marks[#marks + 1] = new
end
local window, topics = number(), {}
for i = 1, number() do topics[i] = {take(), take()} end -- topic, a sign for each of its records
local kinds, names, olds, news = {}, {}, {}, {}
for k = 1, number() do
  local kind = {prefix = take(), index = take(), member = take(), group = take()}
  kind.puts = cmsgpack.unpack(take()) -- id, score, until of each: one argument, since each costs more than its bytes
  for p = 1, #kind.puts, 3 do
    names[#names + 1], olds[#olds + 1], news[#news + 1] = kind.prefix .. kind.puts[p], take(), take()
  end
  kinds[k] = kind
end
for first = 1, #names, CHUNK do
  local last = math.min(first + CHUNK - 1, #names)
  local held = redis.call("MGET", unpack(names, first, last))
  for i = first, last do
    if (held[i - first + 1] or "") ~= olds[i] then return {"value", names[i]} end
  end
end

-- 3. Everything is as it was: write.
local values, dead = {}, {}
for i = 1, #names do
  if news[i] == "" then
    dead[#dead + 1] = names[i]
  else
    values[#values + 1] = names[i]
    values[#values + 1] = news[i]
  end
end
in_chunks(values, function(...) redis.call("MSET", ...) end)
in_chunks(dead, function(...) redis.call("DEL", ...) end)

local changed, expiring, lasting = {}, {}, {} -- members of the change sets by group, scored members that expire, others
for _, kind in ipairs(kinds) do
  local inside, outside = {}, {} -- of the index: scored ids, and those that have no place in it
  changed[kind.group] = changed[kind.group] or {}
  for p = 1, #kind.puts, 3 do
    local id, score, til = kind.puts[p], kind.puts[p + 1], kind.puts[p + 2]
    local member = kind.member .. id
    table.insert(changed[kind.group], member)
    if score == "" then table.insert(outside, id) else table.insert(inside, score); table.insert(inside, id) end
    if til == "" then table.insert(lasting, member) else table.insert(expiring, til); table.insert(expiring, member) end
  end
  if kind.index ~= "" then
    in_chunks(inside, function(...) redis.call("ZADD", kind.index, ...) end)
    in_chunks(outside, function(...) redis.call("ZREM", kind.index, ...) end)
  end
end
in_chunks(expiring, function(...) redis.call("ZADD", KEYS[6], ...) end)
in_chunks(lasting, function(...) redis.call("ZREM", KEYS[6], ...) end)
in_chunks(marks, function(...) redis.call("HSET", KEYS[3], ...) end)

local malformed = {}
for i = 1, #topics do
  local topic, kinds = unpack(topics[i])
  local recent = string.sub((redis.call("HGET", KEYS[7], topic) or "") .. kinds, -window)
  redis.call("HSET", KEYS[7], topic, recent)
  local _, bad = string.gsub(recent, "x", "")
  malformed[i] = bad
end

for _ = 1, number() do redis.call("DEL", take()) end
for _ = 1, number() do redis.call("ZREMRANGEBYSCORE", take(), "-inf", take()) end
local notes = cmsgpack.unpack(take()) -- key, score, keep of each
for p = 1, #notes, 3 do
  redis.call("ZADD", notes[p], notes[p + 1], take())
  redis.call("ZREMRANGEBYRANK", notes[p], 0, -notes[p + 2] - 1)
end

local numbers = {}
for i = 1, number() do
  local key, counter, keep, skipped, n = take(), take(), number(), number(), number()
  numbers[i] = redis.call("INCRBY", counter, skipped + n)
  local lines = {}
  for j = 1, n do lines[j] = take() end
  in_chunks(lines, function(...) redis.call("RPUSH", key, ...) end)
  redis.call("LTRIM", key, -keep, -1)
end

local totals = {}
for i = 1, number() do totals[i] = redis.call("HINCRBY", take(), take(), take()) end
for _ = 1, number() do redis.call("EXPIREAT", take(), take()) end

local seqs = {}
for i = 1, number() do
  local group, keep = take(), number()
  local seq = redis.call("HINCRBY", KEYS[4], group, 1)
  seqs[i] = seq
  local scored = {}
  for _, member in ipairs(changed[group] or {}) do
    scored[#scored + 1] = seq
    scored[#scored + 1] = member
  end
  if #scored > 0 then
    local key = KEYS[5] .. group
    in_chunks(scored, function(...) redis.call("ZADD", key, ...) end)
    redis.call("ZREMRANGEBYRANK", key, 0, -keep - 1)
  end
end
return {"ok", seqs, numbers, totals, malformed}
