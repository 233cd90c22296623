-- One chunk of a job: put its alerts into the mailboxes of the next subscribers, and move the cursor on.
--
-- KEYS: the job's cursor
-- ARGV: prefix of the chats' keys, the cursor that the caller goes on from, job, machine time when it was
--       raised, machine time now, chats a chunk, seconds that records are kept, then topic and fingerprint in
--       turn, in the order in which a chat hears them
-- Answers the cursor to go on from, or done. A cursor is the pair it stands at and the last join number there.
-- Where a job holds several alerts, no chat is due before all of them lie in its mailbox.
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
local function make_due(chat)
  local ready = now
  local pace = redis.call('HGET', prefix .. 'pace', chat)
  if pace then
    ready = math.max(now, tonumber(pace:match('%S+$')))
  end
  local route = route_of(chat)
  redis.call('ZADD', prefix .. 'due:' .. route, 'NX', ready, chat)
  woken[route] = true
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
  for _, chat in ipairs(chats) do
    make_due(chat)
  end
  return moved(#chats < most and 'done' or 'release')
end

local pair, join = cursor:match('^(%d+) (%S+)$')
pair = tonumber(pair)
local topic, fingerprint = ARGV[6 + 2 * pair], ARGV[7 + 2 * pair]
local ledger = prefix .. 'ledger:' .. fingerprint
local found = redis.call(
  'ZRANGEBYSCORE', prefix .. 'sub:' .. topic, '(' .. join, '+inf', 'WITHSCORES', 'LIMIT', 0, most
)
for at = 1, #found, 2 do
  local chat = found[at]
  join = found[at + 1]
  local since = redis.call('HGET', prefix .. 'subs:' .. chat, topic)
  local gone = redis.call('HEXISTS', prefix .. 'chat:' .. chat, 'gone') == 1
  if since and tonumber(since) <= raised and not gone then
    if redis.call('HSETNX', ledger, chat, 'queued') == 1 then
      redis.call('RPUSH', prefix .. 'box:' .. chat, fingerprint)
      if together then
        redis.call('SADD', held, chat)
      else
        make_due(chat)
      end
    end
  end
end
redis.call('EXPIRE', ledger, kept)
if #found == 2 * most then
  return moved(pair .. ' ' .. join)
end
if 8 + 2 * pair <= #ARGV then
  return moved((pair + 1) .. ' 0')
end
return moved(together and 'release' or 'done')
