-- Mark deliveries of a claimed chat as being sent, just before they are.
--
-- KEYS: the claims
-- ARGV: prefix of the chats' keys, chat, token, machine time, then for each delivery: fingerprint, how many
--       topics, the topics
-- Answers lost where the lease has gone to another sender, else the attempt, then the fingerprints that are
-- still wanted: what nobody in the chat is subscribed to any more is dropped, and what has ended is let be.
-- Asked again after a lost reply, it answers the same.
local prefix, chat = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], chat) ~= ARGV[3] then
  return {'lost'}
end
local boxes = prefix .. 'boxes'

local function take_out(fingerprint)
  local left = {}
  for each in (redis.call('HGET', boxes, chat) or ''):gmatch('[^\n]+') do
    if each ~= fingerprint then
      left[#left + 1] = each
    end
  end
  if #left > 0 then
    redis.call('HSET', boxes, chat, table.concat(left, '\n'))
  else
    redis.call('HDEL', boxes, chat)
  end
end

local attempt, wanted = 1, {}
local at = 5
while at <= #ARGV do
  local fingerprint, topics = ARGV[at], tonumber(ARGV[at + 1])
  local ledger = prefix .. 'ledger:' .. fingerprint
  local state = redis.call('HGET', ledger, chat) or 'queued'
  local word = state:match('^%a+')
  local subscribed = false
  for index = at + 2, at + 1 + topics do
    subscribed = subscribed or redis.call('HEXISTS', prefix .. 'subs:' .. chat, ARGV[index]) == 1
  end
  if word == 'sent' or word == 'dropped' or word == 'dead' then
    take_out(fingerprint)
  elseif subscribed then
    local number, doubts = state:match('^[^h]%a+ (%d+)(/?%d*)')
    number, doubts = tonumber(number) or 0, doubts or ''
    -- What was held stays so until it ends: it is told as one message, however often that is tried.
    local held = (' ' .. state):match(' (held %d+ %a+)$')
    local tail = ' ' .. ARGV[4] .. (held and ' ' .. held or '')
    if state ~= 'sending ' .. number .. doubts .. tail then
      number = number + 1
      redis.call('HSET', ledger, chat, 'sending ' .. number .. doubts .. tail)
    end
    attempt = math.max(attempt, number)
    wanted[#wanted + 1] = fingerprint
  else
    redis.call('HSET', ledger, chat, 'dropped unsubscribed')
    take_out(fingerprint)
    redis.call('HINCRBY', prefix .. 'counts', 'dropped unsubscribed', 1)
  end
  at = at + 2 + topics
end
return {attempt, unpack(wanted)}
