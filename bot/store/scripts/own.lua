-- Add, edit, remove or move rules of a chat's own, whole or not at all.
--
-- KEYS: the count of slots, the free numbers, the numbers of the chat, the names of what is measured, the rules
--       that are not one threshold, the count of changes, the changes; to move, the numbers of the new chat
-- ARGV: prefix of the own rules' keys, what to do, then
--       add: the most a chat may have, the line, whose it is, and where it stands
--       edit: number, chat, the line, and where it stands
--       remove: number, chat
--       move: the old chat, the new chat
-- Where a rule stands is: what it measures and where, its side (0 up, 1 down) and its threshold; or nothing, 0
-- and the symbols it looks at. Whose it is: the chat, its owner and when, a line each.
-- Answers for add: the number, and whose it is (the very rule that the chat has, if it has it), or full; else
-- how many rules were there to be changed. Asked again after a lost reply, it changes nothing more.
--
-- A number is a slot, and 2^24 times how often the slot was used before. A slot has 16 bytes in a page of 1024:
-- threshold, the name's number twice, with 1 for down, and 1 (or 0 where nothing stands there), and the uses.
local prefix, verb = ARGV[1], ARGV[2]
local SLOTS, A_BUCKET, A_PAGE, KEPT = 16777216, 32, 1024, 20000

local function written(number)
  return string.format('%.0f', number)
end

local function bucket(number)
  return written(math.floor(number % SLOTS / A_BUCKET))
end

local function lines(number)
  local n = written(number)
  return unpack(redis.call('HMGET', prefix .. 'texts:' .. bucket(number), n, n .. 'a'))
end

local function write(number, line, about)
  local n = written(number)
  redis.call('HSET', prefix .. 'texts:' .. bucket(number), n, line, n .. 'a', about)
end

local function set_row(number, row)
  local slot = number % SLOTS
  redis.call('SETRANGE', prefix .. 'rows:' .. written(math.floor(slot / A_PAGE)), slot % A_PAGE * 16, row)
end

local function lift(number)
  if redis.call('HDEL', KEYS[5], written(number)) == 0 then
    set_row(number, string.rep('\0', 16))
  end
end

local function place(number, name, side, at)
  if name == '' then
    redis.call('HSET', KEYS[5], written(number), at)
    return
  end
  local known = redis.call('HGET', KEYS[4], name)
  if not known then
    known = redis.call('HLEN', KEYS[4])
    redis.call('HSET', KEYS[4], name, known)
  end
  set_row(number, struct.pack('<dI4I4', tonumber(at), 2 * known + side + 1, math.floor(number / SLOTS)))
end

local function log(kind, number, name, side, at)
  local position = redis.call('INCR', KEYS[6])
  redis.call(
    'XADD', KEYS[7], 'MAXLEN', '~', KEPT, written(position) .. '-0',
    'kind', kind, 'number', written(number), 'name', name or '', 'side', side or '', 'at', at or ''
  )
end

if verb == 'add' then
  local most, line, about, name, side, at = unpack(ARGV, 3, 8)
  local held = redis.call('SMEMBERS', KEYS[3])
  for _, each in ipairs(held) do
    local had, whose = lines(tonumber(each))
    if had == line then
      return {each, whose}
    end
  end
  if #held >= tonumber(most) then
    return {'full'}
  end
  local number = tonumber(redis.call('RPOP', KEYS[2]) or redis.call('INCR', KEYS[1]))
  write(number, line, about)
  place(number, name, side, at)
  redis.call('SADD', KEYS[3], written(number))
  log('added', number, name, side, at)
  return {written(number), about}
end

if verb == 'move' then
  local moved = redis.call('SMEMBERS', KEYS[3])
  for _, each in ipairs(moved) do
    local number = tonumber(each)
    local line, about = lines(number)
    write(number, line, ARGV[4] .. about:sub(#ARGV[3] + 1))
    redis.call('SADD', KEYS[8], each)
    log('moved', number)
  end
  redis.call('DEL', KEYS[3])
  return #moved
end

local number = tonumber(ARGV[3])
local _, about = lines(number)
if not about or about:match('^[^\n]*') ~= ARGV[4] then
  return 0
end
lift(number)
if verb == 'edit' then
  local line, name, side, at = unpack(ARGV, 5, 8)
  write(number, line, about)
  place(number, name, side, at)
  log('edited', number, name, side, at)
else
  local n = written(number)
  redis.call('HDEL', prefix .. 'texts:' .. bucket(number), n, n .. 'a')
  redis.call('SREM', KEYS[3], n)
  redis.call('LPUSH', KEYS[2], written(number + SLOTS))
  log('removed', number)
end
return 1
