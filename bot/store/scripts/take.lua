-- Take tokens of a connection's pace, or give some back (GCRA).
--
-- KEYS: the bucket
-- ARGV: machine time, tokens wanted (negative: given back), milliseconds a token, milliseconds that may be
--       taken ahead
-- Answers how many were granted, and when the next one will be. Asked again after a lost reply it grants
-- others: the pace is then slower by those, never faster.
local now, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval, ahead = tonumber(ARGV[3]), tonumber(ARGV[4])
local paid, hold = unpack(redis.call('HMGET', KEYS[1], 'paid', 'hold'))
hold = tonumber(hold or '0')
paid = tonumber(paid or '0')
if wanted < 0 then
  redis.call('HSET', KEYS[1], 'paid', string.format('%.3f', paid + wanted * interval))
  return {0, hold}
end
if hold > now then
  return {0, hold}
end
paid = math.max(paid, now)
local granted = 0
while granted < wanted and paid + interval - now <= ahead do
  paid = paid + interval
  granted = granted + 1
end
if granted > 0 then
  redis.call('HSET', KEYS[1], 'paid', string.format('%.3f', paid))
end
return {granted, math.ceil(paid + interval - ahead)}
