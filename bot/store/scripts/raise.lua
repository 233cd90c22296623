-- Raise what one look found: all of it or, where a later worker has taken over, nothing.
--
-- KEYS: the epoch, the jobs, the recent alerts; then for each alert its ladder and its own key
-- ARGV: epoch, job, machine time, seconds that alerts are kept, how many recent ones are;
--       then for each alert: field, step told before, step, seconds that the ladder is kept (0: for good),
--       fingerprint, facts
-- Answers fenced, or for each alert: raised, again (the very alert stands), or the step told instead.
if tonumber(redis.call('GET', KEYS[1]) or '0') > tonumber(ARGV[1]) then
  return {'fenced'}
end
local answers, raised = {}, {}
for index = 0, (#KEYS - 3) / 2 - 1 do
  local ladder, alert = KEYS[4 + 2 * index], KEYS[5 + 2 * index]
  local field, before, step, kept, fingerprint, facts = unpack(ARGV, 6 + 6 * index, 11 + 6 * index)
  local told = redis.call('HGET', ladder, field) or '0'
  if redis.call('EXISTS', alert) == 1 then
    answers[#answers + 1] = 'again'
  elseif told ~= before then
    answers[#answers + 1] = told
  else
    redis.call('HSET', ladder, field, step)
    if kept ~= '0' then
      redis.call('EXPIRE', ladder, kept)
    end
    redis.call('SET', alert, facts, 'EX', ARGV[4])
    redis.call('LPUSH', KEYS[3], fingerprint)
    raised[#raised + 1] = fingerprint
    answers[#answers + 1] = 'raised'
  end
end
if #raised > 0 then
  redis.call('LTRIM', KEYS[3], 0, ARGV[5] - 1)
  redis.call('RPUSH', KEYS[2], cjson.encode({job = ARGV[2], raised = tonumber(ARGV[3]), alerts = raised}))
end
return answers
