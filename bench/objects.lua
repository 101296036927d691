-- One request a line of a file of targets, each once where there are enough, and a summary that a program reads.
--
--   wrk -t1 -c8 -d4s --latency -s bench/objects.lua URL -- METHOD TARGETS [BODY]
--
-- TARGETS is a file of request targets (`/bucket/key?X-Amz-…`), BODY a file. The last line is JSON: requests, seconds,
-- failed (answers of 400 and above, and socket errors), wrapped (targets were asked for twice), bytes, p50_ms, p99_ms.
local targets, at = {}, 0

function init(arguments)
   wrk.method = arguments[1]
   for line in io.lines(arguments[2]) do
      targets[#targets + 1] = line
   end
   if arguments[3] then
      local file = io.open(arguments[3], "rb")
      wrk.body = file:read("*a")
      file:close()
   end
end

function request()
   at = at % #targets + 1
   return wrk.format(nil, targets[at])
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format('{"requests":%d,"seconds":%.3f,"failed":%d,"bytes":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
      summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout, summary.bytes,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
