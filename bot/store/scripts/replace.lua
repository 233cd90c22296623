-- Show a message of the page anew, in place of what stood there.
--
-- KEYS: the page, the places of its messages by delivery
-- ARGV: delivery, html, how many messages are kept
-- Answers the message's new place, or nothing where it is not there to be replaced.
local place = redis.call('HGET', KEYS[2], ARGV[1])
if not place or redis.call('XDEL', KEYS[1], place) == 0 then
  return false
end
place = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'html', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], place)
return place
