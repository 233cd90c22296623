-- Mark deliveries of a claimed chat as being sent, just before they are.
--
-- KEYS: the claims
-- ARGV: prefix of the chats' keys, chat, token, machine time, then for each delivery: fingerprint, how many
--       topics, the topics
-- Answers lost where the lease has gone to another sender, else the attempt, then the fingerprints that are
-- still wanted: what nobody in the chat is subscribed to any more is dropped. Asked again after a lost reply,
-- it answers the same.
local prefix, chat = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], chat) ~= ARGV[3] then
  return {'lost'}
end
local attempt, wanted = 1, {}
local at = 5
while at <= #ARGV do
  local fingerprint, topics = ARGV[at], tonumber(ARGV[at + 1])
  local ledger = prefix .. 'ledger:' .. fingerprint
  local subscribed = false
  for index = at + 2, at + 1 + topics do
    subscribed = subscribed or redis.call('HEXISTS', prefix .. 'subs:' .. chat, ARGV[index]) == 1
  end
  if subscribed then
    local state = redis.call('HGET', ledger, chat) or 'queued'
    local number = tonumber(state:match('^%a+ (%d+)')) or 0
    if state ~= 'sending ' .. number .. ' ' .. ARGV[4] then
      number = number + 1
      redis.call('HSET', ledger, chat, 'sending ' .. number .. ' ' .. ARGV[4])
    end
    attempt = math.max(attempt, number)
    wanted[#wanted + 1] = fingerprint
  else
    redis.call('HSET', ledger, chat, 'dropped unsubscribed')
    redis.call('LREM', prefix .. 'box:' .. chat, 1, fingerprint)
    redis.call('HINCRBY', prefix .. 'counts', 'dropped unsubscribed', 1)
  end
  at = at + 2 + topics
end
return {attempt, unpack(wanted)}
