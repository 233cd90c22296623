-- One chunk of a job: put its alerts into the mailboxes of the next subscribers, and move the cursor on.
--
-- KEYS: the job's cursor
-- ARGV: prefix of the chats' keys, the cursor that the caller goes on from, job, machine time when it was
--       raised, machine time now, chats a chunk, seconds that records are kept, then topic and fingerprint in
--       turn, in the order in which a chat hears them, the topics of one alert side by side
-- Answers the cursor to go on from, or done. A cursor is the pair it stands at and the last join number there.
-- A chat hears an alert by the first of its topics that it asked for. Where a job holds several alerts, no chat
-- is due before all of them lie in its mailbox.
local prefix, from, job = ARGV[1], ARGV[2], ARGV[3]
local raised, now, most, kept = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local cursor = redis.call('GET', KEYS[1]) or '1 0'
if cursor ~= from or cursor == 'done' then
  return cursor
end

local held = prefix .. 'held:' .. job
local together = ARGV[11] ~= nil and ARGV[9] ~= ARGV[#ARGV]

local function route_of(chat)
  local platform, account = chat:match('^(%a+):([^:]*)')
  if platform == 'web' then
    account = ''
  end
  return platform .. ':' .. account
end

local woken = {}
local function make_due(chats)
  if #chats == 0 then
    return
  end
  local paced, ready = {}, {}
  for index, chat in ipairs(chats) do
    -- The threads of a group share its pace.
    paced[index] = chat:match('^telegram:[^:]*:[^:]*') or chat
  end
  local paces = redis.call('HMGET', prefix .. 'pace', unpack(paced))
  for index, chat in ipairs(chats) do
    local free = paces[index] and tonumber(paces[index]:match('%S+$')) or now
    local route = route_of(chat)
    ready[route] = ready[route] or {}
    table.insert(ready[route], math.max(now, free))
    table.insert(ready[route], chat)
  end
  for route, scored in pairs(ready) do
    local due = prefix .. 'due:' .. route
    woken[route] = true
    if redis.call('ZADD', due, 'NX', unpack(scored)) < #scored / 2 then
      -- A claim, a hold or a backoff stands; a chat that only waits for what is held for it is due at once.
      for at = 1, #scored, 2 do
        local chat = scored[at + 1]
        local shelved = redis.call('ZRANGE', prefix .. 'shelf:' .. chat, 0, 0, 'WITHSCORES')[2]
        if
          shelved
          and redis.call('ZSCORE', due, chat) == shelved
          and redis.call('HEXISTS', prefix .. 'claims', chat) == 0
        then
          redis.call('ZADD', due, 'LT', scored[at], chat)
        end
      end
    end
  end
end

local function moved(to)
  for route in pairs(woken) do
    redis.call('LPUSH', prefix .. 'wake:' .. route, 1)
    redis.call('LTRIM', prefix .. 'wake:' .. route, 0, 15)
  end
  redis.call('SET', KEYS[1], to, 'EX', kept)
  return to
end

if cursor == 'release' then
  local chats = redis.call('SPOP', held, most)
  table.sort(chats)
  make_due(chats)
  return moved(#chats < most and 'done' or 'release')
end

local pair, join = cursor:match('^(%d+) (%S+)$')
pair = tonumber(pair)
local topic, fingerprint = ARGV[6 + 2 * pair], ARGV[7 + 2 * pair]
local asked = {topic}
for earlier = pair - 1, 1, -1 do
  if ARGV[7 + 2 * earlier] ~= fingerprint then
    break
  end
  asked[#asked + 1] = ARGV[6 + 2 * earlier]
end
local found = redis.call(
  'ZRANGEBYSCORE', prefix .. 'sub:' .. topic, '(' .. join, '+inf', 'WITHSCORES', 'LIMIT', 0, most
)
local hearing = {}
for at = 1, #found, 2 do
  local chat = found[at]
  join = found[at + 1]
  -- What stands there may be no subscriptions at all: that chat hears nothing, and stops no other.
  local since = redis.pcall('HMGET', prefix .. 'subs:' .. chat, unpack(asked))
  local hears = since[1] and tonumber(since[1]) <= raised
  for earlier = 2, #asked do
    hears = hears and not (since[earlier] and tonumber(since[earlier]) <= raised)
  end
  if hears then
    hearing[#hearing + 1] = chat
  end
end
if #hearing > 0 then
  local boxes, filled, queued = redis.call('HMGET', prefix .. 'boxes', unpack(hearing)), {}, {}
  local gone = redis.call('HMGET', prefix .. 'gone', unpack(hearing))
  for index, chat in ipairs(hearing) do
    local box = boxes[index]
    -- Who gave an earlier topic back meanwhile was reached by it all the same.
    if not gone[index] and not (box and ('\n' .. box .. '\n'):find('\n' .. fingerprint .. '\n', 1, true)) then
      filled[#filled + 1] = chat
      filled[#filled + 1] = box and box .. '\n' .. fingerprint or fingerprint
      queued[#queued + 1] = chat
    end
  end
  if #queued > 0 then
    redis.call('HSET', prefix .. 'boxes', unpack(filled))
    local ledger = prefix .. 'ledger:' .. fingerprint
    redis.call('HINCRBY', ledger, 'queued', #queued)
    redis.call('EXPIRE', ledger, kept)
    if together then
      redis.call('SADD', held, unpack(queued))
      redis.call('EXPIRE', held, kept)
    else
      make_due(queued)
    end
  end
end
if #found == 2 * most then
  return moved(pair .. ' ' .. join)
end
if 8 + 2 * pair <= #ARGV then
  return moved((pair + 1) .. ' 0')
end
return moved(together and 'release' or 'done')
