-- Move a chat to its new name: its subscriptions, its mailbox and what is known of it, whole or not at all.
--
-- KEYS: the claims, the due chats of the route, the join numbers
-- ARGV: prefix of the chats' keys, the old name, the new name, token, machine time
-- Answers lost where the lease has gone to another sender.
local prefix, old, new, now = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
if redis.call('HGET', KEYS[1], old) ~= ARGV[4] then
  return 'lost'
end
redis.call('HDEL', KEYS[1], old)
local topics = redis.call('HGETALL', prefix .. 'subs:' .. old)
for at = 1, #topics, 2 do
  redis.call('ZREM', prefix .. 'sub:' .. topics[at], old)
  if redis.call('HSETNX', prefix .. 'subs:' .. new, topics[at], topics[at + 1]) == 1 then
    redis.call('ZADD', prefix .. 'sub:' .. topics[at], redis.call('INCR', KEYS[3]), new)
  end
end
redis.call('DEL', prefix .. 'subs:' .. old)
for _, fingerprint in ipairs(redis.call('LRANGE', prefix .. 'box:' .. old, 0, -1)) do
  local ledger = prefix .. 'ledger:' .. fingerprint
  redis.call('HSET', ledger, old, 'dropped moved')
  if redis.call('HSETNX', ledger, new, 'queued') == 1 then
    redis.call('RPUSH', prefix .. 'box:' .. new, fingerprint)
  end
end
redis.call('DEL', prefix .. 'box:' .. old)
redis.call('ZREM', KEYS[2], old)
redis.call('HSET', prefix .. 'chat:' .. old, 'gone', 'moved to ' .. new)
redis.call('HDEL', prefix .. 'chat:' .. new, 'gone')
if redis.call('LLEN', prefix .. 'box:' .. new) > 0 then
  redis.call('ZADD', KEYS[2], 'NX', now, new)
end
return 'moved'
