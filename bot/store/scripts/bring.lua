-- Bring a chat's mailbox of schema 1, or why the chat is gone, over to the hash of all chats: whole or not at all.
--
-- KEYS: what is kept of the chat, what is kept of all
-- ARGV: box or gone, chat
-- Answers 1, or 0 where it was brought over already.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local kept
if ARGV[1] == 'box' then
  kept = table.concat(redis.call('LRANGE', KEYS[1], 0, -1), '\n')
else
  kept = redis.call('HGET', KEYS[1], 'gone')
end
if kept then
  redis.call('HSET', KEYS[2], ARGV[2], kept)
end
redis.call('DEL', KEYS[1])
return 1
