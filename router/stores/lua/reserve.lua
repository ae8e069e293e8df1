-- Charge the calls of one replica to the deployments of one group, in one stroke.
--
-- A deployment's use is kept in slots of a quarter of a second: T<slot> tokens, R<slot> requests, and running totals
-- in the field h.  A slot may lie ahead: a call that is booked for it, or what a lease (an allowance that its replica
-- spends by itself for a while) is charged to.  One rule admits everything, now, later and in advance.  An amount that
-- may be used from slot a on is charged to the last slot in which it may be used, and only if
--
--     amount + all that stands in slots later than a - keep  <=  limit
--
-- Then no window of `keep` slots ever holds more than the limit.  Take any window and, of the amounts used in it, the
-- one granted last: when it was granted, all the others stood in slots later than a - keep, because each stands no
-- earlier than it was used.  So the check counted them all.
--
-- Every call of the script carries the replica's serial number and leaves a record of what it charged until the replica
-- says that the answer arrived.  The same serial again gives the same answer and charges nothing; `undo` takes a charge
-- back whose answer never arrived, and where it comes first, makes the late one void.  What became of it stays marked,
-- for the answer to the `undo` may be lost as well, and then it is asked again.
--
-- KEYS  the group's hash, then one hash for each deployment that the arguments mention; all with one hash tag
-- ARGV  a flat list, in the order in which it is read below; slot < 0 means: so many slots ago
-- out   {status, now_ms, last serial, replicas, mended keys,
--        for each undo: 1 if it had been carried out,
--        for each need: pick, slot, wait_ms, lease slot, lease tokens, lease requests,
--        for each limited deployment: tokens used, requests used, ms of rest left}
--        pick is the place of the candidate, 0 for none; then slot is the place of the one that opens first (0: none
--        ever) and wait_ms the time until then
local SLOT_MS, OK, LOST, VOID = 250, 0, 1, 3
local VOIDED, UNDONE = 'void', 'undone'                 -- the marks of questions that were taken back
local TOKENS = '243'                                    -- a minute and its guard, in slots: the window of tokens
local LIVE_MS, KNOWN_MS, COUNT_MS, GUESS_MS = 30000, 150000, 5000, 10000
local LEASED_SHARE = 0.8
local RETRY_SLOTS = 12                                  -- others are believed to use too much of it: look again
local place = 0
local function text() place = place + 1; return ARGV[place] end
local function number() return tonumber(text()) end

local now_ms = number()
if now_ms == 0 then local t = redis.call('TIME'); now_ms = t[1] * 1000 + math.floor(t[2] / 1000) end
local now = math.floor(now_ms / SLOT_MS)
local replica, serial, acked = text(), number(), number()
local group, me = KEYS[1], 'r:' .. replica
local mended = 0

-- A key of ours that holds something else was not written by us: it is taken over.
local function read(key, ...)
  local values = redis.pcall('HMGET', key, ...)
  if values.err then
    redis.call('DEL', key); mended = mended + 1
    values = redis.call('HMGET', key, ...)
  end
  return values
end

-- ---- deployments --------------------------------------------------------------------------------------------------

local states = {}

local function recount(s)                               -- from the slots themselves, after a long pause
  local all = redis.call('HGETALL', s.key)
  local dead = {}
  s.tokens = 0
  for keep in pairs(s.totals) do s.totals[keep] = 0 end
  for i = 1, #all, 2 do
    local kind, slot, amount = string.sub(all[i], 1, 1), tonumber(string.sub(all[i], 2)), tonumber(all[i + 1]) or 0
    if slot and kind == 'T' then
      if slot > s.slot - tonumber(TOKENS) then s.tokens = s.tokens + amount else dead[#dead + 1] = all[i] end
    elseif slot and kind == 'R' then
      for keep, total in pairs(s.totals) do
        if slot > s.slot - tonumber(keep) then s.totals[keep] = total + amount end
      end
      if slot <= s.slot - s.longest then dead[#dead + 1] = all[i] end
    end
  end
  for i = 1, #dead, 100 do redis.call('HDEL', s.key, unpack(dead, i, math.min(i + 99, #dead))) end
end

local function step_back(s)                             -- the clock went back: all that stands counts as charged now
  local shift = (s.slot - now) * SLOT_MS
  redis.call('DEL', s.key)
  s.slot = now
  if s.tokens > 0 then redis.call('HSET', s.key, 'T' .. now, s.tokens) end
  local requests = 0
  for _, total in pairs(s.totals) do requests = math.max(requests, total) end
  for keep in pairs(s.totals) do s.totals[keep] = requests end
  if requests > 0 then redis.call('HSET', s.key, 'R' .. now, requests) end
  s.rests = math.max(0, s.rests - shift)
end

local function advance(s)
  local passed = now - s.slot
  if passed < -8 then return step_back(s) end
  if passed <= 0 then return end
  local from = s.slot
  s.slot = now
  if passed > 48 then return recount(s) end
  local fields, owners = {}, {}
  for x = from + 1, now do
    fields[#fields + 1] = 'T' .. (x - tonumber(TOKENS)); owners[#owners + 1] = false
    for keep in pairs(s.totals) do fields[#fields + 1] = 'R' .. (x - tonumber(keep)); owners[#owners + 1] = keep end
  end
  local values, dead = redis.call('HMGET', s.key, unpack(fields)), {}
  for i, owner in ipairs(owners) do
    local amount = tonumber(values[i])
    if amount then
      if not owner then s.tokens = s.tokens - amount; dead[#dead + 1] = fields[i]
      else
        s.totals[owner] = s.totals[owner] - amount
        if tonumber(owner) == s.longest then dead[#dead + 1] = fields[i] end
      end
    end
  end
  if #dead > 0 then redis.call('HDEL', s.key, unpack(dead)) end
end

local function state(i)
  local s = states[i]
  if s then return s end
  s = {key = KEYS[i], slot = now, tokens = 0, rests = 0, totals = {[TOKENS] = 0}, longest = tonumber(TOKENS)}
  states[i] = s
  s.guess, s.guessed_requests, s.guess_till = 0, 0, 0
  local found = read(s.key, 'h', 'p')
  local head = found[1]
  if found[2] then
    local tokens, requests, till = string.match(found[2], '^(%d+) (%d+) (%d+)$')
    s.guess_till = tonumber(till) or 0
    if s.guess_till > now_ms and s.guess_till <= now_ms + GUESS_MS then s.guess, s.guessed_requests = tonumber(tokens), tonumber(requests) end
  end
  if head then
    local words = {}
    for word in string.gmatch(head, '%S+') do words[#words + 1] = word end
    s.slot, s.tokens, s.rests = tonumber(words[1]) or now, tonumber(words[2]) or 0, tonumber(words[3]) or 0
    for j = 4, #words - 1, 2 do
      s.totals[words[j]] = tonumber(words[j + 1]) or 0
      s.longest = math.max(s.longest, tonumber(words[j]) or 0)
    end
    advance(s)
  end
  return s
end

local function watch(s, keep)                           -- a window that nobody has asked about before
  if s.totals[keep] then return end
  s.totals[keep] = 0
  s.longest = math.max(s.longest, tonumber(keep))
  recount(s)
end

local function charge(s, slot, tokens, requests)
  if tokens ~= 0 and slot > s.slot - tonumber(TOKENS) then
    redis.call('HINCRBY', s.key, 'T' .. slot, tokens); s.tokens = s.tokens + tokens
  end
  if requests ~= 0 and slot > s.slot - s.longest then
    redis.call('HINCRBY', s.key, 'R' .. slot, requests)
    for keep, total in pairs(s.totals) do
      if slot > s.slot - tonumber(keep) then s.totals[keep] = total + requests end
    end
  end
end

local function take_back(s, slot, tokens, requests)     -- never more than stands there
  local there = redis.call('HMGET', s.key, 'T' .. slot, 'R' .. slot)
  charge(s, slot, -math.min(tokens, tonumber(there[1]) or 0), -math.min(requests, tonumber(there[2]) or 0))
end

local function fits(s, tokens, requests)
  local used = s.tokens + s.guess
  if used + tokens > s.limit and not (used <= 0 and tokens <= s.known) then return false end
  for _, window in ipairs(s.windows) do
    if s.totals[window[1]] + s.guessed_requests + requests > window[2] then return false end
  end
  return true
end

-- The first slot in which `need` fits under `limit` once enough has aged out of a window; nil if it never does.
local function opening(s, letter, keep, used, need, limit)
  local excess = used + need - limit
  if excess <= 0 then return s.slot end
  if need > limit then return nil end
  local first = s.slot - keep + 1
  while first <= s.slot + keep do
    local fields = {}
    for x = first, first + 31 do fields[#fields + 1] = letter .. x end
    for j, amount in ipairs(redis.call('HMGET', s.key, unpack(fields))) do
      excess = excess - (tonumber(amount) or 0)
      if excess <= 0 then return first + j - 1 + keep end
    end
    first = first + 32
  end
  return nil
end

local function opens(s, tokens)
  local need = tokens
  if tokens > s.limit and tokens <= s.known then need = math.floor(s.limit) end
  if s.guess + need > s.limit and need <= s.limit then return s.slot + RETRY_SLOTS end
  local slot = opening(s, 'T', tonumber(TOKENS), s.tokens, need, s.limit - s.guess)
  for _, window in ipairs(s.windows) do
    local other = slot and opening(s, 'R', tonumber(window[1]), s.totals[window[1]] + s.guessed_requests, 1, window[2])
    slot = other and math.max(slot, other)
  end
  if slot and s.rests > now_ms then slot = math.max(slot, math.ceil(s.rests / SLOT_MS)) end
  return slot
end

-- ---- the group ----------------------------------------------------------------------------------------------------

local head = read(group, me, 'n', 'at', 'b:' .. replica .. ':' .. serial)
local last = tonumber(string.match(head[1] or '', '^%d+')) or 0
local replicas, counted_at = tonumber(head[2]) or 0, tonumber(head[3]) or 0
local record = head[4]
if record then
  local answer = {}
  for word in string.gmatch(string.match(record, '^%d+;([^\n]*)') or '', '[^,]+') do answer[#answer + 1] = tonumber(word) end
  if #answer == 0 then return {VOID, now_ms, last, replicas, mended} end
  return answer
end
if last < acked then return {LOST, now_ms, last, replicas, mended} end
redis.call('HSET', group, me, math.max(last, serial) .. ' ' .. string.format('%.0f', now_ms))
if now_ms - counted_at > COUNT_MS or counted_at > now_ms or last == 0 then
  replicas = 0
  local all, dead = redis.call('HGETALL', group), {}
  for i = 1, #all, 2 do
    local kind = string.sub(all[i], 1, 2)
    local seen = tonumber(kind == 'r:' and string.match(all[i + 1], '%d+$') or kind == 'b:' and string.match(all[i + 1], '^%d+'))
    if seen and (seen < now_ms - KNOWN_MS or seen > now_ms + KNOWN_MS) then dead[#dead + 1] = all[i]
    elseif seen and kind == 'r:' and seen >= now_ms - LIVE_MS then replicas = replicas + 1 end
  end
  for i = 1, #dead, 100 do redis.call('HDEL', group, unpack(dead, i, math.min(i + 99, #dead))) end
  redis.call('HSET', group, 'n', replicas, 'at', string.format('%.0f', now_ms))
end

-- ---- what rides along ---------------------------------------------------------------------------------------------

local keys = {}
for i, key in ipairs(KEYS) do keys[key] = i end

for _ = 1, number() do redis.call('HDEL', group, 'b:' .. replica .. ':' .. text()) end
local out = {}
for _ = 1, number() do
  local field = 'b:' .. replica .. ':' .. text()
  local old = redis.call('HGET', group, field)
  local done = old and not string.match(old, '^%d+;' .. VOIDED)
  out[#out + 1] = done and 1 or 0
  for key, slot, tokens, requests in string.gmatch(old or '', '\n([^\n]*) (%-?%d+) (%-?%d+) (%-?%d+)') do
    if keys[key] then take_back(state(keys[key]), tonumber(slot), tonumber(tokens), tonumber(requests)) end
  end
  redis.call('HSET', group, field, string.format('%.0f;', now_ms) .. (done and UNDONE or VOIDED))
end
local told = number()
for _ = 1, told do
  local s, slot, tokens, requests = state(number()), number(), number(), number()
  if slot < 0 then slot = s.slot + slot + 1 end
  if tokens < 0 or requests < 0 then
    take_back(s, slot, math.max(0, -tokens), math.max(0, -requests))
    tokens, requests = math.max(0, tokens), math.max(0, requests)
  end
  charge(s, slot, tokens, requests)
end
-- Who tells again what a store has lost also says what it believes that the others used.  The first one's belief stands
-- until the others have told it themselves, or for ten seconds.
for _ = 1, number() do
  local s, others, requests_of_others, own, own_requests = state(number()), number(), number(), number(), number()
  if s.guess_till <= now_ms then s.guess, s.guessed_requests, s.guess_till = others, requests_of_others, now_ms + GUESS_MS
  else s.guess, s.guessed_requests = math.max(0, s.guess - own), math.max(0, s.guessed_requests - own_requests) end
  redis.call('HSET', s.key, 'p', string.format('%.0f %.0f %.0f', s.guess, s.guessed_requests, s.guess_till))
end
for _ = 1, number() do
  local s, ms = state(number()), number()
  s.rests = math.max(s.rests, now_ms + ms)
end

-- ---- needs --------------------------------------------------------------------------------------------------------

local limited, charges = {}, {}
for _ = 1, number() do
  local s = state(number())
  limited[#limited + 1] = s
  s.limit, s.known, s.windows = number(), number(), {}
  if s.limit < 0 then s.limit = math.huge end
  if s.known < 0 then s.known = math.huge end
  for _ = 1, number() do
    local keep, limit = text(), number()
    watch(s, keep)
    s.windows[#s.windows + 1] = {keep, limit}
  end
end

local function grant(s, slot, tokens, requests)
  charge(s, slot, tokens, requests)
  charges[#charges + 1] = string.format('\n%s %d %d %d', s.key, slot, tokens, requests)
end

local function lease(s, slots, tokens, requests)        -- what the replica may spend by itself in the next slots
  local room = math.floor(LEASED_SHARE * s.limit - s.tokens - s.guess)
  local places = requests
  for _, window in ipairs(s.windows) do
    places = math.min(places, math.floor(LEASED_SHARE * window[2] - s.totals[window[1]] - s.guessed_requests))
  end
  tokens = math.min(tokens, room)
  if tokens <= 0 or places <= 0 then return 0, 0, 0 end
  grant(s, s.slot + slots, tokens, places)
  return s.slot + slots, tokens, places
end

local lease_slots, kept = number(), nil
for _ = 1, number() do
  local horizon_ms, more_tokens, more_requests = number(), number(), number()
  local pick, first, soonest = 0, 0, nil
  local candidates = {}
  for c = 1, number() do
    local s, tokens = state(number()), number()
    candidates[c] = {s, tokens}
    if pick == 0 and s ~= kept and s.rests <= now_ms and fits(s, tokens, 1) then pick = c end
  end
  if pick > 0 then
    local s, tokens = candidates[pick][1], candidates[pick][2]
    grant(s, s.slot, tokens, 1)
    out[#out + 1] = pick; out[#out + 1] = s.slot; out[#out + 1] = 0
    local at, more, places = 0, 0, 0
    if more_requests > 0 then at, more, places = lease(s, lease_slots, more_tokens, more_requests) end
    out[#out + 1] = at; out[#out + 1] = more; out[#out + 1] = places
  else
    for c, candidate in ipairs(candidates) do
      local slot = candidate[1] ~= kept and opens(candidate[1], candidate[2])
      if slot and (not soonest or slot < soonest) then first, soonest = c, slot end
    end
    local wait_ms = soonest and math.max(0, soonest * SLOT_MS - now_ms) or -1
    if soonest and wait_ms <= horizon_ms then           -- soon enough to be booked: charged to the slot of its sending
      grant(candidates[first][1], soonest, candidates[first][2], 1)
      pick = first
    elseif not kept and first > 0 then
      kept = candidates[first][1]                       -- it opens first for the head of the line, so it is left to it
    end
    out[#out + 1] = pick; out[#out + 1] = pick > 0 and soonest or first; out[#out + 1] = wait_ms
    out[#out + 1] = 0; out[#out + 1] = 0; out[#out + 1] = 0
  end
end

-- ---- keep it ------------------------------------------------------------------------------------------------------

for _, s in pairs(states) do
  local words = {string.format('%.0f %.0f %.0f', s.slot, s.tokens, s.rests)}
  for keep, total in pairs(s.totals) do words[#words + 1] = keep .. ' ' .. string.format('%.0f', total) end
  redis.call('HSET', s.key, 'h', table.concat(words, ' '))
  local rest_s = math.ceil(math.max(0, s.rests - now_ms) / 1000)
  redis.call('EXPIRE', s.key, math.ceil(s.longest * SLOT_MS / 1000) + 90 + rest_s)
end
local answer = {OK, now_ms, last, replicas, mended}
for _, value in ipairs(out) do answer[#answer + 1] = value end
for _, s in ipairs(limited) do
  answer[#answer + 1] = s.tokens; answer[#answer + 1] = s.totals[TOKENS]
  answer[#answer + 1] = math.max(0, math.ceil(s.rests - now_ms))
end
if #charges > 0 or told > 0 then
  local words = {}
  for i, value in ipairs(answer) do words[i] = string.format('%.0f', value) end
  redis.call('HSET', group, 'b:' .. replica .. ':' .. serial,
             string.format('%.0f;', now_ms) .. table.concat(words, ',') .. table.concat(charges))
end
redis.call('EXPIRE', group, 180)
return answer
