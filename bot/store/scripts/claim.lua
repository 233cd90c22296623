-- Claim the chats of a route that are due: each is leased to one sender until a deadline.
--
-- KEYS: the due chats of the route
-- ARGV: prefix of the chats' keys, machine time, deadline of the lease, the sender's token, chats at the most,
--       deliveries of a chat at the most
-- Answers for each chat its name, then fingerprint and state in turn. A lease that runs out makes its chat
-- due again, and what stands as sending there is in doubt.
local prefix = ARGV[1]
local claimed = {}
for _, chat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[5])) do
  local box = redis.call('LRANGE', prefix .. 'box:' .. chat, 0, ARGV[6] - 1)
  local pace = redis.call('HGET', prefix .. 'pace', chat)
  local free = pace and pace:match('%S+$') or '0'
  if #box == 0 then
    redis.call('ZREM', KEYS[1], chat)
    redis.call('HDEL', prefix .. 'claims', chat)
  elseif tonumber(free) > tonumber(ARGV[2]) then
    -- It was answered a command meanwhile, which counts towards its pace.
    redis.call('ZADD', KEYS[1], free, chat)
  else
    redis.call('ZADD', KEYS[1], ARGV[3], chat)
    redis.call('HSET', prefix .. 'claims', chat, ARGV[4])
    local entry = {chat}
    for _, fingerprint in ipairs(box) do
      entry[#entry + 1] = fingerprint
      entry[#entry + 1] = redis.call('HGET', prefix .. 'ledger:' .. fingerprint, chat) or 'queued'
    end
    claimed[#claimed + 1] = entry
  end
end
return claimed
