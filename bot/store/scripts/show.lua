-- Show a message on the page, once.
--
-- KEYS: the page, the places of its messages by delivery
-- ARGV: delivery, html, how many messages are kept, seconds that a page nobody writes to is kept
-- Answers the message's place.
local place = redis.call('HGET', KEYS[2], ARGV[1])
if place then
  return place
end
place = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'html', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], place)
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return place
