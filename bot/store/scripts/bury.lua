-- Drop a dead letter: it is counted as dropped by hand, and no longer among those that are dead.
--
-- KEYS: the dead letters, the ledger of its alert, how deliveries ended
-- ARGV: the letter's field, its chat, or nothing where it is no delivery
-- Answers dropped, or none where no such letter is left, as when it is asked again after a lost reply.
local letter = redis.call('HGET', KEYS[1], ARGV[1])
if not letter then
  return 'none'
end
redis.call('HDEL', KEYS[1], ARGV[1])
if ARGV[2] == '' then
  return 'dropped'
end
local ended = letter:match('"ended": ?"(%a+)"')
if ended and tonumber(redis.call('HGET', KEYS[3], ended) or 0) > 0 then
  redis.call('HINCRBY', KEYS[3], ended, -1)
end
redis.call('HINCRBY', KEYS[3], 'dropped by hand', 1)
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[2], 'dropped by hand')
end
return 'dropped'
