-- Hold deliveries of a claimed chat until a time of their own, so that what is behind them goes on.
--
-- KEYS: the claims, the chat's shelf
-- ARGV: prefix of the chats' keys, chat, token, then for each: fingerprint, until when, why
-- Answers lost where the lease has gone to another sender. Asked again after a lost reply, it does the same.
local prefix, chat = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], chat) ~= ARGV[3] then
  return 'lost'
end
local shelved = {}
for at = 4, #ARGV, 3 do
  local fingerprint, till, why = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  shelved[fingerprint] = true
  redis.call('ZADD', KEYS[2], till, fingerprint)
  redis.call('HSET', prefix .. 'ledger:' .. fingerprint, chat, 'held ' .. till .. ' ' .. why)
end
local left = {}
for fingerprint in (redis.call('HGET', prefix .. 'boxes', chat) or ''):gmatch('[^\n]+') do
  if not shelved[fingerprint] then
    left[#left + 1] = fingerprint
  end
end
if #left > 0 then
  redis.call('HSET', prefix .. 'boxes', chat, table.concat(left, '\n'))
else
  redis.call('HDEL', prefix .. 'boxes', chat)
end
return 'held'
