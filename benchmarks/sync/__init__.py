"""The live stream under load, over HTTP, against the servers that `pastis serve` starts."""
