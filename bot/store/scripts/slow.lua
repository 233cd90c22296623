-- A platform asked to slow down and did not say what for: a chat, or everything on its connection.
--
-- KEYS: the bucket
-- ARGV: machine time, chat, until when it asks to wait, milliseconds a token, milliseconds that may be taken
--       ahead
-- Answers chat or route, whichever is held. The first one holds its chat; another chat's within that time, or
-- one while the bucket is nine tenths used, holds the connection. Asked again, it answers the same.
local now, chat, till = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local interval, ahead = tonumber(ARGV[4]), tonumber(ARGV[5])
local paid, hold, slowed, slow_until = unpack(redis.call('HMGET', KEYS[1], 'paid', 'hold', 'slowed', 'slow_until'))
local used = interval > 0 and tonumber(paid or '0') - now >= 0.9 * ahead
local other = slowed and slowed ~= chat and tonumber(slow_until) > now
if used or other then
  redis.call('HSET', KEYS[1], 'hold', math.max(till, tonumber(hold or '0')))
  return 'route'
end
redis.call('HSET', KEYS[1], 'slowed', chat, 'slow_until', till)
return 'chat'
