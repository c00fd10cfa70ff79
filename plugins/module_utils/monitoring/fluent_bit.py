"""Fluent Bit's configuration, for those who have it as their collector: the same labels, bounds and blanks.

It runs where the model has ``monitoring.logs.collector: fluent-bit``. It does not tell what containers use of
memory and processors.

Source: fluent-bit-docs, administration/configuring-fluent-bit/yaml, pipeline/inputs/{tail,systemd}, filters/lua,
outputs/loki, administration/buffering-and-storage.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import log_formats
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import LABELS, HostLogs

FOLDER = "/etc/fluent-bit"
DATA_FOLDER = "/var/lib/fluent-bit"
HEALTH_PORT = 2020
# Ten years, in seconds.
_FOR_EVER = 315_360_000
SCRIPT = "lines.lua"

# What a line is told by, in the order of log_formats.LEVEL; a word that is no level is passed over.
_LEVEL_PATTERNS = (
    r"^%d%d%d%d%-%d%d%-%d%d [%d:.]+ %S+ %x+ (%a+)",
    r"^%d%d%d%d/%d%d/%d%d [%d:]+ %[(%a+)",
    r"^%d%d%d%d%-%d%d%-%d%d [%d:,.]+ (%a+)",
    r"^%[(%a+)",
    r'^{.-"@?level":"(%a+)',
    r"%f[%w]level=(%a+)",
    r"^(%u%u%u%u+)[ :]",
    r"^(panic):",
    r"^(fatal) error:",
    r"^([Ee]rror):",
    r"^([Ww]arning):",
)

_LUA = r"""-- Level, channel and organisation of a line, and the line without colours and secrets.
local levels = { @LEVELS@ }
local priorities = { @PRIORITIES@ }
local patterns = { @PATTERNS@ }
local channels = { @CHANNELS@ }
local organizations = { @ORGANIZATIONS@ }
local secret_names = {
  "password", "passwd", "passphrase", "secret", "secret[_%-]?id", "token", "api[_%-]?key", "private[_%-]?key",
}

local function level_of(text)
  for _, pattern in ipairs(patterns) do
    local word = text:match(pattern)
    local level = word and levels[word:lower():sub(1, 4)]
    if level then return level end
  end
end

local function channel_of(text)
  for _, item in ipairs(channels) do
    local after = item[2] .. "%f[^%w.%-]"
    for _, before in ipairs({ "[Cc]hannel[=: ]+[%['\"]?", "[Cc]hannel[Ii]?[Dd]?\"[=: ]+[%['\"]?", "%-> .-%[" }) do
      if text:find(before .. after) then return item[1] end
    end
    if text:find("[Cc]hannel[=: ]+[%['\"]?" .. item[2] .. "%.$") then return item[1] end
  end
end

local function blank(text)
  text = text:gsub("(%-%-%-%-%-BEGIN [%u ]*PRIVATE KEY%-%-%-%-%-).*", "%1[redacted]")
  if text:match("^[%w+/]+=?=?%s*$") and #text >= 40 and #text <= 80 then return "[redacted]" end
  local small = text:lower()
  for _, name in ipairs(secret_names) do
    local from = 1
    while true do
      local first, last = small:find(name .. "[\"']?%s*[:=]%s*[\"']?", from)
      if not first then break end
      local stop = text:find("[%s\"',;&}]", last + 1) or #text + 1
      from = last + 1
      if stop > from then
        text = text:sub(1, last) .. "[redacted]" .. text:sub(stop)
        small = text:lower()
        from = last + 11
      end
    end
  end
  for _, scheme in ipairs({ "[Bb][Aa][Ss][Ii][Cc]", "[Bb][Ee][Aa][Rr][Ee][Rr]" }) do
    text = text:gsub("%f[%a](" .. scheme .. "%s+)[%w+/._~=-]+", "%1[redacted]")
  end
  text = text:gsub("(://[^/%s:@]*:)[^@/%s]+@", "%1[redacted]@")
  text = text:gsub("%f[%w]h?v?[sbr]%.([%w_%-]+)", function(tail)
    if #tail >= 24 then return "[redacted]" end
  end)
  return text
end

-- A field that a journal's entry has twice arrives as a list.
local function first(value)
  if type(value) == "table" then return value[1] end
  return value
end

local function read(tag, record)
  local found = { host = "@HOST@" }
  local text = record.log or record.message
  if type(text) == "table" then text = table.concat(text, " ") end
  if not text then return -1 end
  text = text:gsub("\27%[[%d;]*%a", ""):gsub("\r?\n$", "")
  if text == "" then return -1 end
  if tag == "journal" then
    found.source, found.node = "journal", "@HOST@"
    found.unit = first(record.systemd_unit) or first(record.syslog_identifier)
  else
    found.source, found.stream = "container", record.stream
    found.node = record.attrs and record.attrs.tag or (record.file or ""):match("/(%x%x%x%x%x%x%x%x%x%x%x%x)%x*%-json")
    local event = text:match('^{"event":"[^"]*","node":"([^"]*)"')
    if event then found.source, found.node = "engine", event end
    for _, item in ipairs(organizations) do
      if found.node and found.node:find(item[2]) then found.organization = item[1] end
    end
  end
  if found.node == "store.@DOMAIN@" and text:find('^{.*"type":"re') then
    found.source = "audit"
    found.level = text:find('"error":"[^"]') and "warn" or "info"
  else
    found.level = level_of(text) or priorities[first(record.priority) or ""] or "@UNKNOWN@"
    text = blank(text)
  end
  found.channel = channel_of(text)
  found.log = text
  return 2, found
end

-- Where a script fails, Fluent Bit sends a whole batch as it was, with its secrets.
function line(tag, timestamp, record)
  local done, code, found = pcall(read, tag, record)
  if not done then
    code = 2
    found = { host = "@HOST@", node = "@HOST@", source = tag == "journal" and "journal" or "container" }
    found.level, found.log = "@UNKNOWN@", "[a line that could not be read]"
  end
  return code, timestamp, found or record
end
"""


def fluent_bit_config(logs: HostLogs) -> dict[str, Any]:
    """The configuration, to be written as YAML beside ``line_script``. No secret in it.

    :raises ValueError: when the sink is not a Loki by mutual TLS or in the clear
    """
    url = re.fullmatch(r"(https?)://([^:/]+):([0-9]+)/otlp", logs.sink.url)
    if url is None or logs.sink.token_file:
        raise ValueError(
            f"{logs.sink.url}: Fluent Bit is told only of a Loki, https://HOST:PORT/otlp, without a token"
        )
    megabytes = max(1, logs.queue_bytes // 1_000_000)
    places = logs.places
    inputs: list[dict[str, Any]] = []
    if places.containers:
        inputs.append(
            {
                "name": "tail",
                "tag": "containers",
                # With what was turned over: that may happen while nobody reads.
                "path": f"{places.containers}/*/*-json.log*",
                # A container may be gone after a minute, which is the default.
                "refresh_interval": 2,
                "path_key": "file",
                "parser": "engine",
                "db": f"{places.data}/containers.db",
                "read_from_head": True,
                # A file that was turned over stays known until it is deleted: forgotten, it would be sent again.
                "rotate_wait": _FOR_EVER,
                "buffer_max_size": "256k",
                "storage.type": "filesystem",
            }
        )
    if places.journal:
        inputs.append(
            {
                "name": "systemd",
                "tag": "journal",
                "path": places.journal,
                "db": f"{places.data}/journal.db",
                "read_from_tail": False,
                "lowercase": True,
                "strip_underscores": True,
                "storage.type": "filesystem",
            }
        )
    output: dict[str, Any] = {
        "name": "loki",
        "match": "*",
        "host": url[2],
        "port": int(url[3]),
        "labels": ", ".join(f"{name}=${name}" for name in LABELS),
        "remove_keys": ", ".join(LABELS),
        "drop_single_key": "raw",
        "structured_metadata": "unit=$unit, stream=$stream",
        # Never given up, and the oldest go when the disk's share is used up.
        "retry_limit": "no_limits",
        "storage.total_limit_size": f"{megabytes}M",
    }
    if url[1] == "https":
        output |= {
            "tls": True,
            "tls.verify": True,
            # Every node has a certificate of this CA; the sink's alone has its address.
            "tls.verify_hostname": True,
            "tls.ca_file": logs.sink.ca_file,
            "tls.crt_file": logs.sink.cert_file,
            "tls.key_file": logs.sink.key_file,
        }
    return {
        "service": {
            "flush": 1,
            "grace": 20,
            "log_level": "warn",
            # How long a sink that came back may have to wait, in seconds; the default goes up to half an hour.
            "scheduler.base": 1,
            "scheduler.cap": 15,
            "storage.path": f"{places.data}/queue",
            "storage.sync": "normal",
            "storage.backlog.mem_limit": "16M",
            # For the healthcheck. It has no TLS and no login, so it stays inside the container.
            "http_server": True,
            "http_listen": "127.0.0.1",
            "http_port": HEALTH_PORT,
        },
        "parsers": [
            {
                "name": "engine",
                "format": "json",
                "time_key": "time",
                "time_format": "%Y-%m-%dT%H:%M:%S.%LZ",
            }
        ],
        "pipeline": {
            "inputs": inputs,
            "filters": [{"name": "lua", "match": "*", "script": SCRIPT, "call": "line"}],
            "outputs": [output],
        },
    }


def line_script(logs: HostLogs) -> str:
    """The filter's script in Lua, which lies beside the configuration."""
    channels = sorted(logs.channels, key=len, reverse=True)
    filled = {
        "LEVELS": ", ".join(f"{short} = {_text(name)}" for short, name in log_formats.LEVELS.items()),
        "PRIORITIES": ", ".join(
            f"[{_text(number)}] = {_text(name)}" for number, name in log_formats.PRIORITIES.items()
        ),
        "PATTERNS": ", ".join(_text(pattern) for pattern in _LEVEL_PATTERNS),
        "CHANNELS": ", ".join(f"{{ {_text(name)}, {_text(_pattern(name))} }}" for name in channels),
        "ORGANIZATIONS": ", ".join(
            f"{{ {_text(name)}, {_text(f'%.{_pattern(name)}%.{_pattern(logs.domain)}$')} }}"
            for name in logs.organizations
        ),
        "HOST": logs.host,
        "DOMAIN": logs.domain,
        "UNKNOWN": log_formats.UNKNOWN,
    }
    script = _LUA
    for name, text in filled.items():
        script = script.replace(f"@{name}@", text)
    return script


def _text(value: str) -> str:
    """A string of Lua's."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pattern(value: str) -> str:
    """A pattern of Lua's for a text as it stands."""
    return re.sub(r"([^A-Za-z0-9])", r"%\1", value)
