import { createHash } from 'node:crypto';
import { changesKept } from '../changes.ts';
import { textOf } from './client.ts';
import { headWidth, seenAt, stampWidth, stateOffset, versionWidth } from './values.ts';

export type Script = 'commit' | 'touch' | 'claim' | 'repair' | 'erase' | 'forget' | 'beat' | 'time';

const clock = `
local function now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/** A record that cannot be read, as ended: by its head alone, and without its data. */
const buried = `
local function buried(text)
  local head = string.sub(text, 1, ${headWidth})
  if #head < ${headWidth} or string.find(head, '[^ -~]') then text = string.rep('0', ${headWidth}) end
  local version = (tonumber(string.sub(text, 1, ${versionWidth})) or 0) + 1
  local line = string.find(text, '\\n', ${headWidth + 1}, true) or #text + 1
  return string.format('%0${versionWidth}.0f', version) .. string.sub(text, ${versionWidth + 1}, ${stateOffset})
    .. 'e' .. string.sub(text, ${stateOffset + 2}, line - 1) .. '\\n{}'
end`;

/**
 * Writes a decision, if all is still as it was seen. The partition's counter numbers the events in the
 * same step, so their order is the order of the commits. KEYS are all keys that are read or written.
 */
const commit = `${clock}${buried}
local stage = cjson.decode(ARGV[2])
local time = now(ARGV[1])
if time >= stage.before then return 0 end
for _, guard in ipairs(stage.guards) do
  if guard.width > 0 and redis.call('GETRANGE', guard.key, 0, guard.width - 1) ~= guard.is then return 0 end
end
for _, part in ipairs(stage.partitions) do
  local numbers = #part.changed
  local counter = redis.call('HINCRBY', part.counts, 'counter', numbers)
  if part.anonymous ~= 0 then redis.call('HINCRBY', part.counts, 'anonymous', part.anonymous) end
  if numbers > 0 then
    local at = string.format('%.0f', time)
    local changes = {}
    for number = math.max(1, numbers - ${changesKept - 1}), numbers do
      changes[#changes + 1] = stage.mark .. ':' .. at .. ':' .. part.changed[number]
    end
    redis.call('RPUSH', part.changes, unpack(changes))
    redis.call('LTRIM', part.changes, -${changesKept}, -1)
    redis.call('SPUBLISH', part.channel, at .. ' ' .. table.concat(part.changed, ' '))
  end
  for _, event in ipairs(part.events) do
    local number = counter - numbers + event.number
    local name = string.format('%.0f', number)
    redis.call('ZADD', part.list, name, name .. ':' .. event.body)
    redis.call('HSET', part.counts, 'last', name .. ':' .. stage.mark)
    if event.past then redis.call('ZADD', event.past, name, name) end
  end
  for _, past in ipairs(part.pasts) do
    redis.call('ZREMRANGEBYSCORE', past.key, '-inf', redis.call('HGET', part.counts, 'forgotten') or 0)
    redis.call('PEXPIREAT', past.key, past.keep)
  end
  if part.subject then
    local subject = part.subject
    local stamp = string.format('%0${stampWidth}.0f', counter)
    redis.call('SET', subject.key, stamp .. subject.body)
    if subject.keep then redis.call('PEXPIREAT', subject.key, subject.keep) end
  end
end
for _, record in ipairs(stage.recordsOnly) do
  local text = redis.call('GET', record.key)
  redis.call('SET', record.key, record.text .. string.sub(text, string.find(text, '\\n', ${headWidth + 1}, true) + 1))
end
for _, key in ipairs(stage.bury) do redis.call('SET', key, buried(redis.call('GET', key) or '')) end
for _, command in ipairs(stage.commands) do redis.call(unpack(command)) end
return 1`;

/** Moves last seen forward in place, of live sessions only. KEYS sessions, ARGV when each was seen. */
const touch = `
for i, key in ipairs(KEYS) do
  local head = redis.call('GETRANGE', key, 0, ${headWidth - 1})
  if #head == ${headWidth} and string.sub(head, ${headWidth - 4}, ${headWidth - 4}) ~= 'e' then
    local last = tonumber(string.sub(head, ${seenAt.offset + 1}, ${seenAt.offset + seenAt.width}))
    local idle = tonumber(string.sub(head, ${seenAt.offset + seenAt.width + 1}, ${seenAt.offset + 2 * seenAt.width}))
    local limit = tonumber(string.sub(head, ${seenAt.offset + 2 * seenAt.width + 1}, ${seenAt.offset + 3 * seenAt.width}))
    local seen = tonumber(ARGV[i])
    if seen > last and seen < math.min(last + idle, limit) then
      redis.call('SETRANGE', key, ${seenAt.offset}, string.format('%0${seenAt.width}.0f', seen))
    end
  end
end
return 1`;

/** Claims what is due: another process passes over it, and comes back if this one does not get through. */
const claim = `${clock}
local time = now(ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do redis.call('ZADD', KEYS[1], time + tonumber(ARGV[3]), id) end
return ids`;

/** Takes from a list the sessions that are not there. KEYS the list and the sessions, ARGV their ids. */
const repair = `
for i = 2, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('ZREM', KEYS[1], ARGV[i - 1]) end
end
return 1`;

/**
 * Leaves a trace, which only a primary takes, and answers each partition's counter and its changes from the
 * last known one on. KEYS counts and changes of each partition, ARGV the number known of each.
 */
const beat = `${clock}
local time = string.format('%.0f', now(ARGV[1]))
redis.call('HSET', KEYS[1], 'beat', time)
local answer = { time }
for i = 1, #KEYS, 2 do
  local counter = tonumber(redis.call('HGET', KEYS[i], 'counter') or 0)
  local known = tonumber(ARGV[(i + 3) / 2]) or counter
  local log = { string.format('%.0f', counter) }
  if known <= counter then
    for _, change in ipairs(redis.call('LRANGE', KEYS[i + 1], known - counter - 1, -1)) do log[#log + 1] = change end
  end
  answer[#answer + 1] = log
end
return answer`;

/**
 * Writes events anew. KEYS the partition's events and a list of numbers, ARGV how many numbers, which leave
 * the list, and then of each event its number, what it was and what it is from now on: nothing where that is empty.
 */
const erase = `
local numbers = tonumber(ARGV[1])
for i = numbers + 2, #ARGV, 3 do
  if redis.call('ZREM', KEYS[1], ARGV[i + 1]) == 1 and ARGV[i + 2] ~= '' then
    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
for i = 2, numbers + 1 do redis.call('ZREM', KEYS[2], ARGV[i]) end
return 1`;

/** Removes a partition's events up to a number and remembers that they were, and which was the last. */
const forget = `
local removed = redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if tonumber(redis.call('HGET', KEYS[2], 'forgotten') or 0) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[2], 'forgotten', ARGV[1], 'forgottenMark', ARGV[2])
end
return removed`;

/** By the clock of the node that has a key, in milliseconds. */
const time = `${clock}
return string.format('%.0f', now(''))`;

const scripts: Readonly<Record<Script, { readonly text: string; readonly hash: string }>> = {
  commit: hashed(commit),
  touch: hashed(touch),
  claim: hashed(claim),
  repair: hashed(repair),
  erase: hashed(erase),
  forget: hashed(forget),
  beat: hashed(beat),
  time: hashed(time),
};

function hashed(text: string): { text: string; hash: string } {
  return { text, hash: createHash('sha1').update(text).digest('hex') };
}

/** A script by its hash, or by its text where the server does not know it (any more). */
export function scriptCommand(
  name: Script,
  keys: readonly string[],
  args: readonly string[],
  unknown: boolean,
): [command: string, ...args: string[]] {
  const { text, hash } = scripts[name];
  return [
    ...(unknown ? (['EVAL', text] as const) : (['EVALSHA', hash] as const)),
    String(keys.length),
    ...keys,
    ...args,
  ];
}

export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && (textOf(error.message) ?? '').startsWith('NOSCRIPT');
}

/** Runs a script by its hash; sends its text where the server does not know it (any more). */
export async function run<Answer>(
  send: (command: string, ...args: string[]) => Promise<Answer>,
  ...script: [name: Script, keys: readonly string[], args: readonly string[]]
): Promise<Answer> {
  try {
    return await send(...scriptCommand(...script, false));
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return send(...scriptCommand(...script, true));
  }
}
