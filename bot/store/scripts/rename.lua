-- Rename ladders of one rule on one instrument: the same episodes, by what they are called since a split.
--
-- KEYS: the ladder
-- ARGV: for each: the field as it was, the field as it is
-- Answers how many were there to be renamed. What was told under either name stays told. Asked again, it finds
-- none left and does nothing.
local renamed = 0
for index = 1, #ARGV, 2 do
  local was, is = ARGV[index], ARGV[index + 1]
  local told = redis.call('HGET', KEYS[1], was)
  if told then
    if tonumber(told) > tonumber(redis.call('HGET', KEYS[1], is) or '0') then
      redis.call('HSET', KEYS[1], is, told)
    end
    redis.call('HDEL', KEYS[1], was)
    renamed = renamed + 1
  end
end
return renamed
