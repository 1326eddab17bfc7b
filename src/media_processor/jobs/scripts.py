"""The Lua scripts: each one is a whole transition of a job, in one round trip.

jobs/keys.py names the keys. All times are the Redis server's own, in milliseconds.
"""

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# A prefix belongs to the spool that used it first: no other spool's process may touch its jobs.
# What is kept under it lasts 30 days, as payloads do, so a spool that is gone leaves nothing.
_OWN = """
local lifetime = 2592000000
local function foreign(owner, ownership)
  local found = redis.call('GET', owner)
  if not found then
    redis.call('SET', owner, ownership, 'PX', lifetime)
  elseif string.match(found, '^%S*') ~= string.match(ownership, '^%S*') then
    return redis.error_reply('FOREIGN ' .. owner .. ' ' .. found)
  end
end
"""

# The list is bounded: a worker that is woken looks at the whole queue.
_WAKE = """
local function wake(list)
  redis.call('RPUSH', list, '1')
  redis.call('LTRIM', list, -1000, -1)
  redis.call('PEXPIRE', list, 60000)
end
"""

# Whatever state a job is in, afterwards it runs or is queued, once.
# KEYS queue job in-progress retry wake-up owner · ARGV id payload delay ownership
ENSURE = (
    _NOW
    + _OWN
    + _WAKE
    + """
local refused = foreign(KEYS[6], ARGV[4])
if refused then return refused end
if redis.call('EXISTS', KEYS[3]) == 1 then return 'running' end
if redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 1 then
  return 'queued'
end
redis.call('DEL', KEYS[4])
redis.call('SET', KEYS[2], ARGV[2], 'PX', lifetime)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], lifetime)
wake(KEYS[5])
return 'enqueued'
"""
)

# Claims up to `count` due jobs, publishes their media, and returns the ms until the next job
# is due (-1 for none). Clears the wake-up list once no due job is left.
# KEYS queue wake-up owner · ARGV count lease token in-progress-prefix channel ownership
CLAIM = (
    _NOW
    + _OWN
    + """
local refused = foreign(KEYS[3], ARGV[6])
if refused then return refused end
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  redis.call('SET', ARGV[4] .. id, ARGV[3], 'PX', ARGV[2])
  redis.call('ZADD', KEYS[1], now + ARGV[2], id)
  redis.call('PUBLISH', ARGV[5], string.match(id, '[^:]*$'))
end
if #ids > 0 then redis.call('PEXPIRE', KEYS[1], lifetime) end
local following = redis.call(
  'ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local wait = -1
if #ids == tonumber(ARGV[1]) then wait = 0 else redis.call('DEL', KEYS[2]) end
if wait ~= 0 and following[2] then wait = math.max(0, following[2] - now) end
return {wait, ids}
"""
)

# Renews the leases that this worker still holds; returns the ids of those it lost.
# KEYS queue · ARGV lease token in-progress-prefix id…
RENEW = (
    _NOW
    + """
local lost = {}
for index = 4, #ARGV do
  local key = ARGV[3] .. ARGV[index]
  if redis.call('GET', key) == ARGV[2] then
    redis.call('PEXPIRE', key, ARGV[1])
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[index])
  else
    lost[#lost + 1] = ARGV[index]
  end
end
return lost
"""
)

# Ends a job (delay < 0) or puts it back, and publishes its media; does nothing if another
# worker has taken the job over.
# KEYS queue job in-progress retry wake-up · ARGV id token delay channel media
FINISH = (
    _NOW
    + _WAKE
    + """
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[3], KEYS[4])
if tonumber(ARGV[3]) < 0 then
  redis.call('DEL', KEYS[2])
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], 'XX', now + ARGV[3], ARGV[1])
  wake(KEYS[5])
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
"""
)

# Returns how many jobs of a queue wait, run, and are for later. A running job's score lies
# within one lease from now, so only those are looked at.
# KEYS queue · ARGV in-progress-prefix longest-lease
DEPTH = (
    _NOW
    + """
local waiting = redis.call('ZCOUNT', KEYS[1], '-inf', now)
local running = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, now + ARGV[2])) do
  running = running + redis.call('EXISTS', ARGV[1] .. id)
end
return {waiting, running, redis.call('ZCARD', KEYS[1]) - waiting - running}
"""
)

# Says that a worker is alive and what it does; forgets those that have been silent for a day.
# KEYS heartbeat workers owner · ARGV heartbeat lease worker ownership
HEARTBEAT = (
    _NOW
    + _OWN
    + """
local refused = foreign(KEYS[3], ARGV[4])
if refused then return refused end
redis.call('PEXPIRE', KEYS[3], lifetime)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 86400000)
redis.call('PEXPIRE', KEYS[2], 86400000)
"""
)

# Whether the prefix is ours; it becomes ours if it is nobody's.
# KEYS owner · ARGV ownership
OWN = _OWN + "return foreign(KEYS[1], ARGV[1])"

# Announces a process and returns all that were seen lately, each followed by when that was.
# KEYS systems · ARGV process milliseconds
ANNOUNCE = (
    _NOW
    + """
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
"""
)

# Does what the other scripts do, to keys of its own: whether this Redis lets us work.
# KEYS string sorted-set
PROBE = (
    _NOW
    + """
redis.call('SET', KEYS[1], now, 'PX', 1000)
redis.call('ZADD', KEYS[2], now, 'probe')
redis.call('PEXPIRE', KEYS[2], 1000)
"""
)

# Takes a lease, or renews it; returns whether the caller has it now.
# KEYS lease owner · ARGV token milliseconds ownership
LEASE = (
    _OWN
    + """
local refused = foreign(KEYS[2], ARGV[3])
if refused then return refused end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
)
