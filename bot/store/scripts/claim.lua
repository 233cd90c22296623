-- Claim the chats of a route that are due: each is leased to one sender until a deadline.
--
-- KEYS: the due chats of the route, what this very claim took
-- ARGV: prefix of the chats' keys, machine time, deadline of the lease, the claim's token, chats at the most,
--       deliveries of a chat at the most, seconds that what a claim took is remembered
-- Answers for each chat its name, whether it set any silence, then fingerprint and state in turn; what has no state yet is queued. A lease
-- that runs out makes its chat due again, and what stands as sending there is in doubt. Asked again after a
-- lost reply, with the same token, it answers the same chats.
local prefix, now = ARGV[1], tonumber(ARGV[2])
local boxes, claims = prefix .. 'boxes', prefix .. 'claims'

-- The threads of a group share its pace.
local function paced(chat)
  return chat:match('^telegram:[^:]*:[^:]*') or chat
end

local function entry_of(chat, box)
  local entry = {chat, redis.call('EXISTS', prefix .. 'silence:' .. chat)}
  for fingerprint in box:gmatch('[^\n]+') do
    if #entry >= 2 + 2 * ARGV[6] then
      break
    end
    entry[#entry + 1] = fingerprint
    entry[#entry + 1] = redis.call('HGET', prefix .. 'ledger:' .. fingerprint, chat) or 'queued'
  end
  return entry
end

local taken = redis.call('LRANGE', KEYS[2], 0, -1)
if #taken > 0 then
  local again = {}
  for _, chat in ipairs(taken) do
    local box = redis.call('HGET', boxes, chat)
    if box and redis.call('HGET', claims, chat) == ARGV[4] then
      again[#again + 1] = entry_of(chat, box)
    end
  end
  return again
end

-- What was held comes back before what waits: it was raised earlier.
local function back_from_shelf(chat, box)
  local shelf = prefix .. 'shelf:' .. chat
  local due = redis.call('ZRANGEBYSCORE', shelf, '-inf', now)
  if #due == 0 then
    return box
  end
  redis.call('ZREMRANGEBYSCORE', shelf, '-inf', now)
  local whole = table.concat(due, '\n') .. (box and '\n' .. box or '')
  redis.call('HSET', boxes, chat, whole)
  return whole
end

local claimed, busy = {}, {}
for _, chat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[5])) do
  local pace = redis.call('HGET', prefix .. 'pace', paced(chat))
  local free = pace and pace:match('%S+$') or '0'
  local box = back_from_shelf(chat, redis.call('HGET', boxes, chat))
  if not box then
    local shelved = redis.call('ZRANGE', prefix .. 'shelf:' .. chat, 0, 0, 'WITHSCORES')
    redis.call('HDEL', claims, chat)
    if shelved[2] then
      redis.call('ZADD', KEYS[1], shelved[2], chat)
    else
      redis.call('ZREM', KEYS[1], chat)
    end
  elseif tonumber(free) > now then
    -- It was answered a command meanwhile, which counts towards its pace.
    redis.call('ZADD', KEYS[1], free, chat)
  elseif not busy[paced(chat)] then
    busy[paced(chat)] = true
    redis.call('ZADD', KEYS[1], ARGV[3], chat)
    redis.call('HSET', claims, chat, ARGV[4])
    redis.call('RPUSH', KEYS[2], chat)
    claimed[#claimed + 1] = entry_of(chat, box)
  end
end
if #claimed > 0 then
  redis.call('EXPIRE', KEYS[2], ARGV[7])
end
return claimed
