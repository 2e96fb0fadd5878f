"""
The scripts that a Redis server executes, each at once for all who share it.

They keep the rule of L{mycred._state._buckets}, by the server's clock.  Times are in
microseconds, which the numbers of Lua hold exactly.  Numbers stand together in one
argument, as doubles.  What a key holds that isn't of the right length counts as nothing.

All is kept for as long as it counts, and then removed by the server.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple

from .._buckets import LATELY, MOST_KNOWN, TRIED

_MICRO = 1_000_000

# The longest value, with what is stored before it, in bytes.
_LONGEST_STORED = 9 + 4096


class Script(NamedTuple):
    """
    A script.

    @ivar text: its text, in Lua.
    @ivar digest: by which a server knows it that has executed it.
    """

    text: bytes
    digest: bytes

    @classmethod
    def of(cls, text: str) -> Script:
        """
        Return the script of a text.
        """
        encoded = text.encode("ascii")
        # It is no secret, and the server wants SHA-1.
        digest = sha1(encoded, usedforsecurity=False).hexdigest()
        return cls(encoded, digest.encode("ascii"))


_CLOCK = """
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
"""

# What comes before it says what now is.
_BUCKETS = (
    f"""
local LATELY, TRIED = {LATELY * _MICRO:.0f}, {TRIED * _MICRO:.0f}
local MOST_KNOWN = {MOST_KNOWN}
"""
    """
local limits = ARGV[1]

local function life(time)
    return string.format('%.0f', time / 1000 + 1)
end

local function limitOf(i)
    return struct.unpack('<dddd', limits, 32 * i - 31)
end

local function load(key)
    local stored = redis.call('GET', key)
    if not stored or #stored ~= 16 then return 0, 0 end
    return struct.unpack('<dd', stored)
end

local function endOfPause(i, empty, last)
    local free, longest, forget = limitOf(i)
    local over = math.ceil(math.max(0, (empty - last) / forget) - free - 1e-6)
    if over <= 0 then return last end
    return last + math.min(longest, 2 ^ (over - 1) * 1000000)
end

local function save(key, i, empty, last, isPair)
    local until_ = math.max(empty, endOfPause(i, empty, last))
    if isPair and last ~= 0 then until_ = math.max(until_, last + LATELY) end
    if until_ > now then
        redis.call('SET', key, struct.pack('<dd', empty, last), 'PX', life(until_ - now))
    else
        redis.call('DEL', key)
    end
end

local function saveTried(key, count, when, kind)
    local stored = struct.pack('<ddd', count, when, kind)
    redis.call('SET', key, stored, 'PX', life(when + TRIED - now))
end

local function loadTried(key)
    local stored = redis.call('GET', key)
    if not stored or #stored ~= 24 then return 0, 0, 0 end
    return struct.unpack('<ddd', stored)
end
"""
)

#: Let a login through, or have it wait.
#:
#: KEYS: the buckets of the pair (if there is one), of newcomers and of strangers; then
#: the sources that are known, if there is a pair; then what was tried, if that is known.
#:
#: ARGV: the limits of the buckets; numbers: how far the clock is set forward, until when
#: the caller waits for the answer, whether there is a pair, how many buckets newcomers
#: and strangers have; the pair.
#:
#: It returns the wait, or -1 if it is too late; the clock; what was charged when, and the
#: kind of the source: known, a newcomer, or a stranger.
RESERVE = Script.of(
    _CLOCK
    + """
local ahead, expires, pair, new, strange = struct.unpack('<ddddd', ARGV[2])
local now = clock + ahead
"""
    + _BUCKETS
    + """
if clock > expires then return {-1, clock, 0, 0} end
local mark = pair + new + strange + 1
local kind = 2
if pair == 1 then
    local known = redis.call('ZSCORE', KEYS[mark], ARGV[3])
    mark = mark + 1
    if known and tonumber(known) > now then
        kind = 0
    else
        local empty, last = load(KEYS[1])
        if empty <= now and (last == 0 or last + LATELY <= now) then kind = 1 end
    end
end
local first = kind == 2 and pair + new or pair
local count = pair + (kind == 1 and new or kind == 2 and strange or 0)
local function at(i)
    return i <= pair and i or first + i - pair
end
local wait, found = 0, {}
for i = 1, count do
    local empty, last = load(KEYS[at(i)])
    found[i] = empty
    if last <= now then
        wait = math.max(wait, endOfPause(at(i), empty, last) - now)
    end
end
if wait > 0 then return {math.ceil(wait), clock, 0, 0} end
local tried = KEYS[mark]
if tried then
    local count, when, before = loadTried(tried)
    if count > 0 and when + TRIED > now then
        saveTried(tried, count + 1, when, before)
        return {0, clock, when, before}
    end
    saveTried(tried, 1, now, kind)
end
for i = 1, count do
    local _, _, forget, most = limitOf(at(i))
    local empty = math.min(math.max(found[i], now), now + most) + forget
    save(KEYS[at(i)], at(i), empty, now, i <= pair)
end
return {0, clock, now, kind}
"""
)

#: Take back what was counted.
#:
#: KEYS: the buckets that were charged, that of the pair first; then what was tried, if
#: that is known; then the sources that are known, if there is a pair.
#:
#: ARGV: the limits of the buckets; numbers: how far the clock is set forward, when what
#: was charged, of which kind the source was, whether the password was right, whether
#: there is a pair, whether it is known what was tried, for how long the source is known;
#: the pair.
SETTLE = Script.of(
    _CLOCK
    + """
local ahead, charged, kind, right, pair, hasTried, remember =
    struct.unpack('<ddddddd', ARGV[2])
local now = clock + ahead
"""
    + _BUCKETS
    + """
local count = #limits / 32
local mark = count + 1
-- What was counted elsewhere isn't taken back here.
local isOver = charged > 0
if hasTried == 1 then
    local tries, when = loadTried(KEYS[mark])
    if tries == 0 or when ~= charged then
        isOver = false
    elseif right == 0 and tries > 1 then
        saveTried(KEYS[mark], tries - 1, when, kind)
        isOver = false
    else
        redis.call('DEL', KEYS[mark])
    end
    mark = mark + 1
end
if isOver then
    for i = 1, count do
        local empty, last = load(KEYS[i])
        local _, longest, forget = limitOf(i)
        empty = math.max(0, empty - forget)
        if last == charged then
            if empty > last then last = last - longest else empty, last = 0, 0 end
        end
        save(KEYS[i], i, empty, last, i <= pair)
    end
end
if right == 1 and pair == 1 then
    local known = KEYS[mark]
    local until_ = tonumber(redis.call('ZSCORE', known, ARGV[3]) or 0)
    local since = until_ - remember
    local _, _, forget = limitOf(1)
    if until_ == 0 or since > now or since + forget <= now then
        redis.call('DEL', KEYS[1])
        redis.call('ZADD', known, string.format('%.0f', now + remember), ARGV[3])
        redis.call('ZREMRANGEBYRANK', known, 0, -MOST_KNOWN - 1)
        redis.call('PEXPIRE', known, life(remember))
    end
end
return 0
"""
)

_VALUE = (
    _CLOCK
    + f"""
local now = clock + struct.unpack('<d', ARGV[1])
local value
local stored = redis.call('GETRANGE', KEYS[1], 0, {_LONGEST_STORED - 1})
if #stored >= 9 and string.sub(stored, 1, 1) == '=' then
    local ends = struct.unpack('<d', stored, 2)
    if ends == 0 or ends > now then value = string.sub(stored, 10) end
end
"""
)

#: Return a value.
#:
#: KEYS: its key.
#:
#: ARGV: how far the clock is set forward.
RECALL = Script.of(
    _VALUE
    + """
return value
"""
)

#: Set a value, if it is what the caller thinks, and return whether it was set.
#:
#: KEYS: its key.
#:
#: ARGV: how far the clock is set forward; the value that it must have, after a C{=}, or
#: nothing; the one that it gets; for how long it is kept, or nothing.
COMPARE_AND_SET = Script.of(
    _VALUE
    + """
if (value and '=' .. value or '') ~= ARGV[2] then return 0 end
if ARGV[4] == '' then
    redis.call('SET', KEYS[1], '=' .. struct.pack('<d', 0) .. ARGV[3])
else
    local ends = now + ARGV[4] * 1000
    redis.call('SET', KEYS[1], '=' .. struct.pack('<d', ends) .. ARGV[3], 'PX', ARGV[4])
end
return 1
"""
)


__all__ = [
    "COMPARE_AND_SET",
    "RECALL",
    "RESERVE",
    "SETTLE",
    "Script",
]
