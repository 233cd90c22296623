-- Hold the worker's lease, or take it over where its time is up; each change of hands is a new epoch.
--
-- KEYS: the lease, the epoch
-- ARGV: token, machine time, deadline
-- Answers the epoch to its holder and 0 to everybody else.
local holder, deadline = unpack(redis.call('HMGET', KEYS[1], 'holder', 'deadline'))
if holder and holder ~= ARGV[1] and tonumber(deadline) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'deadline', ARGV[3])
if holder ~= ARGV[1] then
  return redis.call('INCR', KEYS[2])
end
return tonumber(redis.call('GET', KEYS[2]))
