-- Give a claimed chat back untouched, due again at a given time.
--
-- KEYS: the claims, the due chats of the route
-- ARGV: chat, token, when it is due
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 'lost'
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 'released'
