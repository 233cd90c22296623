-- Move a chat to its new name: its subscriptions, its silence, its mailbox and what is known of it, whole or
-- not at all.
--
-- KEYS: the claims, the due chats of the route, the join numbers, what the route's idle senders wait on
-- ARGV: prefix of the chats' keys, the old name, the new name, token, machine time
-- Answers lost where the lease has gone to another sender, or it was moved already.
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

-- So do its quiet hours, mutes and digests; what was set under the new name stays as it is there.
local settings = redis.call('HGETALL', prefix .. 'silence:' .. old)
for at = 1, #settings, 2 do
  redis.call('HSETNX', prefix .. 'silence:' .. new, settings[at], settings[at + 1])
end
redis.call('DEL', prefix .. 'silence:' .. old)

-- What waits and what is held goes along, unless the new name has it already.
local boxes, waits = prefix .. 'boxes', redis.call('ZRANGE', prefix .. 'shelf:' .. old, 0, -1)
for fingerprint in (redis.call('HGET', boxes, old) or ''):gmatch('[^\n]+') do
  waits[#waits + 1] = fingerprint
end
local box = redis.call('HGET', boxes, new) or ''
for _, fingerprint in ipairs(waits) do
  local ledger = prefix .. 'ledger:' .. fingerprint
  redis.call('HSET', ledger, old, 'dropped moved')
  if
    redis.call('HEXISTS', ledger, new) == 0
    and not ('\n' .. box .. '\n'):find('\n' .. fingerprint .. '\n', 1, true)
  then
    box = box == '' and fingerprint or box .. '\n' .. fingerprint
    redis.call('HINCRBY', ledger, 'queued', 1)
  end
end
redis.call('HDEL', boxes, old)
redis.call('DEL', prefix .. 'shelf:' .. old)
if box ~= '' then
  redis.call('HSET', boxes, new, box)
  redis.call('ZADD', KEYS[2], 'NX', now, new)
  redis.call('LPUSH', KEYS[4], 1)
  redis.call('LTRIM', KEYS[4], 0, 15)
end
redis.call('ZREM', KEYS[2], old)
redis.call('HDEL', prefix .. 'pace', old:match('^telegram:[^:]*:[^:]*') or old)
redis.call('HSET', prefix .. 'gone', old, 'moved to ' .. new)
redis.call('HDEL', prefix .. 'gone', new)
return 'moved'
