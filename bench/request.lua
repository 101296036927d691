-- One request over and over, and a summary that a program reads.
--
--   wrk -t2 -c64 -d5s --latency -s bench/request.lua URL -- METHOD [AUTHORIZATION [BODY]]
--
-- The last line is JSON: requests, seconds, failed (answers of 400 and above, and socket errors), p50_ms, p99_ms.
function init(arguments)
   wrk.method = arguments[1] or "GET"
   if arguments[2] and arguments[2] ~= "" then
      wrk.headers["Authorization"] = arguments[2]
   end
   if arguments[3] then
      wrk.headers["Content-Type"] = "application/json"
      wrk.body = arguments[3]
   end
   prepared = wrk.format()
end

function request()
   return prepared
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format('{"requests":%d,"seconds":%.3f,"failed":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
      summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
