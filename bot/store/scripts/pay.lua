-- Count a message that does not come from the mailbox towards its chat's pace.
--
-- KEYS: the chats' paces
-- ARGV: chat, machine time, milliseconds between two messages of the chat, milliseconds that may come at once
-- Answers when it may be sent, and from when on the chat may be sent another one.
local now, interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local pace = redis.call('HGET', KEYS[1], ARGV[1])
local paid = math.max(now, pace and tonumber(pace:match('^%S+')) or 0)
local turn = math.max(now, paid - burst)
paid = paid + interval
local free = math.max(now, paid - burst)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %d', paid, free))
return {turn, free}
