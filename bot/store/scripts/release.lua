-- Give a claimed chat back, due again at a given time; what is held there may be due earlier.
--
-- KEYS: the claims, the due chats of the route, the chat's shelf, the mailboxes, what the route's idle senders
--       wait on
-- ARGV: chat, token, when it is due
-- Answers lost where the lease has gone to another sender.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 'lost'
end
redis.call('HDEL', KEYS[1], ARGV[1])
local due = ARGV[3]
if redis.call('HEXISTS', KEYS[4], ARGV[1]) == 0 then
  local shelved = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if not shelved[2] then
    redis.call('ZREM', KEYS[2], ARGV[1])
    return 'idle'
  end
  due = shelved[2]
end
redis.call('ZADD', KEYS[2], due, ARGV[1])
redis.call('LPUSH', KEYS[5], 1)
redis.call('LTRIM', KEYS[5], 0, 15)
return 'released'
