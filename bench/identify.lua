-- What wrk sends to be identified: each line of the file that it is given is a path, a key, and the file of a body.
-- The requests are made before it starts; connections take them in turns.
local requests, next_request = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, key, file = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)")
    local contents = assert(io.open(file, "rb"))
    local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = arguments[2] }
    requests[#requests + 1] = wrk.format("POST", path, headers, contents:read("*a"))
    contents:close()
  end
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end
