-- Claim the present slot of a job that comes round, in the name of an epoch; or say that it is done.
--
-- KEYS: the epoch, the slots
-- ARGV: claim or done, epoch, job, machine time (done: when the slot began), milliseconds from one slot to the
--       next, and to claim, 1 where this epoch does anew what an earlier one has done
-- Answers fenced where a later worker has taken over. To claim: claimed or done, when the slot began, and when
-- the next one does. All slots of a job are counted from when the first of any job was claimed. Asked again
-- after a lost reply, it answers the same.
local verb, epoch, job, now, period = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if tonumber(redis.call('GET', KEYS[1]) or '0') > epoch then
  return {'fenced'}
end
if verb == 'done' then
  redis.call('HSET', KEYS[2], job, string.format('%.0f %.0f done', now, epoch))
  return {'done'}
end
redis.call('HSETNX', KEYS[2], 'from', string.format('%.0f', now))
local from = tonumber(redis.call('HGET', KEYS[2], 'from'))
local start = from + math.floor((now - from) / period) * period
local last, by, state = (redis.call('HGET', KEYS[2], job) or '-1 0 done'):match('^(%S+) (%S+) (%a+)$')
local following = {string.format('%.0f', start), string.format('%.0f', start + period)}
local anew = ARGV[6] == '1' and tonumber(by) < epoch
if tonumber(last) >= start and state == 'done' and not anew then
  return {'done', unpack(following)}
end
redis.call('HSET', KEYS[2], job, string.format('%.0f %.0f doing', start, epoch))
return {'claimed', unpack(following)}
