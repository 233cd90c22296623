-- Let what is held for a chat be judged anew: its shelf becomes due. What is then told was held for its reason.
--
-- KEYS: the chat's shelf, the due chats of its route, what the route's idle senders wait on, the claims
-- ARGV: prefix of the chats' keys, chat, machine time
-- Answers how many were held. Asked again, it finds them due already.
local held = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for at = 1, #held, 2 do
  -- The order in which they were held stays the order in which they are told.
  if tonumber(held[at + 1]) > tonumber(ARGV[3]) then
    redis.call('ZADD', KEYS[1], ARGV[3], held[at])
  end
  local ledger = ARGV[1] .. 'ledger:' .. held[at]
  local why = (redis.call('HGET', ledger, ARGV[2]) or ''):match('^held %d+ (.+)$')
  if why then
    redis.call('HSET', ledger, ARGV[2], 'held ' .. ARGV[3] .. ' ' .. why)
  end
end
if #held > 0 and redis.call('HEXISTS', KEYS[4], ARGV[2]) == 0 then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
  redis.call('LPUSH', KEYS[3], 1)
  redis.call('LTRIM', KEYS[3], 0, 15)
end
return #held / 2
