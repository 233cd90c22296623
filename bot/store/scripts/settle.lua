-- Record what became of deliveries, take the ended ones out of the mailbox, and say when the chat is next due.
--
-- KEYS: the claims, the due chats of the route, what its idle senders wait on, the chat's growing messages
-- ARGV: prefix of the chats' keys, chat, token, machine time, the end (sent, waiting, unknown, refused, dropped,
--       dead, gone), its word (a message's id, or why), milliseconds until the chat is tried again, milliseconds
--       that what was sent takes of the chat's pace, milliseconds of it that may be taken at once, how many messages that
--       may grow follow, for each of them its name and what it holds, the seconds that they are kept, then
--       fingerprint and, for what was sent, the decision in turn
-- What waits has the number of its attempt and, behind a stroke, how often it was in doubt or refused: the
-- second doubt is its last, and the third refusal, however often it was only asked to wait in between.
-- Answers lost where the lease has gone to another sender, else when the chat is next due, or idle. Asked again
-- after a lost reply it answers lost, and nothing is counted twice.
local prefix, chat, token = ARGV[1], ARGV[2], ARGV[3]
local now, ended, word, wait = tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7])
local interval, burst, grown = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
if redis.call('HGET', KEYS[1], chat) ~= token then
  return 'lost'
end
redis.call('HDEL', KEYS[1], chat)
local boxes, shelf, pace = prefix .. 'boxes', prefix .. 'shelf:' .. chat, prefix .. 'pace'
local box = redis.call('HGET', boxes, chat) or ''
local over = {}
-- The threads of a group share its pace.
local paced = chat:match('^telegram:[^:]*:[^:]*') or chat

local function finish(fingerprint, state)
  redis.call('HSET', prefix .. 'ledger:' .. fingerprint, chat, state)
  redis.call('HINCRBY', prefix .. 'counts', state:match('^%a+'), 1)
  over[fingerprint] = true
end

if ended == 'gone' then
  for fingerprint in box:gmatch('[^\n]+') do
    finish(fingerprint, 'dropped ' .. word)
  end
  for _, fingerprint in ipairs(redis.call('ZRANGE', shelf, 0, -1)) do
    finish(fingerprint, 'dropped ' .. word)
  end
  redis.call('HSET', prefix .. 'gone', chat, word)
  redis.call('HDEL', boxes, chat)
  redis.call('HDEL', pace, paced)
  redis.call('DEL', shelf, KEYS[4])
  redis.call('ZREM', KEYS[2], chat)
  return 'idle'
end

for at = 12 + 2 * grown, #ARGV, 2 do
  local fingerprint, decision = ARGV[at], ARGV[at + 1]
  local ledger = prefix .. 'ledger:' .. fingerprint
  local before = redis.call('HGET', ledger, chat) or ''
  local attempt, doubts = before:match('^[^h]%a+ (%d+)/?(%d*)')
  attempt, doubts = attempt or '0', tonumber(doubts) or 0
  local state = ended
  if ended == 'unknown' or ended == 'refused' then
    doubts = doubts + 1
  end
  if ended == 'refused' then
    state = doubts < 3 and 'waiting' or 'dead'
  end
  if state == 'waiting' or (state == 'unknown' and doubts < 2) then
    local number = doubts > 0 and attempt .. '/' .. doubts or attempt
    -- What was held stays so until it ends: it is told as one message, however often that is tried.
    local held = (' ' .. before):match(' held %d+ %a+$') or ''
    redis.call('HSET', ledger, chat, state .. ' ' .. number .. ' ' .. word .. held)
  else
    local told = state .. ' ' .. word
    finish(fingerprint, decision ~= '' and told .. ' ' .. decision or told)
    if state == 'dead' or state == 'unknown' then
      local why = cjson.encode({ended = state, why = word, at = now})
      redis.call('HSET', prefix .. 'dead', chat .. ' ' .. fingerprint, why)
    end
    wait = 0
  end
end

local left = {}
for fingerprint in box:gmatch('[^\n]+') do
  if not over[fingerprint] then
    left[#left + 1] = fingerprint
  end
end
if #left > 0 then
  redis.call('HSET', boxes, chat, table.concat(left, '\n'))
else
  redis.call('HDEL', boxes, chat)
end

if ended == 'sent' and grown > 0 then
  for at = 11, 10 + 2 * grown, 2 do
    redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1])
  end
  redis.call('EXPIRE', KEYS[4], ARGV[11 + 2 * grown])
end

local due = now + wait
if ended == 'sent' or ended == 'unknown' then
  local known = redis.call('HGET', pace, paced)
  local paid = math.max(now, known and tonumber(known:match('^%S+')) or 0) + interval
  local free = paid - burst
  if free > now then
    redis.call('HSET', pace, paced, string.format('%d %d', paid, free))
    due = math.max(due, free)
  elseif interval > 0 then
    redis.call('HSET', pace, paced, string.format('%d %d', paid, now))
  end
end
if #left == 0 then
  local shelved = redis.call('ZRANGE', shelf, 0, 0, 'WITHSCORES')
  if not shelved[2] then
    redis.call('ZREM', KEYS[2], chat)
    return 'idle'
  end
  due = math.max(due, tonumber(shelved[2]))
end
redis.call('ZADD', KEYS[2], due, chat)
-- A sender that found nothing due waits for longer than this chat does.
redis.call('LPUSH', KEYS[3], 1)
redis.call('LTRIM', KEYS[3], 0, 15)
return tostring(due)
