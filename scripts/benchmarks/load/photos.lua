-- wrk's part: every request is one of the photos in turn, as a form; at the end one JSON line.
-- wrk ... -s photos.lua URL -- FOLDER COUNT: the folder holds the bodies 0 to COUNT-1 and the boundary's name.
local requests = {}
local turn = 0

function init(arguments)
  local folder, count = arguments[1], tonumber(arguments[2])
  local headers = { ["Content-Type"] = "multipart/form-data; boundary=" .. arguments[3] }
  for number = 0, count - 1 do
    local file = assert(io.open(folder .. "/" .. number, "rb"))
    requests[number] = wrk.format("POST", wrk.path, headers, file:read("*a"))
    file:close()
  end
end

function request()
  turn = (turn + 1) % (#requests + 1)
  return requests[turn]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"microseconds":%d,"answers":%d,"refused":%d,"broken":%d,"timeouts":%d,"p50":%d,"p99":%d}\n',
    summary.duration, summary.requests, errors.status, errors.connect + errors.read + errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
