-- Subscribe a chat to a topic; its join number is given here, where the subscribers are walked.
--
-- KEYS: the chat's subscriptions, the topic's subscribers, the join numbers
-- ARGV: chat, topic, machine time
-- Answers 1, or 0 where it was subscribed already.
if redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[3]) == 0 then
  return 0
end
redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), ARGV[1])
return 1
