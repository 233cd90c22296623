-- Send a dead letter after all: it waits at the end of its chat's mailbox as if it had just been queued.
--
-- KEYS: the dead letters, the mailboxes, the ledger of its alert, how deliveries ended, the claims, the due
--       chats of its route, what the route's idle senders wait on
-- ARGV: chat, fingerprint, machine time, seconds that records are kept
-- Answers revived, or none where no such letter is left. Asked again after a lost reply, it answers again while
-- the delivery still waits, and puts it there once.
local chat, fingerprint, now, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local field = chat .. ' ' .. fingerprint
local letter, box = redis.call('HGET', KEYS[1], field), redis.call('HGET', KEYS[2], chat)
local waits = box and ('\n' .. box .. '\n'):find('\n' .. fingerprint .. '\n', 1, true)
if not letter then
  return waits and 'again' or 'none'
end
redis.call('HDEL', KEYS[1], field)
local ended = letter:match('"ended": ?"(%a+)"')
if ended == 'unknown' then
  -- Where the platform tells what it shows, it is asked before this is shown once more.
  redis.call('HSET', KEYS[3], chat, 'unknown 0 asked for by hand')
else
  redis.call('HDEL', KEYS[3], chat)
end
-- What ends once more is not counted twice.
if ended and tonumber(redis.call('HGET', KEYS[4], ended) or 0) > 0 then
  redis.call('HINCRBY', KEYS[4], ended, -1)
end
redis.call('HSETNX', KEYS[3], 'queued', 1)
redis.call('EXPIRE', KEYS[3], kept)
if not waits then
  redis.call('HSET', KEYS[2], chat, box and box .. '\n' .. fingerprint or fingerprint)
end
if redis.call('HEXISTS', KEYS[5], chat) == 0 then
  if box then
    redis.call('ZADD', KEYS[6], 'NX', now, chat)
  else
    -- It may be due only for what is held for it, at some later time.
    redis.call('ZADD', KEYS[6], now, chat)
  end
end
redis.call('LPUSH', KEYS[7], 1)
redis.call('LTRIM', KEYS[7], 0, 15)
return 'revived'
