-- Record what became of deliveries, take the ended ones out of the mailbox, and say when the chat is next due.
--
-- KEYS: the claims, the due chats of the route, what its idle senders wait on, the chat's growing messages
-- ARGV: prefix of the chats' keys, chat, token, machine time, the end (sent, waiting, unknown, dropped, dead,
--       gone), its word (a message's id, or why), milliseconds until the chat is tried again, milliseconds
--       between two messages of the chat, milliseconds of them that may come at once, the fold of a message
--       that may grow and what it holds (or twice nothing), seconds that this is kept, then fingerprints
-- Answers lost where the lease has gone to another sender, else when the chat is next due, or idle.
local prefix, chat, token = ARGV[1], ARGV[2], ARGV[3]
local now, ended, word, wait = tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7])
local interval, burst = tonumber(ARGV[8]), tonumber(ARGV[9])
if redis.call('HGET', KEYS[1], chat) ~= token then
  return 'lost'
end
redis.call('HDEL', KEYS[1], chat)
local box = prefix .. 'box:' .. chat

local function finish(fingerprint, state)
  redis.call('HSET', prefix .. 'ledger:' .. fingerprint, chat, state)
  redis.call('LREM', box, 1, fingerprint)
  redis.call('HINCRBY', prefix .. 'counts', state:match('^%a+'), 1)
end

if ended == 'gone' then
  for _, fingerprint in ipairs(redis.call('LRANGE', box, 0, -1)) do
    finish(fingerprint, 'dropped ' .. word)
  end
  redis.call('HSET', prefix .. 'chat:' .. chat, 'gone', word)
  redis.call('ZREM', KEYS[2], chat)
  return 'idle'
end

for at = 13, #ARGV do
  local fingerprint = ARGV[at]
  local ledger = prefix .. 'ledger:' .. fingerprint
  local attempt = tonumber((redis.call('HGET', ledger, chat) or ''):match('^%a+ (%d+)')) or 0
  if ended == 'waiting' or (ended == 'unknown' and attempt < 2) then
    redis.call('HSET', ledger, chat, ended .. ' ' .. attempt .. ' ' .. word)
  else
    finish(fingerprint, ended .. ' ' .. word)
    if ended == 'dead' or ended == 'unknown' then
      redis.call('RPUSH', prefix .. 'dead', cjson.encode({chat = chat, alert = fingerprint, ended = ended, why = word}))
    end
    wait = ended == 'unknown' and 0 or wait
  end
end

if ended == 'sent' and ARGV[10] ~= '' then
  redis.call('HSET', KEYS[4], ARGV[10], ARGV[11])
  redis.call('EXPIRE', KEYS[4], ARGV[12])
end

local due = now + wait
if ended == 'sent' or ended == 'unknown' then
  local pace = redis.call('HGET', prefix .. 'pace', chat)
  local paid = math.max(now, pace and tonumber(pace:match('^%S+')) or 0) + interval
  local free = paid - burst
  if free > now then
    redis.call('HSET', prefix .. 'pace', chat, string.format('%d %d', paid, free))
    due = math.max(due, free)
  else
    redis.call('HSET', prefix .. 'pace', chat, string.format('%d %d', paid, now))
  end
end
if redis.call('LLEN', box) == 0 then
  redis.call('ZREM', KEYS[2], chat)
  return 'idle'
end
redis.call('ZADD', KEYS[2], due, chat)
-- A sender that found nothing due waits for longer than this chat does.
redis.call('LPUSH', KEYS[3], 1)
redis.call('LTRIM', KEYS[3], 0, 15)
return tostring(due)
